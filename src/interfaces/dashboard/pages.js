// Lists that are shown page by page, as people ask for more.
import { useEffect, useReducer, useRef } from './runtime.js';

// load(cursor, signal) answers { data, nextCursor }. Begins anew when the inputs change.
export function usePages(load, inputs) {
  const [, changed] = useReducer(count => count + 1, 0);
  const pages = useRef(null);
  const start = () => ({ items: [], cursor: null, phase: 'loading', error: null, ended: false, controller: new AbortController() });
  pages.current ??= start();
  const more = async () => {
    const mine = pages.current;
    Object.assign(mine, { phase: 'loading', error: null });
    changed();
    try {
      const { data, nextCursor } = await load(mine.cursor, mine.controller.signal);
      Object.assign(mine, { items: [...mine.items, ...data], cursor: nextCursor, ended: nextCursor === null, phase: 'ready' });
    } catch (error) {
      Object.assign(mine, { phase: 'error', error });
    }
    if (mine === pages.current) changed();
  };
  useEffect(() => {
    pages.current = start();
    more();
    return () => pages.current.controller.abort();
  }, inputs);
  return { ...pages.current, more };
}
