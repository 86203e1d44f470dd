// The table of activities. However long it is, only the rows that can be seen are in the page (row_window.js).
import { ActivityDetail } from './activity_detail.js';
import { Metadata } from './activity_parts.js';
import { metadataOf } from './activity_row.js';
import { splitPath } from './filters.js';
import { plainText, textsAt } from './json_text.js';
import { Icon, plural } from './parts.js';
import { ROW_HEIGHT, scrollTo, windowOf } from './row_window.js';
import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from './runtime.js';
import { linkTo } from './state.js';
import { formatTime, zoneInWords } from './times.js';

const HEADING_HEIGHT = 30;
const ROWS_AHEAD = 200; // so many before the end the next ones are asked for
const DETAIL_HEIGHT = 260; // until it is measured

const TITLES = { user: 'User', action: 'Action', metadata: 'Metadata', id: 'Id' };

const CELLS = {
  time: ({ row, state }) => html`
    <time dateTime=${row.timestamp}>${formatTime(Date.parse(row.timestamp), state.zone, { milliseconds: true })}</time>`,
  user: ({ row, state }) => html`
    <a tabindex="-1" href=${linkTo(state, { page: 'users', userId: row.userId })}><bdi>${row.userId}</bdi></a>`,
  action: ({ row }) => html`<bdi class="action">${row.action}</bdi>`,
  metadata: ({ row }) => html`<${Metadata} row=${row} />`,
  id: ({ row }) => html`<code>${row.id}</code>`,
};

function Cell({ column, row, state }) {
  if (CELLS[column]) return html`<td class=${`cell-${column}`}>${CELLS[column]({ row, state })}</td>`;
  const texts = textsAt(metadataOf(row), splitPath(column.slice('metadata.'.length)));
  return html`<td class="cell-member"><bdi>${texts.map(plainText).join(', ')}</bdi></td>`;
}

const GAPS = {
  slow: 'this page did not read them fast enough',
  gone: 'the log no longer has them',
  behind: 'there was too much to catch up with',
  paused: 'more came during the pause than is kept',
};

function Gap({ gap, columns }) {
  const many = gap.missed === null ? 'Activities are' : `${plural(gap.missed, 'activity is', 'activities are')}`;
  return html`<td colspan=${columns + 1} class="cell-gap">${many} missing here: ${GAPS[gap.reason] ?? gap.reason}.</td>`;
}

function Row({ row, at, serial, focused, open, state, onToggle, onFocus }) {
  if (row.gap) return html`<tr class="gap" aria-rowindex=${at + 2}><${Gap} gap=${row.gap} columns=${state.columns.length} /></tr>`;
  const click = event => { if (!event.target.closest('a, button') && String(getSelection()) === '') onToggle(row); };
  return html`
    <tr class=${open ? 'row open' : 'row'} aria-rowindex=${at + 2} onClick=${click}>
      <td class="cell-toggle">
        <button type="button" data-serial=${serial} tabindex=${focused ? 0 : -1} aria-expanded=${open ? 'true' : 'false'}
          aria-label=${`Details of ${row.action} by ${row.userId}`} onFocus=${() => onFocus(serial)} onClick=${() => onToggle(row)}>
          <${Icon} name="chevron" />
        </button>
      </td>
      ${state.columns.map(column => html`<${Cell} key=${column} column=${column} row=${row} state=${state} />`)}
    </tr>`;
}

// Times on the screen say nothing of their zone, so the head of the column does.
function Heading({ column, zone }) {
  if (column === 'time') return html`<th scope="col" title=${zoneInWords(zone)}>Time <bdi>(${zone})</bdi></th>`;
  return html`<th scope="col"><bdi>${TITLES[column] ?? column.slice('metadata.'.length)}</bdi></th>`;
}

// The place of the table on the screen: { top, height }, kept up with scrolling and with the window.
function useView(scroller) {
  const [view, setView] = useState({ top: 0, height: 600 });
  useLayoutEffect(() => {
    const box = scroller.current;
    const look = () => setView({ top: box.scrollTop, height: box.clientHeight });
    const observer = new ResizeObserver(look);
    observer.observe(box);
    box.addEventListener('scroll', look, { passive: true });
    look();
    return () => {
      observer.disconnect();
      box.removeEventListener('scroll', look);
    };
  }, []);
  return view;
}

// What comes in front of what somebody reads must not move it away.
function useSteadyPlace(scroller, prepended) {
  const before = useRef(prepended);
  useLayoutEffect(() => {
    const added = prepended - before.current;
    before.current = prepended;
    if (added > 0 && scroller.current.scrollTop > 0) scroller.current.scrollTop += added * ROW_HEIGHT;
  }, [prepended]);
}

