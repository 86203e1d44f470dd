// Questions of a component: asked when it appears and whenever what it asks changes, given up when it goes.
import { useEffect, useRef, useState } from './runtime.js';

// { phase: "loading" | "ready" | "error", data, error }. What was there stays until the next answer, so that nothing flickers.
export function useAnswer(load, inputs) {
  const [answer, setAnswer] = useState({ phase: 'loading' });
  useEffect(() => {
    const controller = new AbortController();
    const unless = action => value => { if (!controller.signal.aborted) action(value); };
    setAnswer(before => ({ data: before.data, phase: 'loading' }));
    load(controller.signal).then(
      unless(data => setAnswer({ data, phase: 'ready' })),
      unless(error => setAnswer(before => ({ data: before.data, phase: 'error', error }))));
    return () => controller.abort();
  }, inputs);
  return answer;
}

// Something done once at a time on somebody's wish: [{ busy, error }, run].
export function useDeed(deed) {
  const [state, setState] = useState({ busy: false, error: null });
  const alive = useRef(true);
  useEffect(() => () => { alive.current = false; }, []);
  const run = async (...values) => {
    setState({ busy: true, error: null });
    const error = await deed(...values).then(() => null, reason => reason);
    if (alive.current) setState({ busy: false, error });
  };
  return [state, run];
}
