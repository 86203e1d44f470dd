// The modules of the dashboard that know nothing of a page: what they make of texts, times and numbers. No browser is started.
import * as activityRows from '../../src/interfaces/dashboard/activity_row.js';
import * as buckets from '../../src/interfaces/dashboard/buckets.js';
import { EventStreamReader } from '../../src/interfaces/dashboard/event_stream.js';
import * as filters from '../../src/interfaces/dashboard/filters.js';
import * as json from '../../src/interfaces/dashboard/json_text.js';
import { RowList } from '../../src/interfaces/dashboard/row_list.js';
import * as rows from '../../src/interfaces/dashboard/row_window.js';
import * as states from '../../src/interfaces/dashboard/state.js';
import * as times from '../../src/interfaces/dashboard/times.js';
import { expect, test } from './packages.mjs';

const at = text => Date.parse(text);

// --- times ---

test('a time is read in its zone, also around changes of the clock', () => {
  const read = (text, zone) => new Date(times.parseTime(text, zone)).toISOString();
  expect(read('2026-01-14', 'UTC')).toBe('2026-01-14T00:00:00.000Z');
  expect(read('2026-01-14 10:00', 'Europe/Berlin')).toBe('2026-01-14T09:00:00.000Z');
  expect(read('2026-07-14T10:00:30.5', 'Europe/Berlin')).toBe('2026-07-14T08:00:30.500Z');
  expect(read('2026-03-29 03:30', 'Europe/Berlin')).toBe('2026-03-29T01:30:00.000Z');
  expect(read('2026-10-25 00:30', 'Europe/Berlin')).toBe('2026-10-24T22:30:00.000Z');
  expect(read('2026-01-14 10:00Z', 'Asia/Tokyo')).toBe('2026-01-14T10:00:00.000Z');
  expect(read('2026-01-14 10:00 +05:30', 'UTC')).toBe('2026-01-14T04:30:00.000Z');
});

test('what is no time is none', () => {
  for (const text of ['', 'now', '14.1.2026', '2026-02-30', '2026-13-01', '2026-01-14 24:01', '2026-01-14 10', '2026-01-14 10:60']) {
    expect(times.parseTime(text, 'UTC'), text).toBeNull();
  }
  expect(times.readRange('2026-01-14', 'soon', 'UTC')).toMatchObject({ field: 'to', error: expect.stringContaining('“soon” is no time') });
  expect(times.readRange('', '2026-01-14', 'UTC')).toMatchObject({ field: 'from', error: expect.stringContaining('is missing') });
  expect(times.readRange('2026-01-15', '2026-01-14', 'UTC')).toMatchObject({ field: 'to', error: expect.stringContaining('later') });
});

test('times are shown in a zone, and read back as they were', () => {
  const moment = at('2026-01-14T23:58:05.042Z');
  expect(times.formatTime(moment, 'UTC', { milliseconds: true })).toBe('2026-01-14 23:58:05.042');
  expect(times.formatTime(moment, 'Asia/Kolkata', { seconds: true })).toBe('2026-01-15 05:28:05');
  for (const zone of ['UTC', 'Europe/Berlin', 'Asia/Kolkata', 'America/St_Johns']) {
    expect(times.parseTime(times.formatTime(moment, zone, { milliseconds: true }), zone)).toBe(moment);
  }
});

test('a range that ends now is open, and all time has no begin', () => {
  expect(times.resolveRange({ last: '15m' }, 1_000_000)).toEqual({ from: 100_000, to: null });
  expect(times.resolveRange({ last: 'all' }, 1_000_000)).toEqual({ from: null, to: null });
  expect(times.resolveRange({ from: 1, to: 2 }, 1_000_000)).toEqual({ from: 1, to: 2 });
  expect(times.durationOf('0h')).toBeNull();
  expect(times.durationOf('5y')).toBeNull();
});

// --- filters ---

test('filters are read as they are written', () => {
  expect(filters.parseFilters('userId=101 action!=login').filters).toEqual([
    { field: 'userId', value: '101', out: false }, { field: 'action', value: 'login', out: true }]);
  expect(filters.parseFilters('metadata.cart.coupon = "two words \\"x\\""').filters).toEqual([
    { field: 'metadata.cart.coupon', value: 'two words "x"', out: false }]);
  expect(filters.parseFilters('action:a=b').filters[0].value).toBe('a=b');
  for (const filter of [{ field: 'action', value: 'a b"\\', out: true }, { field: 'userId', value: 'ünï<b>', out: false }]) {
    expect(filters.parseFilters(filters.formatFilter(filter)).filters).toEqual([filter]);
  }
});

