// What was in the event log and could not be stored: why, what it was, and sending it again.
import { useDeed } from './answer.js';
import { ask, send } from './api.js';
import { usePages } from './pages.js';
import { Empty, Failure, Loading, plural, tell } from './parts.js';
import { html, useReducer, useState } from './runtime.js';
import { formatTime } from './times.js';

const LIMIT = 100;

const written = ({ raw, rawBase64 }) => raw ?? (rawBase64 === undefined ? 'not kept' : `${rawBase64} (base64)`);

function Entry({ entry, zone, onSent }) {
  const [{ busy, error }, resend] = useDeed(async () => {
    await send(`api/v1/refused/${encodeURIComponent(entry.id)}/resend`, { method: 'POST' });
    tell('Sent again');
    onSent(entry);
  });
  const time = entry.refusedAt ?? entry.loggedAt;
  return html`
    <tr>
      <td class="nowrap">${time === null ? 'unknown' : formatTime(Date.parse(time), zone, { seconds: true })}</td>
      <td><bdi>${entry.reason}</bdi>${error && html`<${Failure} error=${error} />`}</td>
      <td><code class="raw-line"><bdi>${written(entry)}</bdi></code></td>
      <td class="number nowrap">${entry.partition} / ${entry.offset}</td>
      <td>
        <button type="button" disabled=${busy} aria-label=${`Send again: ${entry.reason}, position ${entry.offset}`}
          onClick=${() => resend()}>Send again</button>
      </td>
    </tr>`;
}

function Outcome({ sent }) {
  const kept = sent.kept.length > 0 ? `, ${plural(sent.kept.length, 'stays', 'stay')}:` : '.';
  return html`
    <div class="outcome" role="status">
      <p>${plural(sent.resent, 'message was', 'messages were')} sent again${kept}</p>
      ${sent.kept.length > 0 && html`<ul>${sent.kept.map(({ id, reason }) => html`<li><code>${id}</code> ${reason}</li>`)}</ul>`}
    </div>`;
}

export function RefusedPage({ state }) {
  const [asked, askAgain] = useReducer(count => count + 1, 0);
  const [gone, setGone] = useState(new Set());
  const { items, phase, error, ended, more } = usePages((cursor, signal) =>
    ask('api/v1/refused', [['limit', LIMIT], ...(cursor ? [['cursor', cursor]] : [])], { signal }), [asked]);
  const [sent, setSent] = useState(null);
  const [deed, resendPage] = useDeed(async () => {
    setSent(await (await send(`api/v1/refused/resend?limit=${LIMIT}`, { method: 'POST' })).json());
    askAgain();
  });
  const shown = items.filter(({ id }) => !gone.has(id));
  return html`
    <div class="sheet wide">
      <h1>Refused</h1>
      <p class="note">Messages of the event log that could not be stored, as other programs wrote them. Once the cause was mended
        they can be sent again; each keeps its id.</p>
      <div class="row-of">
        <button type="button" disabled=${deed.busy || shown.length === 0} onClick=${() => resendPage()}>
          Send the first ${LIMIT} again
        </button>
        <button type="button" onClick=${() => askAgain()}>Refresh</button>
      </div>
      ${deed.error && html`<${Failure} error=${deed.error} />`}
      ${sent && html`<${Outcome} sent=${sent} />`}
      ${shown.length > 0 && html`
        <div class="sideways" role="region" aria-label="Refused messages" tabindex="0"><table class="plain refused">
          <thead><tr>
            <th scope="col">Refused</th><th scope="col">Reason</th><th scope="col">Message</th>
            <th scope="col" class="number">Partition / offset</th><td></td>
          </tr></thead>
          <tbody>${shown.map(entry => html`
            <${Entry} key=${entry.id} entry=${entry} zone=${state.zone}
              onSent=${({ id }) => setGone(before => new Set([...before, id]))} />`)}
          </tbody>
        </table></div>`}
      ${phase === 'loading' && html`<${Loading} what="refused messages" />`}
      ${error && html`<${Failure} error=${error} again=${more} />`}
      ${phase === 'ready' && ended && shown.length === 0 && html`
        <${Empty} title="Nothing is refused"><p>Everything in the event log could be stored.</p></${Empty}>`}
      ${phase === 'ready' && !ended && html`<button type="button" onClick=${more}>More</button>`}
    </div>`;
}
