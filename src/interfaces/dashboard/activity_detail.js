// All of one activity: its members as a table, from which filters can be made, and its JSON as it was sent.
import { useAnswer } from './answer.js';
import { askText } from './api.js';
import { withFilter } from './filters.js';
import { indentJson, memberText, membersOf } from './json_text.js';
import { Failure, Icon, Loading, copyText, tell } from './parts.js';
import { html } from './runtime.js';
import { linkTo } from './state.js';
import { formatTime } from './times.js';

// Rows of the member table; those without a field cannot be asked for.
function rowsOf(text, zone) {
  const read = name => JSON.parse(memberText(text, name) || '""');
  const time = read('timestamp');
  return [
    { name: 'id', value: read('id') },
    { name: 'timestamp', value: time, note: `${formatTime(Date.parse(time), zone, { milliseconds: true })} here` },
    { name: 'userId', value: read('userId'), field: 'userId', userId: read('userId') },
    { name: 'action', value: read('action'), field: 'action' },
    ...membersOf(memberText(text, 'metadata') || '{}').map(({ path, value, kind }) => ({
      name: path === '' ? 'metadata' : `metadata.${path}`, value, kind, column: path === '' ? null : `metadata.${path}`,
      field: kind === 'empty' || value === '' || path === '' ? null : `metadata.${path}`,
    })),
  ];
}

function Deed({ words, row, onClick }) {
  return html`
    <button type="button" class="quiet" aria-label=${`${words} ${row.name} ${row.value}`} onClick=${onClick}>${words}</button>`;
}

function Member({ row, state, navigate }) {
  const filter = out => navigate({ filters: withFilter(state.filters, { field: row.field, value: row.value, out }) });
  const shown = row.column && state.columns.includes(row.column);
  const others = state.columns.filter(name => name !== row.column);
  const toggle = () => navigate({ columns: shown ? others : [...others, row.column] });
  return html`
    <tr>
      <th scope="row"><bdi>${row.name}</bdi></th>
      <td class=${row.kind === 'other' ? 'literal' : ''}>
        <bdi>${row.value}</bdi>${row.note && html` <span class="note">${row.note}</span>`}
        ${row.userId !== undefined && html` <a href=${linkTo(state, { page: 'users', userId: row.userId })}>All about this user</a>`}
      </td>
      <td class="member-deeds">
        ${row.field && html`
          <${Deed} words="Only" row=${row} onClick=${() => filter(false)} />
          <${Deed} words="Without" row=${row} onClick=${() => filter(true)} />`}
        ${row.column && html`
          <button type="button" class="quiet" aria-pressed=${shown ? 'true' : 'false'} aria-label=${`Column ${row.name}`}
            onClick=${toggle}>Column</button>`}
      </td>
    </tr>`;
}

// What comes by the live tail may be here before the store has it, and is shown as the tail had it then.
async function load(activity, signal) {
  try {
    return await askText(`api/v1/activities/${encodeURIComponent(activity.id)}`, [], { signal });
  } catch (error) {
    if (error.status === 404) return activity.text;
    throw error;
  }
}

export function ActivityDetail({ activity, state, navigate }) {
  const { data: text, error } = useAnswer(signal => load(activity, signal), [activity.id]);
  if (error) return html`<${Failure} error=${error} />`;
  if (text === undefined) return html`<${Loading} what="the activity" />`;
  const json = indentJson(text);
  const copy = async (what, words) => {
    await copyText(what);
    tell(words);
  };
  return html`
    <div class="detail-inside">
      <table class="members" aria-label="Members">
        <tbody>
          ${rowsOf(text, state.zone).map((row, at) => html`<${Member} key=${at} row=${row} state=${state} navigate=${navigate} />`)}
        </tbody>
      </table>
      <section class="raw" aria-label="Raw JSON">
        <div class="raw-bar">
          <h3>JSON</h3>
          <button type="button" onClick=${() => copy(json, 'The JSON is copied')}>Copy</button>
          <button type="button" onClick=${() => copy(location.href, 'The link is copied')}>
            <${Icon} name="link" /><span>Copy link</span>
          </button>
        </div>
        <pre tabindex="0" aria-label="JSON of the activity">${json}</pre>
      </section>
    </div>`;
}