test('what is no filter is told, with what to write', () => {
  const error = text => filters.parseFilters(text).error;
  expect(error('usr=1')).toContain('no field “usr”');
  expect(error('metadata.=1')).toContain('metadata.<path>');
  expect(error('login')).toContain('“login” is no filter');
  expect(error('action=')).toContain('no value behind action');
  expect(error('action="open')).toContain('not closed');
  expect(error('action=""')).toContain('cannot be read');
  expect(error('  ')).toContain('Nothing is written');
});

test('the API is asked for what it can, and no more', () => {
  const all = [{ field: 'userId', value: '1' }, { field: 'action', value: 'a', out: true }, { field: 'metadata.k', value: 'v' }];
  expect(filters.filterPairs(all, { from: 0, to: 1 })).toEqual([
    ['userId', '1'], ['not.action', 'a'], ['metadata.k', 'v'], ['from', '1970-01-01T00:00:00.000Z'], ['to', '1970-01-01T00:00:00.001Z']]);
  expect(filters.filterPairs(all, {}, 'userId')).toEqual([
    ['not.action', 'a'], ['metadata.k', 'v'], ['from', '1970-01-01T00:00:00.000Z']]);
  expect(filters.filterPairs(all.slice(0, 2), {}, 'action')).toEqual([['userId', '1']]);
  expect(filters.filterPairs([{ field: 'metadata.k', value: 'v', out: true }], {})).toEqual([
    ['not.metadata.k', 'v'], ['from', '1970-01-01T00:00:00.000Z']]);
  expect(filters.valuePairs(all)).toEqual([['userId', '1'], ['not.action', 'a'], ['metadata.k', 'v']]);
});

test('values at a path are found as the API finds them', () => {
  const found = (path, metadata) => json.textsAt(metadata, filters.splitPath(path));
  expect(found('a.b', '{"x":0,"a":{"b":1}}')).toEqual(['1']);
  expect(found('a', '{"a":[false,[true],{"b":1}]}')).toEqual(['false', 'true', '{"b":1}']);
  expect(found('a.b', '{"a":[{"b":19.90},{"c":0},{"b":[1e400]}]}')).toEqual(['19.90', '1e400']);
  expect(found('a', '{"a":null}')).toEqual(['null']);
  expect(found('a\\.b', '{"a.b":"x"}')).toEqual(['"x"']);
  expect(found('a.b', '{"a.b":"x"}')).toEqual([]);
  expect(found('a.b', '{"a":"x"}')).toEqual([]);
  expect(found('toString', '{}')).toEqual([]);
});

test('the last word about a value counts', () => {
  const one = filters.withFilter([], { field: 'action', value: 'a' });
  const other = filters.withFilter(one, { field: 'action', value: 'a', out: true });
  expect(other).toEqual([{ field: 'action', value: 'a', out: true }]);
  expect(filters.withoutFilter(other, other[0])).toEqual([]);
});

test('what may follow is known from what is written', () => {
  expect(filters.completionOf('')).toEqual({ begin: '', at: 0 });
  expect(filters.completionOf('userId=1 act')).toEqual({ begin: 'act', at: 9 });
  expect(filters.completionOf('action!=lo')).toEqual({ field: 'action', operator: '!=', begin: 'lo', at: 0 });
  expect(filters.completionOf('userId=1 action="two w')).toEqual({ field: 'action', operator: '=', begin: 'two w', at: 9 });
});

// --- addresses ---

test('an address holds all of the state', () => {
  const state = {
    page: 'users', userId: 'team/ü #x', range: { from: 1000, to: 2000 }, zone: 'Asia/Tokyo', open: 'order-1', live: true,
    filters: [{ field: 'userId', value: 'a&b=c', out: false }, { field: 'metadata.x\\.y', value: '<b>', out: true }],
    columns: ['time', 'metadata.a,b'],
  };
  expect(states.parseState(states.formatState(state))).toEqual(state);
  expect(states.formatState(states.initialState)).toBe('#/activities');
  expect(states.parseState('')).toEqual(states.initialState);
});

test('what an address says wrong is left out', () => {
  expect(states.parseState('#/nowhere?last=9y&zone=Mars/One&column=password&userid=1&from=x&open=')).toEqual(states.initialState);
  expect(states.parseState('#/activities?from=2026-01-15&to=2026-01-14').range).toEqual(states.initialState.range);
  expect(states.parseState('#/users/%zz').userId).toBe('%zz');
});

