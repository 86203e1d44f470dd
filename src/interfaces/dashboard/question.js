// What a page of activities asks: the same object as long as it is the same question. The first one of a visit is asked here,
// before there is anything to show it in, so that the service answers while scripts are read and the page is built.
import { askText } from './api.js';
import { filterPairs } from './filters.js';
import { ROWS_FIRST } from './row_list.js';
import { parseState } from './state.js';
import { resolveRange } from './times.js';

const FIRST_ANSWER_MS_MAX = 100;
const TURN_MS_MAX = 200; // a tab that nobody looks at draws nothing

const keyOf = ({ range, filters }) => JSON.stringify([range, filters]);

// "now" stands still in it, so that pages fit together. `turn` comes when its first rows are drawn, which other questions wait
// for; `pass` says that they may come.
function makeQuestion({ range, filters }) {
  const now = Date.now();
  let pass;
  const turn = new Promise(resolve => { pass = resolve; });
  return { filters, times: resolveRange(range, now), now, turn, pass, early: null };
}

const send = ({ filters, times }, limit, cursor) =>
  askText('api/v1/activities', [['limit', limit], ...(cursor ? [['cursor', cursor]] : []), ...filterPairs(filters, times)]);

// A page of rows. The first answer may be there already, and is given once.
export function askRows(question, limit, cursor) {
  const { early } = question;
  question.early = null;
  return early ?? send(question, limit, cursor);
}

function askEarly(state) {
  if (state.page !== 'activities') return null;
  const question = makeQuestion(state);
  question.early = send(question, ROWS_FIRST, null);
  question.early.catch(() => {}); // who takes it is told
  return { key: keyOf(state), question };
}

let first = askEarly(parseState(location.hash));

// Until the first rows can be drawn with the page around them, which is one drawing instead of two; a service that thinks for
// longer is waited for with the page in sight.
export const firstAnswer = Promise.race([
  first ? first.question.early.catch(() => {}) : null,
  new Promise(resolve => { setTimeout(resolve, FIRST_ANSWER_MS_MAX); }),
]);

export function questionOf(state) {
  const asked = first;
  first = null;
  return asked && asked.key === keyOf(state) ? asked.question : makeQuestion(state);
}

export function passTurn({ pass }) {
  requestAnimationFrame(() => setTimeout(pass));
  setTimeout(pass, TURN_MS_MAX);
}