// The details below the open row tell how high they are, since the rows behind them begin further down.
function OpenRow({ columns, onHeight, children }) {
  const element = useRef(null);
  useLayoutEffect(() => {
    const observer = new ResizeObserver(() => element.current && onHeight(element.current.offsetHeight));
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return html`<tr class="detail" ref=${element}><td colspan=${columns + 1}>${children}</td></tr>`;
}

const STEPS = { ArrowDown: 1, ArrowUp: -1, PageDown: 20, PageUp: -20, Home: -Infinity, End: Infinity };

export function ActivityTable({ list, version, state, navigate }) {
  const scroller = useRef(null);
  const view = useView(scroller);
  const rows = list.shown;
  const [serial, setSerial] = useState(0); // of the row that Tab leads to: its place, counted from before anything came in front
  const [openHeight, setOpenHeight] = useState(DETAIL_HEIGHT);
  const [wanted, setWanted] = useState(false);
  const open = useMemo(() => (state.open ? rows.findIndex(row => row.id === state.open) : -1), [state.open, rows, version]);
  const { first, end, above, below } = windowOf({ count: rows.length, ...view, open, openHeight });
  useSteadyPlace(scroller, list.prepended);

  useEffect(() => {
    if (end + ROWS_AHEAD >= rows.length && list.phase === 'ready') list.more();
  }, [end, version]);

  // Who comes by an address with an open row wants to see it.
  const wantsOpen = useRef(state.open !== '');
  useLayoutEffect(() => {
    if (open < 0 || !wantsOpen.current) return;
    wantsOpen.current = false;
    if (scroller.current.scrollTop > 0) return; // they look at something else already
    scroller.current.scrollTop = scrollTo(open, { ...view, heading: HEADING_HEIGHT + DETAIL_HEIGHT, open, openHeight });
  }, [open]);

  // The row that the keyboard goes to has to be in the page before it can have the focus.
  const focused = Math.min(Math.max(serial + list.prepended, 0), Math.max(rows.length - 1, 0));
  useEffect(() => {
    const button = wanted && scroller.current.querySelector(`[data-serial="${serial}"]`);
    if (!button) return;
    button.focus({ preventScroll: true });
    setWanted(false);
  }, [wanted, serial, first, end]);
  const onKeyDown = event => {
    const step = STEPS[event.key];
    if (step === undefined || event.target.dataset.serial === undefined) return;
    event.preventDefault();
    let row = Math.min(Math.max(focused + step, 0), rows.length - 1);
    while (rows[row].gap && rows[row + Math.sign(step)]) row += Math.sign(step);
    scroller.current.scrollTop = scrollTo(row, { ...view, heading: HEADING_HEIGHT, open, openHeight });
    setSerial(row - list.prepended);
    setWanted(true);
  };
  const toggle = row => navigate({ open: state.open === row.id ? '' : row.id }, { replace: true });

  const shown = [];
  for (let at = first; at < end; at++) {
    const row = rows[at];
    const itsSerial = at - list.prepended;
    shown.push(html`
      <${Row} key=${row.id} row=${row} at=${at} serial=${itsSerial} focused=${at === focused} open=${at === open} state=${state}
        onToggle=${toggle} onFocus=${setSerial} />`);
    if (at === open) {
      shown.push(html`
        <${OpenRow} key=${`${row.id} detail`} columns=${state.columns.length} onHeight=${setOpenHeight}>
          <${ActivityDetail} activity=${row} state=${state} navigate=${navigate} />
        </${OpenRow}>`);
    }
  }
  const space = (height, name) => height > 0 && html`
    <tr key=${name} class="space" aria-hidden="true">
      <td colspan=${state.columns.length + 1} style=${{ height: `${height}px` }}></td>
    </tr>`;
  return html`
    <div class="table-scroll" ref=${scroller} onKeyDown=${onKeyDown}>
      <table class="activities" aria-rowcount=${list.ended ? rows.length + 1 : -1} aria-label="Activities, newest first">
        <colgroup>
          <col class="column-toggle" />
          ${state.columns.map(column => html`<col key=${column} class=${`column-${CELLS[column] ? column : 'member'}`} />`)}
        </colgroup>
        <thead><tr aria-rowindex="1">
          <td class="cell-toggle"></td>
          ${state.columns.map(column => html`<${Heading} key=${column} column=${column} zone=${state.zone} />`)}
        </tr></thead>
        <tbody>${space(above, 'above')}${shown}${space(below, 'below')}</tbody>
      </table>
    </div>`;
}
