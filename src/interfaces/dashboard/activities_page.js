// The page that one begins at: what was done, when, by whom.
import { readPage } from './activity_row.js';
import { ActivityTable } from './activity_table.js';
import { addressOf, download } from './api.js';
import { useDeed } from './answer.js';
import { Columns, pathsOf } from './columns.js';
import { Facets } from './facets.js';
import { FilterBar } from './filter_bar.js';
import { filterPairs, valuePairs } from './filters.js';
import { Histogram } from './histogram.js';
import { LiveTail } from './live_tail.js';
import { Empty, Failure, Icon, Loading, Popover, formatNumber, plural } from './parts.js';
import { askRows, passTurn, questionOf } from './question.js';
import { RowList } from './row_list.js';
import { html, useEffect, useLayoutEffect, useMemo, useReducer, useRef, useState } from './runtime.js';
import { TimePicker } from './time_picker.js';
import { rangeInWords, resolveRange } from './times.js';

function useQuestion({ range, filters }, asked) {
  return useMemo(() => questionOf({ range, filters }), [JSON.stringify([range, filters]), asked]);
}

function useRows(question) {
  const [version, changed] = useReducer(count => count + 1, 0);
  const list = useMemo(() => {
    return new RowList({
      load: async (limit, cursor) => readPage(await askRows(question, limit, cursor)),
      changed,
    });
  }, [question]);
  useLayoutEffect(() => {
    list.more().then(() => passTurn(question));
    return () => list.leave();
  }, [list]);
  return { list, version };
}

const COUNTS_EVERY_MS = 5000;

// The question of counts: the same as that of rows, but asked anew every few seconds while somebody follows.
function useCounts(question, range, active) {
  const [tick, next] = useReducer(count => count + 1, 0);
  useEffect(() => {
    if (!active) return undefined;
    const timer = setInterval(() => { if (!document.hidden) next(); }, COUNTS_EVERY_MS);
    return () => clearInterval(timer);
  }, [active]);
  return useMemo(() => {
    const now = Date.now();
    return tick === 0 ? question : { filters: question.filters, times: resolveRange(range, now), now };
  }, [question, tick]);
}

const LIVE_OFF = { phase: 'off', paused: false, held: 0, error: null };

function useLive(active, list, filters) {
  const [live, setLive] = useState(LIVE_OFF);
  const tail = useRef(null);
  useEffect(() => {
    if (!active) return undefined;
    tail.current = new LiveTail(valuePairs(filters), {
      show: activities => list.prepend(activities),
      gap: gap => list.prependGap(gap),
      tell: setLive,
    });
    return () => {
      tail.current.end();
      setLive(LIVE_OFF);
    };
  }, [active, list]);
  return { ...live, pause: () => tail.current?.pause(), goOn: () => tail.current?.goOn() };
}

const LIVE_WORDS = { connecting: 'Connecting…', live: 'Live', waiting: 'Connecting again…' };

function LiveControl({ live, state, navigate }) {
  const words = live.paused ? `Paused, ${plural(live.held, 'new one', 'new ones')}` : LIVE_WORDS[live.phase];
  return html`
    <div class="live" data-phase=${live.paused ? 'paused' : live.phase}>
      ${state.live && html`<span class="live-words" role="status">${words}${live.error ? `: ${live.error.message}` : ''}</span>`}
      ${state.live && html`
        <button type="button" onClick=${live.paused ? live.goOn : live.pause}>
          <${Icon} name=${live.paused ? 'play' : 'pause'} /><span>${live.paused ? 'Go on' : 'Pause'}</span>
        </button>`}
      <button type="button" aria-pressed=${state.live ? 'true' : 'false'} onClick=${() => navigate({ live: !state.live })}>
        <span class="live-dot" aria-hidden="true"></span><span>Live</span>
      </button>
    </div>`;
}

function Export({ question }) {
  const pairs = filterPairs(question.filters, question.times);
  const [{ busy, error }, save] = useDeed(format =>
    download(addressOf('api/v1/activities/export', [['format', format], ...pairs]), `activities.${format}`));
  return html`
    <${Popover} label="Export" icon="save" title="Export">
      ${() => html`
        <div class="export">
          <p>All activities of this time and these filters, oldest first.</p>
          <div class="row-of">
            <button type="button" disabled=${busy} onClick=${() => save('ndjson')}>JSON lines</button>
            <button type="button" disabled=${busy} onClick=${() => save('csv')}>CSV</button>
          </div>
          ${error && html`<${Failure} error=${error} />`}
        </div>`}
    </${Popover}>`;
}

function NothingFound({ state, navigate }) {
  return html`
    <${Empty} title="No activities">
      <p>${rangeInWords(state.range, state.zone)}${state.filters.length > 0 ? ', with these filters' : ''}: nothing was recorded.</p>
      <div class="row-of">
        ${state.range.last !== 'all' && html`
          <button type="button" onClick=${() => navigate({ range: { last: 'all' } })}>Look at all time</button>`}
        ${state.filters.length > 0 && html`
          <button type="button" onClick=${() => navigate({ filters: [] })}>Without filters</button>`}
      </div>
    </${Empty}>`;
}

function Rows({ list, version, state, navigate }) {
  const failure = list.phase === 'error' && html`<${Failure} error=${list.error} again=${() => list.more()} />`;
  if (list.shown.length > 0) {
    return html`<${ActivityTable} list=${list} version=${version} state=${state} navigate=${navigate} />${failure}`;
  }
  if (list.phase === 'loading') return html`<${Loading} what="activities" />`;
  return failure || html`<${NothingFound} state=${state} navigate=${navigate} />`;
}

export function ActivitiesPage({ state, navigate, theme }) {
  const [asked, askAgain] = useReducer(count => count + 1, 0);
  const question = useQuestion(state, asked);
  const { list, version } = useRows(question);
  const live = useLive(state.live, list, question.filters);
  const counts = useCounts(question, state.range, live.phase === 'live' && !live.paused);
  const paths = useMemo(() => pathsOf(list.shown), [list, list.shown.length > 0, list.ended]);
  return html`
    <h1 class="unseen">Activities</h1>
    <div class="toolbar">
      <${FilterBar} state=${state} navigate=${navigate} times=${question.times} keys=${paths} />
      <${TimePicker} state=${state} navigate=${navigate} />
      <button type="button" onClick=${() => askAgain()}><${Icon} name="refresh" /><span>Refresh</span></button>
    </div>
    <${Histogram} question=${counts} zone=${state.zone} theme=${theme} navigate=${navigate} />
    <div class="split">
      <${Facets} question=${counts} state=${state} navigate=${navigate} />
      <section class="results" aria-label="Activities" aria-busy=${list.phase === 'loading' ? 'true' : 'false'}>
        <div class="section-bar">
          <p><strong>${formatNumber(list.shown.length)}</strong> loaded${list.ended ? ', all there are' : ''}</p>
          <div class="section-deeds">
            <${LiveControl} live=${live} state=${state} navigate=${navigate} />
            <${Columns} state=${state} navigate=${navigate} paths=${paths} />
            <${Export} question=${question} />
          </div>
        </div>
        <${Rows} list=${list} version=${version} state=${state} navigate=${navigate} />
      </section>
    </div>`;
}
