// What the programs share: their arguments and their lines.
import { parseArgs } from 'node:util';

// defaults: by name; null for what must be given. What has a number as its default takes numbers.
// Ends the program with 2 on wrong usage.
export function readArguments(defaults) {
  const options = Object.fromEntries(Object.keys(defaults).map(name => [name, { type: 'string' }]));
  try {
    const { values } = parseArgs({ options });
    return Object.fromEntries(Object.entries(defaults).map(([name, usual]) => [name, read(name, values[name], usual)]));
  } catch (error) {
    console.error(`${error.message}\nthere are ${Object.keys(defaults).map(name => `--${name}`).join(' ')}`);
    process.exit(2);
  }
}

function read(name, given, usual) {
  if (given === undefined) {
    if (usual === null) throw new Error(`--${name} is missing`);
    return usual;
  }
  if (typeof usual !== 'number') return given;
  if (!/^\d{1,9}$/.test(given)) throw new Error(`--${name} takes a whole number, not "${given}"`);
  return Number(given);
}

export function printLine(object) {
  process.stdout.write(`${JSON.stringify(object)}\n`);
}