// --- JSON ---

test('JSON is laid out without touching a digit', () => {
  const text = '{"a":12345678901234567890,"b":[1.10,{}],"c":[],"d":{"e":"x\\"},{"},"f":null}';
  expect(json.indentJson(text)).toBe(
    '{\n  "a": 12345678901234567890,\n  "b": [\n    1.10,\n    {}\n  ],\n  "c": [],\n  "d": {\n    "e": "x\\"},{"\n  },\n  "f": null\n}');
  expect(json.indentJson('{}')).toBe('{}');
});

test('members are told with their paths, as filters take them', () => {
  expect(json.membersOf('{"a":{"b.c":1.10},"l":["x",[true]],"e":{},"":"","s":"\\u0041"}')).toEqual([
    { path: 'a.b\\.c', value: '1.10', kind: 'other' },
    { path: 'l', value: 'x', kind: 'text' }, { path: 'l', value: 'true', kind: 'other' },
    { path: 'e', value: '{}', kind: 'empty' }, { path: '', value: '', kind: 'text' }, { path: 's', value: 'A', kind: 'text' }]);
  expect(json.memberText('{"id":"x","metadata":{"metadata":1,"n":[20e2]}}', 'metadata')).toBe('{"metadata":1,"n":[20e2]}');
  expect(json.memberText('{"id":{"x":1}}', 'x')).toBe('');
});

test('what is inside is cut out of the text as it stands there', () => {
  expect(json.insideOf('{"a" : 12345678901234567890 , "b\\"}":"x,]}\\\\","":{"c":[1,{}]} ,"e":[]}')).toEqual([
    { name: 'a', text: '12345678901234567890' }, { name: 'b"}', text: '"x,]}\\\\"' },
    { name: '', text: '{"c":[1,{}]}' }, { name: 'e', text: '[]' }]);
  expect(json.insideOf('[ 1e400,"]", [19.90] ]').map(({ text }) => text)).toEqual(['1e400', '"]"', '[19.90]']);
  expect([...json.insideOf('{}'), ...json.insideOf('[ ]')]).toEqual([]);
  expect(['"a\\u0041\\n"', '19.90', '{"a":1.0}'].map(json.plainText)).toEqual(['aA\n', '19.90', '{"a":1.0}']);
  const metadata = '{"order":12345678901234567890,"text":"\\u2028"}';
  const page = `{"data":[{"id":"1","userId":"u","action":"a","timestamp":"t","metadata":${metadata}},{"id":"2"}],"nextCursor":"c"}`;
  const { data, nextCursor } = activityRows.readPage(page);
  expect([data[0].id, data[0].userId, data[0].action, data[0].timestamp, activityRows.metadataOf(data[0])]).toEqual(['1', 'u', 'a', 't', metadata]);
  expect([data.length, activityRows.metadataOf(data[1]), nextCursor]).toEqual([2, '{}', 'c']);
  expect(activityRows.readPage('{"data":[],"nextCursor":null}')).toEqual({ data: [], nextCursor: null });
});

// --- rows ---

test('only rows that can be seen are in the page', () => {
  const window = rows.windowOf({ count: 100_000, top: 50_000 * rows.ROW_HEIGHT, height: 600 });
  expect(window.end - window.first).toBeLessThan(60);
  expect(window.first).toBeLessThan(50_000);
  expect(window.end).toBeGreaterThan(50_020);
  expect(window.above + (window.end - window.first) * rows.ROW_HEIGHT + window.below).toBe(100_000 * rows.ROW_HEIGHT);
  expect(rows.windowOf({ count: 0, top: 0, height: 600 })).toEqual({ first: 0, end: 0, above: 0, below: 0 });
  expect(rows.windowOf({ count: 5, top: 9e9, height: 600 })).toEqual({ first: 0, end: 5, above: 0, below: 0 });
});

test('an open row moves what is behind it', () => {
  const shape = { count: 1000, height: 300, open: 10, openHeight: 400 };
  for (const top of [0, 250, 330, 500, 700, 9000, 29_000]) {
    const { first, end, above, below } = rows.windowOf({ ...shape, top });
    const inside = (end - first) * rows.ROW_HEIGHT + (first <= 10 && 10 < end ? 400 : 0);
    expect(above + inside + below, `at ${top}`).toBe(1000 * rows.ROW_HEIGHT + 400);
    expect(above).toBeLessThanOrEqual(top);
    expect(above + inside).toBeGreaterThanOrEqual(Math.min(top + 300, 1000 * rows.ROW_HEIGHT + 400));
  }
  const place = { top: 0, height: 300, heading: 30, open: -1, openHeight: 0 };
  expect(rows.scrollTo(3, place)).toBe(0);
  expect(rows.scrollTo(20, place)).toBe(21 * rows.ROW_HEIGHT + 30 - 300);
  expect(rows.scrollTo(2, { ...place, top: 600 })).toBe(2 * rows.ROW_HEIGHT);
});

