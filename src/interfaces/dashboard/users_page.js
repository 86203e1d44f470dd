// One user: in short, in sessions, and day by day; all of it to take along, and to erase.
import { useAnswer, useDeed } from './answer.js';
import { Metadata } from './activity_parts.js';
import { readPage } from './activity_row.js';
import { addressOf, ask, askText, download } from './api.js';
import { EraseDialog } from './erase_dialog.js';
import { formatFilter } from './filters.js';
import { Histogram } from './histogram.js';
import { usePages } from './pages.js';
import { Empty, Failure, Icon, Loading, formatNumber, plural } from './parts.js';
import { html, useMemo, useState } from './runtime.js';
import { linkTo } from './state.js';
import { formatDay, formatDuration, formatTime } from './times.js';

const SESSIONS = 10;
const TIMELINE = 100;
const USERS = 50;

// All activities of a user, or those that further filters let through.
const inTable = (state, userId, { filters = [], ...changes } = {}) =>
  linkTo(state, { page: 'activities', range: { last: 'all' }, filters: [{ field: 'userId', value: userId }, ...filters], ...changes });

// --- choosing one ---

function ChooseUser({ state, navigate }) {
  const { data, phase, error } = useAnswer(signal => ask('api/v1/stats', [['by', 'user'], ['limit', USERS]], { signal }), []);
  const [text, setText] = useState('');
  const go = event => {
    event.preventDefault();
    if (text !== '') navigate({ page: 'users', userId: text });
  };
  return html`
    <div class="sheet">
      <h1>Users</h1>
      <form class="row-of" onSubmit=${go}>
        <label for="user-id">User id</label>
        <input id="user-id" value=${text} autocomplete="off" spellcheck=${false} onInput=${event => setText(event.target.value)} />
        <button type="submit" class="primary">Look</button>
      </form>
      <h2>Most active</h2>
      ${error && html`<${Failure} error=${error} />`}
      ${phase === 'loading' && html`<${Loading} what="users" />`}
      ${data?.data.length === 0 && html`<${Empty} title="Nothing was recorded yet" />`}
      ${data?.data.length > 0 && html`
        <table class="plain">
          <thead><tr><th scope="col">User</th><th scope="col" class="number">Activities</th></tr></thead>
          <tbody>${data.data.map(({ key, count }) => html`
            <tr key=${key}>
              <td><a href=${linkTo(state, { page: 'users', userId: key })}><bdi>${key}</bdi></a></td>
              <td class="number">${formatNumber(count)}</td>
            </tr>`)}
          </tbody>
        </table>`}
    </div>`;
}

// --- in short ---

function Summary({ data, zone }) {
  const time = text => formatTime(Date.parse(text), zone, { seconds: true });
  return html`
    <dl class="figures">
      <div><dt>Activities</dt><dd>${formatNumber(data.activities)}</dd></div>
      <div><dt>Sessions</dt><dd>${formatNumber(data.sessions.count)}</dd></div>
      <div><dt>First seen</dt><dd>${time(data.firstSeen)}</dd></div>
      <div><dt>Last seen</dt><dd>${time(data.lastSeen)}</dd></div>
    </dl>`;
}

function Actions({ data, state }) {
  return html`
    <section aria-labelledby="actions-heading">
      <h2 id="actions-heading">Actions</h2>
      <table class="plain">
        <thead><tr><th scope="col">Action</th><th scope="col" class="number">Count</th></tr></thead>
        <tbody>${data.actions.map(({ key, count }) => html`
          <tr key=${key}>
            <td><a href=${inTable(state, data.userId, { filters: [{ field: 'action', value: key }] })}><bdi>${key}</bdi></a></td>
            <td class="number">${formatNumber(count)}</td>
          </tr>`)}
        </tbody>
      </table>
      ${data.moreActions && html`<p class="note">There are further actions.</p>`}
    </section>`;
}

function Sessions({ userId, state }) {
  const { items, phase, error, ended, more } = usePages(async (cursor, signal) => {
    const pairs = [['userId', userId], ['limit', SESSIONS], ...(cursor ? [['cursor', cursor]] : [])];
    return (await ask('api/v1/users', pairs, { signal })).sessions;
  }, [userId]);
  const link = ({ begin, end }) => inTable(state, userId, { range: { from: Date.parse(begin), to: Date.parse(end) + 1 } });
  return html`
    <section aria-labelledby="sessions-heading">
      <h2 id="sessions-heading">Sessions</h2>
      <p class="note">A session ends with half an hour without an activity.</p>
      <table class="plain">
        <thead>
          <tr><th scope="col">Begin</th><th scope="col" class="number">Length</th><th scope="col" class="number">Activities</th></tr>
        </thead>
        <tbody>${items.map(session => html`
          <tr key=${session.begin}>
            <td><a href=${link(session)}>${formatTime(Date.parse(session.begin), state.zone, { seconds: true })}</a></td>
            <td class="number">${formatDuration(Date.parse(session.end) - Date.parse(session.begin))}</td>
            <td class="number">${formatNumber(session.activities)}</td>
          </tr>`)}
        </tbody>
      </table>
      ${error && html`<${Failure} error=${error} again=${more} />`}
      ${!ended && !error && html`<button type="button" disabled=${phase === 'loading'} onClick=${more}>Earlier sessions</button>`}
    </section>`;
}

