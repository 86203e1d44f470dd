// The program, for tests in a browser: each process has a folder of its own, which goes with it.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROGRAM = process.env.USERTRAIL_TEST_BINARY ?? fileURLToPath(new URL('../../build/usertrail', import.meta.url));
const READY = /ready on (http:\/\/127\.0\.0\.1:\d+)/;
const ACTIVITIES_AT_ONCE = 10_000;
const READY_MS_MAX = 10_000;

// Without settings that the machine happens to have.
const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('USERTRAIL_')));

export class Usertrail {
  // scopes: by the names of the keys that it has; without any, nobody needs a key. `prepare` is called with the folder of its
  // data, which is not there yet.
  static async start(scopes = {}, prepare = () => {}) {
    const one = new Usertrail();
    prepare(join(one.#home, 'data'));
    one.keys = Object.fromEntries(Object.entries(scopes).map(([name, scope]) => [name, one.#createKey(name, scope)]));
    try {
      await one.#launch(Object.keys(scopes).length > 0 ? ['--keys-file', one.#keysFile] : []);
    } catch (error) {
      one.#remove();
      throw error;
    }
    return one;
  }

  #home = mkdtempSync(join(tmpdir(), 'usertrail-browser-'));
  #keysFile = join(this.#home, 'keys');
  #process;
  #said = '';

  #createKey(name, scope) {
    const words = ['keys', 'create', '--keys-file', this.#keysFile, '--name', name, '--scopes', scope];
    return execFileSync(PROGRAM, words, { env: environment, encoding: 'utf8', stdio: 'pipe' }).trim().split('\n').at(-1);
  }

  async #launch(flags) {
    const words = ['serve', '--listen', '127.0.0.1:0', '--data-dir', join(this.#home, 'data'), '--shutdown-delay', '0ms', ...flags];
    this.#process = spawn(PROGRAM, words, { env: environment, stdio: ['ignore', 'ignore', 'pipe'] });
    const deadline = Date.now() + READY_MS_MAX;
    this.#process.stderr.setEncoding('utf8').on('data', text => { this.#said += text; });
    while (!READY.test(this.#said)) {
      if (this.#process.exitCode !== null || Date.now() > deadline) throw new Error(`it does not become ready: ${this.#said}`);
      await new Promise(resolve => setTimeout(resolve, 5));
    }
    this.url = READY.exec(this.#said)[1];
  }

  // A clean end, or an error that says what it said.
  async stop() {
    try {
      this.#process.kill('SIGTERM');
      const [code] = this.#process.exitCode === null ? await once(this.#process, 'exit') : [this.#process.exitCode];
      if (code !== 0) throw new Error(`exit code ${code}: ${this.#said}`);
    } finally {
      this.#remove();
    }
  }

  #remove() {
    this.#process?.kill('SIGKILL');
    rmSync(this.#home, { recursive: true, force: true });
  }

  // --- beside the browser ---

  async fetch(target) {
    const answer = await fetch(this.url + target);
    return { status: answer.status, json: await answer.json() };
  }

  // Records an array, with a key where one is needed, and waits until it can be asked for.
  async record(activities, key) {
    for (let from = 0; from < activities.length; from += ACTIVITIES_AT_ONCE) {
      const answer = await fetch(`${this.url}/api/v1/activities`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', ...(key ? { Authorization: `Bearer ${key}` } : {}) },
        body: JSON.stringify(activities.slice(from, from + ACTIVITIES_AT_ONCE)),
      });
      if (answer.status !== 202) throw new Error(`${answer.status}: ${await answer.text()}`);
    }
    await this.settle();
  }

  // Until what was acknowledged before can be asked for.
  async settle() {
    while ((await this.fetch('/health')).json.worker.pending > 0) await new Promise(resolve => setTimeout(resolve, 5));
  }
}
