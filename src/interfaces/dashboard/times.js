// Times as people read and write them: ranges, relative and absolute, and the wall clock of a zone. All of it is pure.

const UNITS = { m: 60_000, h: 3_600_000, d: 86_400_000 };

// What the picker offers: as it stands in addresses, and in words.
export const RANGES = [
  ['15m', 'Last 15 minutes'],
  ['1h', 'Last hour'],
  ['6h', 'Last 6 hours'],
  ['24h', 'Last 24 hours'],
  ['7d', 'Last 7 days'],
  ['30d', 'Last 30 days'],
  ['90d', 'Last 90 days'],
  ['all', 'All time'],
];

export const RANGE_DEFAULT = { last: '24h' };

// Null: it is no stretch of time.
export function durationOf(text) {
  const match = /^([1-9]\d{0,4})([mhd])$/.exec(text);
  return match ? Number(match[1]) * UNITS[match[2]] : null;
}

export function rangeInWords(range, zone) {
  if (range.last) {
    const known = RANGES.find(([name]) => name === range.last);
    return known ? known[1] : `Last ${range.last}`;
  }
  return `${formatTime(range.from, zone, { seconds: true })} to ${formatTime(range.to, zone, { seconds: true })}`;
}

// What a range is at a moment: milliseconds, null where it has no end. One that ends now is left open, so that clocks which
// differ a little hide nothing that has just come.
export function resolveRange(range, now) {
  if (!range.last) return { from: range.from, to: range.to };
  const duration = durationOf(range.last);
  return { from: duration === null ? null : now - duration, to: null };
}

// --- zones ---

const formats = new Map();

function formatOf(zone) {
  if (!formats.has(zone)) {
    formats.set(zone, new Intl.DateTimeFormat('en-CA', {
      timeZone: zone === 'local' ? undefined : zone,
      hourCycle: 'h23',
      year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit',
    }));
  }
  return formats.get(zone);
}

export function isZone(zone) {
  try {
    formatOf(zone);
    return true;
  } catch {
    return false;
  }
}

export function zoneInWords(zone) {
  return zone === 'local' ? `Local time (${Intl.DateTimeFormat().resolvedOptions().timeZone})` : zone;
}

function partsOf(ms, zone) {
  return Object.fromEntries(formatOf(zone).formatToParts(ms).map(({ type, value }) => [type, value]));
}

const padded = (number, digits) => String(number).padStart(digits, '0');

// "2026-01-14 10:11", further with { seconds } and { milliseconds }.
export function formatTime(ms, zone, { seconds = false, milliseconds = false } = {}) {
  const parts = partsOf(ms, zone);
  let text = `${padded(parts.year, 4)}-${parts.month}-${parts.day} ${parts.hour}:${parts.minute}`;
  if (seconds || milliseconds) text += `:${parts.second}`;
  if (milliseconds) text += `.${padded(((ms % 1000) + 1000) % 1000, 3)}`;
  return text;
}

export const formatDay = (ms, zone) => formatTime(ms, zone).slice(0, 10);

function offsetAt(ms, zone) {
  const { year, month, day, hour, minute, second } = partsOf(ms, zone);
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(ms / 1000) * 1000;
}

// The moment at which clocks of the zone show this. The offset is asked for twice, since the first guess may lie on the
// other side of a change of it.
export function fromWallClock(wall, zone) {
  const guess = wall - offsetAt(wall, zone);
  return wall - offsetAt(guess, zone);
}

const WRITTEN = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,3}))?)?)?\s*(Z|[+-]\d\d:\d\d)?$/;

// "2026-01-14", "2026-01-14 10:00", with seconds, with an offset: milliseconds, or null when it is none of these.
export function parseTime(text, zone) {
  const match = WRITTEN.exec(text.trim());
  if (!match) return null;
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '0', offset] = match;
  const wall = Date.UTC(year, month - 1, day, hour, minute, second, Number(fraction.padEnd(3, '0')));
  const date = new Date(wall);
  // A day or an hour that is not there would silently become another one.
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== Number(day) || date.getUTCHours() !== Number(hour) ||
      date.getUTCMinutes() !== Number(minute) || date.getUTCSeconds() !== Number(second)) return null;
  if (!offset) return fromWallClock(wall, zone);
  if (offset === 'Z') return wall;
  const sign = offset[0] === '-' ? -1 : 1;
  return wall - sign * (Number(offset.slice(1, 3)) * 60 + Number(offset.slice(4))) * 60_000;
}

const EXAMPLE = 'write 2026-01-14 10:00, with seconds or an offset if you like';

// { range } or { error, field }.
export function readRange(from, to, zone) {
  for (const [field, text] of [['from', from], ['to', to]]) {
    if (text.trim() === '') return { field, error: `The ${field === 'from' ? 'start' : 'end'} is missing: ${EXAMPLE}.` };
    if (parseTime(text, zone) === null) return { field, error: `“${text.trim()}” is no time: ${EXAMPLE}.` };
  }
  const range = { from: parseTime(from, zone), to: parseTime(to, zone) };
  return range.from < range.to ? { range } : { field: 'to', error: 'The end must be later than the start.' };
}

// "3 d 4 h", "12 min", "45 s": the two largest units, or one.
export function formatDuration(ms) {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  const hours = Math.floor(seconds / 3600);
  if (hours < 24) return `${hours} h ${Math.floor(seconds % 3600 / 60)} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}