const activity = id => ({ id: String(id), userId: 'u', action: 'a', metadata: {} });

test('pages follow each other, and nothing comes twice', async () => {
  const asked = [];
  const list = new RowList({
    load: async (limit, cursor) => {
      asked.push([limit, cursor]);
      return cursor ? { data: [activity(2), activity(3)], nextCursor: null } : { data: [activity(1), activity(2)], nextCursor: 'c' };
    },
    changed() {},
  });
  await Promise.all([list.more(), list.more()]);
  await list.more();
  await list.more();
  expect(asked).toEqual([[100, null], [1000, 'c']]);
  expect(list.shown.map(({ id }) => id)).toEqual(['1', '2', '3']);
  expect(list.ended).toBe(true);
  list.prepend([activity(4), activity(5), activity(1)]);
  list.prependGap({ missed: 2, reason: 'slow' });
  expect(list.shown.map(({ id }) => id)).toEqual(['gap 1', '5', '4', '1', '2', '3']);
  expect(list.prepended).toBe(3);
});

test('a page that fails is asked for again', async () => {
  let fails = true;
  let next = 0;
  const list = new RowList({
    load: async () => {
      if (fails) throw new Error('away');
      return { data: [activity(next++)], nextCursor: 'c' };
    },
    changed() {},
  });
  await list.more();
  expect([list.phase, list.error.message]).toEqual(['error', 'away']);
  fails = false;
  await list.more();
  await list.more();
  expect([list.phase, list.shown.length]).toEqual(['ready', 2]);
});

// --- events ---

test('events are read from pieces, however they are cut', () => {
  const text = 'retry: 2000\nid: t1\n\nid: t2\nevent: activity\ndata: {"a":1}\n\n: beat\n\nevent: gap\ndata: x\ndata:y\n\n';
  for (let size = 1; size <= text.length; size++) {
    const reader = new EventStreamReader();
    const events = [];
    for (let from = 0; from < text.length; from += size) events.push(...reader.push(text.slice(from, from + size)));
    expect(events).toEqual([{ type: 'activity', data: '{"a":1}' }, { type: 'gap', data: 'x\ny' }]);
    expect([reader.lastId, reader.retryMs]).toEqual(['t2', 2000]);
  }
});

// --- bars ---

test('a range has bars that can be told apart, at the multiples that the API counts by', () => {
  const day = 86_400_000;
  expect(buckets.formatInterval(buckets.chooseInterval(0, day))).toBe('15m');
  expect(buckets.formatInterval(buckets.chooseInterval(0, 60_000))).toBe('1s');
  expect(buckets.formatInterval(buckets.chooseInterval(0, 365 * day))).toBe('7d');
  expect(buckets.intervalInWords(900_000)).toBe('15 minutes');
  expect(buckets.intervalInWords(3_600_000)).toBe('1 hour');
  const filled = buckets.fillBuckets([{ key: '1970-01-01T00:00:02.000Z', count: 5 }, { key: '1970-01-01T01:00:00.000Z', count: 9 }],
    { from: 1500, to: 4000, interval: 1000 });
  expect(filled).toEqual({ times: [1000, 2000, 3000], counts: [0, 5, 0] });
});

test('moving in time keeps the length, zooming the middle, and nothing begins before 1970', () => {
  expect(buckets.zoomed({ from: 1e6, to: 2e6 }, 0.5)).toEqual({ from: 1.25e6, to: 1.75e6 });
  expect(buckets.shifted({ from: 1e6, to: 2e6 }, -0.5)).toEqual({ from: 5e5, to: 1.5e6 });
  expect(buckets.shifted({ from: 100, to: 1100 }, -0.5)).toEqual({ from: 0, to: 1000 });
  expect(buckets.spanOf([{ key: '2026-01-01T00:00:00.000Z' }, { key: '2026-01-03T00:00:00.000Z' }]))
    .toEqual({ from: at('2026-01-01'), to: at('2026-01-04') });
  expect(buckets.spanOf([])).toBeNull();
});
