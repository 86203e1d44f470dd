// What the page shows, all of which stands in its address, so that the address can be sent to somebody else. It stands behind
// the "#": browsers do not send that, so no user id gets into the logs of servers. All of it is pure.
import { isField } from './filters.js';
import { RANGE_DEFAULT, durationOf, isZone } from './times.js';

export const COLUMNS_DEFAULT = ['time', 'user', 'action', 'metadata'];
const COLUMNS = ['time', 'user', 'action', 'metadata', 'id'];
const PAGES = ['activities', 'users', 'refused'];

export const isColumn = name => COLUMNS.includes(name) || (name.startsWith('metadata.') && isField(name));

export const initialState = {
  page: 'activities', userId: '', range: RANGE_DEFAULT, zone: 'local', filters: [], columns: COLUMNS_DEFAULT, open: '', live: false,
};

function readRangeOf(parameters) {
  const last = parameters.get('last');
  if (last === 'all' || (last && durationOf(last) !== null)) return { last };
  const [from, to] = ['from', 'to'].map(name => Date.parse(parameters.get(name)));
  return from < to ? { from, to } : RANGE_DEFAULT;
}

function readFilters(parameters) {
  const filters = [];
  for (const [name, value] of parameters) {
    const out = name.startsWith('!');
    const field = out ? name.slice(1) : name;
    if (value !== '' && isField(field)) filters.push({ field, value, out });
  }
  return filters;
}

// What an address says; what it does not say, or says wrong, is as at the beginning.
export function parseState(hash) {
  const [, path = '', query = ''] = /^#?\/?([^?]*)\??(.*)$/s.exec(hash);
  const [page, ...rest] = path.split('/');
  const parameters = new URLSearchParams(query);
  const columns = parameters.getAll('column').filter(isColumn);
  const zone = parameters.get('zone');
  return {
    page: PAGES.includes(page) ? page : initialState.page,
    userId: page === 'users' ? decodePart(rest.join('/')) : '',
    range: readRangeOf(parameters),
    zone: zone && isZone(zone) ? zone : initialState.zone,
    filters: readFilters(parameters),
    columns: columns.length > 0 ? [...new Set(columns)] : COLUMNS_DEFAULT,
    open: parameters.get('open') ?? '',
    live: parameters.get('live') === '1',
  };
}

function decodePart(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const sameList = (one, other) => one.length === other.length && one.every((item, at) => item === other[at]);

export function formatState(state) {
  const parameters = new URLSearchParams();
  if (!state.range.last) {
    parameters.set('from', new Date(state.range.from).toISOString());
    parameters.set('to', new Date(state.range.to).toISOString());
  } else if (state.range.last !== RANGE_DEFAULT.last) {
    parameters.set('last', state.range.last);
  }
  if (state.zone !== initialState.zone) parameters.set('zone', state.zone);
  for (const { field, value, out } of state.filters) parameters.append((out ? '!' : '') + field, value);
  if (!sameList(state.columns, COLUMNS_DEFAULT)) for (const column of state.columns) parameters.append('column', column);
  if (state.open) parameters.set('open', state.open);
  if (state.live) parameters.set('live', '1');
  const path = state.page === 'users' ? `users/${encodeURIComponent(state.userId)}` : state.page;
  const query = parameters.toString();
  return `#/${path}${query ? `?${query}` : ''}`;
}

// Where something leads: to another page, or other filters, at the same time and in the same zone.
export const linkTo = (state, changes) =>
  formatState({ ...state, filters: [], columns: COLUMNS_DEFAULT, open: '', live: false, ...changes });
