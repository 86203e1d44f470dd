// The dashboard: reads the address, shows its page, and writes the address when something changes.
import { ActivitiesPage } from './activities_page.js';
import { hasKey, onAccess, setKey } from './api.js';
import { Announcer, Icon } from './parts.js';
import { firstAnswer } from './question.js';
import { RefusedPage } from './refused_page.js';
import { html, render, useCallback, useEffect, useRef, useState } from './runtime.js';
import { SignIn } from './sign_in.js';
import { formatState, parseState } from './state.js';
import { StatusStrip } from './status_strip.js';
import { applyTheme, nextTheme, readTheme } from './theme.js';
import { UsersPage } from './users_page.js';

const PAGES = { activities: ActivitiesPage, users: UsersPage, refused: RefusedPage };
const TITLES = { activities: 'Activities', users: 'Users', refused: 'Refused' };

// [state, navigate]: `navigate` takes what changes, and makes a step that the browser can go back, unless it is told not to.
function useAddress() {
  const [state, setState] = useState(() => parseState(location.hash));
  const latest = useRef(state);
  latest.current = state;
  useEffect(() => {
    const read = () => setState(parseState(location.hash));
    addEventListener('popstate', read);
    addEventListener('hashchange', read);
    return () => {
      removeEventListener('popstate', read);
      removeEventListener('hashchange', read);
    };
  }, []);
  const navigate = useCallback((changes, { replace = false } = {}) => {
    const next = { ...latest.current, ...changes };
    const address = formatState(next);
    if (address !== location.hash) history[replace ? 'replaceState' : 'pushState'](null, '', address);
    latest.current = next;
    setState(next);
  }, []);
  return [state, navigate];
}

// Charts are drawn in colours, which they read anew when these change, by the switch or by the system.
function useTheme() {
  const [theme, setTheme] = useState(readTheme);
  const [dark, setDark] = useState(() => matchMedia('(prefers-color-scheme: dark)').matches);
  useEffect(() => {
    const system = matchMedia('(prefers-color-scheme: dark)');
    const look = () => setDark(system.matches);
    system.addEventListener('change', look);
    return () => system.removeEventListener('change', look);
  }, []);
  const next = () => {
    applyTheme(nextTheme(theme));
    setTheme(nextTheme(theme));
  };
  return { theme, drawn: `${theme} ${dark}`, next };
}

// How often somebody signed in or out, since what is shown depends on who looks; and whether the service wants a key now.
function useAccess() {
  const [access, setAccess] = useState({ times: 0, needed: false });
  useEffect(() => onAccess(what => setAccess(before =>
    (what === 'needed' ? { ...before, needed: true } : { times: before.times + 1, needed: false }))), []);
  return access;
}

function Header({ state, theme }) {
  const link = page => formatState({ ...state, page, userId: '', open: '', live: false });
  const skip = event => {
    event.preventDefault();
    document.getElementById('content').focus();
  };
  const words = `Theme: ${theme.theme}`;
  return html`
    <header class="top">
      <a class="skip" href="#content" onClick=${skip}>To the content</a>
      <span class="brand">usertrail</span>
      <nav aria-label="Pages">
        ${Object.keys(PAGES).map(page => html`
          <a key=${page} href=${link(page)} aria-current=${state.page === page ? 'page' : undefined}>${TITLES[page]}</a>`)}
        <a href="docs/">API</a>
      </nav>
      <${StatusStrip} />
      ${hasKey() && html`<button type="button" onClick=${() => setKey('')}>Sign out</button>`}
      <button type="button" class="theme" aria-label=${words} title=${words} onClick=${theme.next}><${Icon} name="theme" /></button>
    </header>`;
}

function App() {
  const [state, navigate] = useAddress();
  const theme = useTheme();
  const access = useAccess();
  const Page = PAGES[state.page];
  useEffect(() => {
    document.title = `${state.page === 'users' && state.userId ? state.userId : TITLES[state.page]} · usertrail`;
  }, [state.page, state.userId]);
  // Who goes to another page begins at its top, with the keyboard, too.
  const shown = useRef(`${state.page} ${state.userId}`);
  useEffect(() => {
    if (shown.current === `${state.page} ${state.userId}`) return;
    shown.current = `${state.page} ${state.userId}`;
    scrollTo(0, 0);
    document.getElementById('content').focus({ preventScroll: true });
  }, [state.page, state.userId]);
  return html`
    <${Header} key=${`header ${access.times}`} state=${state} theme=${theme} />
    <main id="content" tabindex="-1" data-page=${state.page}>
      ${access.needed ? html`<${SignIn} key=${access.times} />` : html`
        <${Page} key=${`${state.page} ${access.times}`} state=${state} navigate=${navigate} theme=${theme.drawn} />`}
    </main>
    <${Announcer} />`;
}

applyTheme(readTheme());
await firstAnswer;
const place = document.getElementById('app');
place.replaceChildren();
render(html`<${App} />`, place);
