// Which columns the table has: those of every activity, and members of the metadata.
import { metadataOf } from './activity_row.js';
import { membersOf } from './json_text.js';
import { Popover } from './parts.js';
import { html, useState } from './runtime.js';
import { COLUMNS_DEFAULT, isColumn } from './state.js';

const OWN = [['time', 'Time'], ['user', 'User'], ['action', 'Action'], ['metadata', 'Metadata'], ['id', 'Id']];
const ROWS_LOOKED_AT = 200;
const PATHS_MAX = 60;

// Paths of members of the metadata that the first rows have, the most frequent first.
export function pathsOf(rows) {
  const seen = new Map();
  for (const row of rows.slice(0, ROWS_LOOKED_AT)) {
    if (row.gap) continue;
    const paths = new Set(membersOf(metadataOf(row)).map(({ path }) => path).filter(path => path !== ''));
    for (const path of paths) seen.set(path, (seen.get(path) ?? 0) + 1);
  }
  return [...seen].sort(([one, often], [other, oftener]) => oftener - often || one.localeCompare(other))
    .slice(0, PATHS_MAX).map(([path]) => path);
}

export function Columns({ state, navigate, paths }) {
  const [text, setText] = useState('');
  const { columns } = state;
  const toggle = name => {
    const left = columns.filter(column => column !== name);
    if (left.length === columns.length) navigate({ columns: [...columns, name] }, { replace: true });
    else if (left.length > 0) navigate({ columns: left }, { replace: true });
  };
  const chosen = columns.filter(name => name.startsWith('metadata.')).map(name => name.slice('metadata.'.length));
  const offered = [...new Set([...chosen, ...paths])].map(path => [`metadata.${path}`, path]);
  const add = event => {
    event.preventDefault();
    const name = `metadata.${text.trim().replace(/^metadata\./, '')}`;
    if (isColumn(name) && !columns.includes(name)) navigate({ columns: [...columns, name] }, { replace: true });
    setText('');
  };
  const choice = ([name, words]) => html`
    <label key=${name}>
      <input type="checkbox" checked=${columns.includes(name)} onChange=${() => toggle(name)} /><bdi>${words}</bdi>
    </label>`;
  return html`
    <${Popover} label="Columns" icon="columns" title="Columns">
      ${() => html`
        <div class="column-choice">
          <div role="group" aria-label="Of every activity">${OWN.map(choice)}</div>
          ${offered.length > 0 && html`<div role="group" aria-label="Of the metadata"><h3>Metadata</h3>${offered.map(choice)}</div>`}
          <form onSubmit=${add}>
            <label for="column-path">Another path of the metadata</label>
            <div class="row-of">
              <input id="column-path" value=${text} placeholder="cart.coupon" autocomplete="off"
                onInput=${event => setText(event.target.value)} />
              <button type="submit">Add</button>
            </div>
          </form>
          <button type="button" class="quiet" onClick=${() => navigate({ columns: COLUMNS_DEFAULT }, { replace: true })}>
            As at the beginning
          </button>
        </div>`}
    </${Popover}>`;
}
