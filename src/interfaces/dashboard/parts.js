// Small parts that every page is made of.
import { html, useEffect, useLayoutEffect, useRef, useState } from './runtime.js';

export const formatNumber = number => number.toLocaleString('en-US');

export const plural = (number, word, words = `${word}s`) => `${formatNumber(number)} ${number === 1 ? word : words}`;

// --- icons: one stroke, as wide as text ---

const SHAPES = {
  chevron: 'M6 4l4 4-4 4',
  down: 'M4 6l4 4 4-4',
  plus: 'M8 3v10M3 8h10',
  minus: 'M3 8h10',
  close: 'M4 4l8 8M12 4l-8 8',
  clock: 'M8 2a6 6 0 100 12A6 6 0 008 2zM8 5v3l2 2',
  search: 'M7 3a4 4 0 100 8 4 4 0 000-8zM10 10l3 3',
  columns: 'M3 3h10v10H3zM8 3v10',
  save: 'M8 2v8M5 7l3 3 3-3M3 13h10',
  refresh: 'M13 8a5 5 0 11-2-4M11 1v3H8',
  pause: 'M6 4v8M10 4v8',
  play: 'M5 3l7 5-7 5z',
  left: 'M10 4L6 8l4 4',
  right: 'M6 4l4 4-4 4',
  theme: 'M8 2a6 6 0 100 12zM8 2a6 6 0 010 12',
  link: 'M7 9a3 3 0 004 0l2-2a3 3 0 00-4-4L8 4M9 7a3 3 0 00-4 0L3 9a3 3 0 004 4l1-1',
};

export function Icon({ name }) {
  return html`<svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><path d=${SHAPES[name]} /></svg>`;
}

// A button that shows an icon and has its name for everybody else.
export function IconButton({ icon, label, ...rest }) {
  return html`
    <button type="button" class="icon-button" aria-label=${label} title=${label} ...${rest}><${Icon} name=${icon} /></button>`;
}

// --- states ---

export function Loading({ what }) {
  return html`<p class="state" role="status"><span class="spinner" aria-hidden="true"></span>Loading ${what}…</p>`;
}

export function Empty({ title, children }) {
  return html`<div class="state"><p class="state-title">${title}</p>${children}</div>`;
}

// A problem in the words of the service, with what can be done about it.
export function Failure({ error, again }) {
  return html`
    <div class="failure" role="alert">
      <p class="failure-title">${error.title ?? 'The page has failed'}</p>
      <p>${error.message}</p>
      ${error.errors?.length > 0 && html`
        <ul>${error.errors.map(({ pointer, detail }) => html`<li><code>${pointer}</code> ${detail}</li>`)}</ul>`}
      ${again && html`<button type="button" onClick=${again}>Try again</button>`}
    </div>`;
}

// --- what opens below a button ---

const EDGE = 8;

// Below the button, as far to the left as the window wants it.
function place(panel, button) {
  const { right, bottom } = button.getBoundingClientRect();
  const left = Math.max(Math.min(right, innerWidth - EDGE) - panel.offsetWidth, EDGE);
  const top = bottom + 4;
  Object.assign(panel.style, { left: `${left}px`, top: `${top}px`, maxHeight: `${innerHeight - top - EDGE}px` });
}

// `children` is a function of what closes it. A dialog, so that Escape closes it, the focus stays inside and goes back behind it,
// and nothing that it covers by half can be hit.
export function Popover({ label, icon, title, children }) {
  const [open, setOpen] = useState(false);
  const panel = useRef(null);
  const button = useRef(null);
  // Before anything is drawn, so that the next key goes into what has opened.
  useLayoutEffect(() => {
    if (!open) return;
    panel.current.showModal();
    place(panel.current, button.current);
  }, [open]);
  const close = () => panel.current.close();
  return html`
    <div class="popover">
      <button type="button" ref=${button} aria-expanded=${open ? 'true' : 'false'} aria-haspopup="dialog"
        onClick=${() => setOpen(true)}>
        ${icon && html`<${Icon} name=${icon} />`}<span>${label}</span><${Icon} name="down" />
      </button>
      ${open && html`
        <dialog class="popover-panel" ref=${panel} aria-label=${title} onClose=${() => setOpen(false)}
          onClick=${event => event.target === panel.current && close()}>
          <div class="popover-inside">${children(close)}</div>
        </dialog>`}
    </div>`;
}

// --- what is told to those who do not see it ---

const WORDS_MS = 4000;

let announce = () => {};

export const tell = words => announce(words);

export function Announcer() {
  const [words, setWords] = useState('');
  useEffect(() => { announce = setWords; }, []);
  useEffect(() => {
    const timer = setTimeout(() => setWords(''), WORDS_MS);
    return () => clearTimeout(timer);
  }, [words]);
  return html`<p class="toast" role="status" data-empty=${words === ''}>${words}</p>`;
}

// Pages that are not from a secure place have no clipboard, and then the older way.
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const field = document.createElement('textarea');
    field.value = text;
    document.body.append(field);
    field.select();
    document.execCommand('copy');
    field.remove();
  }
}