// --- day by day ---

function groupByDay(activities, zone) {
  const days = [];
  for (const activity of activities) {
    const day = formatDay(Date.parse(activity.timestamp), zone);
    if (days.at(-1)?.day !== day) days.push({ day, activities: [] });
    days.at(-1).activities.push(activity);
  }
  return days;
}

function Day({ day, activities, state, userId }) {
  return html`
    <section class="day" aria-labelledby=${`day-${day}`}>
      <h3 id=${`day-${day}`}>${day} <span class="note">${plural(activities.length, 'activity', 'activities')} shown</span></h3>
      <ol>
        ${activities.map(row => html`
          <li key=${row.id}>
            <a href=${inTable(state, userId, { open: row.id })}>
              <time dateTime=${row.timestamp}>${formatTime(Date.parse(row.timestamp), state.zone, { seconds: true }).slice(11)}</time></a>
            <bdi class="action">${row.action}</bdi>
            <span class="pairs"><${Metadata} row=${row} /></span>
          </li>`)}
      </ol>
    </section>`;
}

function Timeline({ userId, state }) {
  const { items, phase, error, ended, more } = usePages(async (cursor, signal) => {
    const pairs = [['userId', userId], ['limit', TIMELINE], ...(cursor ? [['cursor', cursor]] : [])];
    return readPage(await askText('api/v1/users/activities', pairs, { signal }));
  }, [userId]);
  const days = useMemo(() => groupByDay(items, state.zone), [items, state.zone]);
  return html`
    <section class="timeline" aria-labelledby="timeline-heading">
      <h2 id="timeline-heading">Timeline</h2>
      ${days.map(day => html`<${Day} key=${day.day} ...${day} state=${state} userId=${userId} />`)}
      ${phase === 'loading' && html`<${Loading} what="activities" />`}
      ${error && html`<${Failure} error=${error} again=${more} />`}
      ${!ended && phase === 'ready' && html`<button type="button" onClick=${more}>Earlier activities</button>`}
      ${ended && html`<p class="note">These are all.</p>`}
    </section>`;
}

// --- the whole ---

function UserDeeds({ userId, state, onErased }) {
  const [{ busy, error }, save] = useDeed(() => download(addressOf('api/v1/users/export', [['userId', userId]]), 'user.ndjson'));
  const [erasing, setErasing] = useState(false);
  return html`
    <div class="user-deeds">
      <a class="button" href=${inTable(state, userId)}>In the table</a>
      <button type="button" disabled=${busy} onClick=${() => save()}><${Icon} name="save" /><span>Export everything</span></button>
      <button type="button" class="danger" onClick=${() => setErasing(true)}>Erase…</button>
    </div>
    ${error && html`<${Failure} error=${error} />`}
    ${erasing && html`<${EraseDialog} userId=${userId} onErased=${onErased} onClose=${() => setErasing(false)} />`}`;
}

function User({ state, navigate, theme }) {
  const { userId } = state;
  const [erased, setErased] = useState(0);
  const { data, phase, error } = useAnswer(signal =>
    ask('api/v1/users', [['userId', userId], ['limit', 1]], { signal }), [userId, erased]);
  const question = useMemo(() => ({
    filters: [{ field: 'userId', value: userId }], times: { from: null, to: null }, now: Date.now(),
  }), [userId, erased]);
  const toActivities = changes => navigate({ page: 'activities', filters: question.filters, open: '', ...changes });
  const gone = error?.status === 404;
  return html`
    <div class="sheet">
      <p class="crumb"><a href=${linkTo(state, { page: 'users', userId: '' })}>Users</a></p>
      <h1><bdi>${userId}</bdi></h1>
      <${UserDeeds} userId=${userId} state=${state} onErased=${() => setErased(erased + 1)} />
      ${gone && html`<${Empty} title="There are no activities of this user"><p>${error.detail}</p></${Empty}>`}
      ${error && !gone && html`<${Failure} error=${error} />`}
      ${phase === 'loading' && !data && html`<${Loading} what=${formatFilter(question.filters[0])} />`}
      ${data && !error && html`
        <${Summary} data=${data} zone=${state.zone} />
        <${Histogram} question=${question} zone=${state.zone} theme=${theme} navigate=${toActivities} />
        <div class="two">
          <${Sessions} key=${erased} userId=${userId} state=${state} />
          <${Actions} data=${data} state=${state} />
        </div>
        <${Timeline} key=${`timeline ${erased}`} userId=${userId} state=${state} />`}
    </div>`;
}

export function UsersPage(properties) {
  const { userId } = properties.state;
  return userId === '' ? html`<${ChooseUser} ...${properties} />` : html`<${User} key=${userId} ...${properties} />`;
}
