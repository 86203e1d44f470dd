// How a range is divided into bars, as the API counts them: at the multiples of an interval since 1970. All of it is pure.

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const BARS_MAX = 100;

const INTERVALS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 1209600, 2592000,
  7776000, 31536000,
].map(seconds => seconds * SECOND);

// The shortest that needs no more bars than can be told apart.
export function chooseInterval(from, to) {
  return INTERVALS.find(interval => (to - from) / interval <= BARS_MAX) ?? INTERVALS.at(-1);
}

// As the API reads it.
export function formatInterval(interval) {
  for (const [unit, letter] of [[DAY, 'd'], [HOUR, 'h'], [MINUTE, 'm']]) {
    if (interval % unit === 0) return `${interval / unit}${letter}`;
  }
  return `${interval / SECOND}s`;
}

// "5 minutes".
export function intervalInWords(interval) {
  for (const [unit, name] of [[DAY, 'day'], [HOUR, 'hour'], [MINUTE, 'minute'], [SECOND, 'second']]) {
    if (interval % unit === 0) return `${interval / unit} ${name}${interval === unit ? '' : 's'}`;
  }
  return `${interval} ms`;
}

// Every bar of a range, those without activities, too, since the API leaves them out: { times, counts }.
export function fillBuckets(groups, { from, to, interval }) {
  const begin = Math.floor(from / interval) * interval;
  const length = Math.max(1, Math.ceil((to - begin) / interval));
  const times = Array.from({ length }, (_, at) => begin + at * interval);
  const counts = new Array(length).fill(0);
  for (const { key, count } of groups) {
    const at = Math.floor((Date.parse(key) - begin) / interval);
    if (at >= 0 && at < length) counts[at] += count;
  }
  return { times, counts };
}

// From where to where the days reach that have activities, null when there are none: what "all time" is.
export function spanOf(groups) {
  if (groups.length === 0) return null;
  return { from: Date.parse(groups[0].key), to: Date.parse(groups.at(-1).key) + DAY };
}

// --- moving through time ---

const LEAST = SECOND;

export function zoomed({ from, to }, factor) {
  const middle = (from + to) / 2;
  const half = Math.max((to - from) * factor, LEAST) / 2;
  return { from: Math.max(0, Math.floor(middle - half)), to: Math.ceil(middle + half) };
}

export function shifted({ from, to }, part) {
  const by = Math.round((to - from) * part);
  return from + by < 0 ? { from: 0, to: to - from } : { from: from + by, to: to + by };
}
