// How many activities there were when: the chart, how to move in time without a pointer, and the same as a table.
import { useAnswer } from './answer.js';
import { ask } from './api.js';
import { chooseInterval, fillBuckets, formatInterval, intervalInWords, shifted, spanOf, zoomed } from './buckets.js';
import { Chart } from './chart.js';
import { filterPairs } from './filters.js';
import { Failure, IconButton, formatNumber, plural } from './parts.js';
import { html, useMemo, useState } from './runtime.js';
import { formatTime } from './times.js';

const GROUPS_MAX = 10_000;
const DAY = 86_400_000;

const count = async (by, pairs, signal) =>
  (await ask('api/v1/stats', [...by, ['limit', GROUPS_MAX], ...pairs], { signal })).data;

// Where the range has no begin, days tell where the first activity is.
async function loadBuckets({ filters, times, now, turn }, signal) {
  await turn;
  const pairs = filterPairs(filters, times);
  let span = { from: times.from, to: times.to ?? now };
  if (times.from === null) {
    span = spanOf(await count([['by', 'day']], pairs, signal)) ?? { from: now - 1, to: now };
  }
  const interval = chooseInterval(span.from, span.to);
  const groups = await count([['by', 'time'], ['interval', formatInterval(interval)]], pairs, signal);
  // The service takes activities that are a day ahead.
  const last = Math.min(now + DAY, Math.max(0, ...groups.map(({ key }) => Date.parse(key) + 1)));
  return { interval, span, ...fillBuckets(groups, { ...span, to: times.to ?? Math.max(span.to, last), interval }) };
}

function DataTable({ times, counts, interval, zone, onZoom }) {
  const rows = times.map((time, at) => ({ time, count: counts[at] })).filter(row => row.count > 0);
  return html`
    <div class="data-table" tabindex="0" role="region" aria-label="Data of the chart">
      <table>
        <thead><tr><th scope="col">From</th><th scope="col" class="number">Activities</th><th scope="col">Zoom</th></tr></thead>
        <tbody>
          ${rows.map(row => html`
            <tr key=${row.time}>
              <th scope="row">${formatTime(row.time, zone, { seconds: interval < 60_000 })}</th>
              <td class="number">${formatNumber(row.count)}</td>
              <td><button type="button" class="quiet" aria-label=${`Zoom to ${formatTime(row.time, zone)}`}
                onClick=${() => onZoom({ from: row.time, to: row.time + interval })}>Zoom</button></td>
            </tr>`)}
        </tbody>
      </table>
    </div>`;
}

export function Histogram({ question, zone, theme, navigate }) {
  const { data, phase, error } = useAnswer(signal => loadBuckets(question, signal), [question]);
  const [asTable, setAsTable] = useState(false);
  const total = useMemo(() => data?.counts.reduce((sum, number) => sum + number, 0), [data]);
  const zoom = range => navigate({ range });
  const { from, to } = question.times;
  const move = change => () => data && zoom(change(from === null ? data.span : { from, to: to ?? question.now }));
  const seconds = data?.interval < 60_000;
  return html`
    <section class="histogram" aria-label="Activities over time" aria-busy=${phase === 'loading' ? 'true' : 'false'}>
      <div class="section-bar">
        <p class="total"><strong>${data ? formatNumber(total) : '…'}</strong> ${total === 1 ? 'activity' : 'activities'}
          ${data && html`<span class="note"> in bars of ${intervalInWords(data.interval)}</span>`}</p>
        <div class="button-group" role="group" aria-label="Move in time">
          <${IconButton} icon="left" label="Earlier" onClick=${move(range => shifted(range, -0.5))} />
          <${IconButton} icon="right" label="Later" onClick=${move(range => shifted(range, 0.5))} />
          <${IconButton} icon="plus" label="Zoom in" onClick=${move(range => zoomed(range, 0.5))} />
          <${IconButton} icon="minus" label="Zoom out" onClick=${move(range => zoomed(range, 2))} />
          <button type="button" aria-pressed=${asTable ? 'true' : 'false'} onClick=${() => setAsTable(!asTable)}>As a table</button>
        </div>
      </div>
      ${error && html`<${Failure} error=${error} />`}
      ${!data && !error && html`<div class="chart-space"></div>`}
      ${data && !asTable && html`
        <${Chart} ...${data} zone=${zone} theme=${theme} onZoom=${zoom}
          label=${`${plural(total, 'activity', 'activities')} over time; “As a table” shows the same numbers`}
          describe=${at => `${formatTime(data.times[at], zone, { seconds })}   ${formatNumber(data.counts[at])}`} />`}
      ${data && asTable && html`<${DataTable} ...${data} zone=${zone} onZoom=${zoom} />`}
    </section>`;
}
