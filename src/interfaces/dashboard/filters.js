// Filters: { field, value, out }, of which the field is "userId", "action" or "metadata.<path>", and `out` leaves out what
// has the value. All of it is pure.

const FIELDS = ['userId', 'action'];
const METADATA = 'metadata.';
const EXAMPLE = 'write action=login, userId!=robot or metadata.ip="192.0.2.17"';

export const isField = name => FIELDS.includes(name) || (name.startsWith(METADATA) && name.length > METADATA.length);

export const sameFilter = (one, other) =>
  one.field === other.field && one.value === other.value && Boolean(one.out) === Boolean(other.out);

// The same value is not asked for and left out at once: the last word counts.
export function withFilter(filters, filter) {
  const others = filters.filter(one => one.field !== filter.field || one.value !== filter.value);
  return [...others, { field: filter.field, value: filter.value, out: Boolean(filter.out) }];
}

export const withoutFilter = (filters, filter) => filters.filter(one => !sameFilter(one, filter));

// As it can be read again.
export function formatFilter({ field, value, out }) {
  const plain = value !== '' && !/[\s"\\]/.test(value);
  return `${field}${out ? '!=' : '='}${plain ? value : JSON.stringify(value)}`;
}

// --- what people write ---

const ONE = /\s*([^\s=!":]+)\s*(!=|=|:)\s*("(?:\\.|[^"\\])*"|[^\s"]+)(?=\s|$)/y;

function readValue(text) {
  if (text[0] !== '"') return text;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function explain(text, at) {
  const rest = text.slice(at).trim();
  const name = /^[^\s=!":]*/.exec(rest)[0];
  if (/^[^\s=!":]+\s*(!=|=|:)\s*"/.test(rest)) return `The quotation marks behind ${name} are not closed.`;
  if (/^[^\s=!":]+\s*(!=|=|:)\s*$/.test(rest)) return `There is no value behind ${name}: ${EXAMPLE}.`;
  return `“${rest}” is no filter: ${EXAMPLE}.`;
}

// { filters } or { error }, with words that say what to write.
export function parseFilters(text) {
  const filters = [];
  let at = 0;
  while (text.slice(at).trim() !== '') {
    ONE.lastIndex = at;
    const match = ONE.exec(text);
    if (!match) return { error: explain(text, at) };
    const [, field, operator, written] = match;
    const value = readValue(written);
    if (!isField(field)) {
      return { error: `There is no field “${field}”; there are userId, action and metadata.<path>.` };
    }
    if (value === null || value === '') return { error: `The value of ${field} cannot be read: ${EXAMPLE}.` };
    filters.push({ field, value, out: operator === '!=' });
    at = ONE.lastIndex;
  }
  return filters.length > 0 ? { filters } : { error: `Nothing is written here: ${EXAMPLE}.` };
}

// What may follow what is written: { field, operator, begin } while a value is being written, else { begin } of a field; `at` is
// where it starts in the text.
export function completionOf(text) {
  const last = /(^|\s)([^\s=!":]*)(?:(!=|=|:)(?:"([^"]*)|([^\s"]*)))?$/.exec(text);
  if (!last) return null;
  const [, space, name, operator, quoted, plain] = last;
  const at = last.index + space.length;
  return operator ? { field: name, operator, begin: quoted ?? plain, at } : { begin: name, at };
}

// --- what the API is asked ---

const ANY_TIME = '1970-01-01T00:00:00.000Z';

// Pairs of what is asked for and left out, without times; the live tail has none.
export const valuePairs = filters => filters.map(({ field, value, out }) => [out ? `not.${field}` : field, value]);

// Pairs for a query string. A filter on metadata needs something beside it, which a time is that everything comes after.
export function filterPairs(filters, { from = null, to = null } = {}, without = null) {
  const asked = filters.filter(filter => filter.field !== without);
  const pairs = valuePairs(asked);
  const bare = from === null && to === null && asked.some(({ field }) => field.startsWith(METADATA));
  if (from !== null || bare) pairs.push(['from', bare ? ANY_TIME : new Date(from).toISOString()]);
  if (to !== null) pairs.push(['to', new Date(to).toISOString()]);
  return pairs;
}

// --- paths of metadata ---

export function splitPath(path) {
  const keys = [''];
  for (let at = 0; at < path.length; at++) {
    if (path[at] === '\\' && at + 1 < path.length) keys[keys.length - 1] += path[++at];
    else if (path[at] === '.') keys.push('');
    else keys[keys.length - 1] += path[at];
  }
  return keys;
}
