// How the service does, looked at every few seconds while the page can be seen.
import { ask } from './api.js';
import { formatNumber, plural } from './parts.js';
import { html, useEffect, useState } from './runtime.js';

const EVERY_MS = 5000;

// The sums need a key with the scope "admin": without it they are not asked for again.
function useHealth() {
  const [health, setHealth] = useState({ phase: 'loading' });
  useEffect(() => {
    const controller = new AbortController();
    let sums = { may: true };
    async function look() {
      if (document.hidden) return;
      try {
        const data = await ask('health', [], { signal: controller.signal });
        if (sums.may) sums = await lookAtSums(controller.signal);
        setHealth({ phase: 'ready', data, sums });
      } catch (error) {
        if (!controller.signal.aborted) setHealth({ phase: 'away', error });
      }
    }
    look();
    const timer = setInterval(look, EVERY_MS);
    return () => {
      controller.abort();
      clearInterval(timer);
    };
  }, []);
  return health;
}

async function lookAtSums(signal) {
  try {
    return { may: true, ...await ask('api/v1/accounting', [], { signal }) };
  } catch (error) {
    if (error.status === 401 || error.status === 403) return { may: false };
    return { may: true, error };
  }
}

function Item({ label, value, mood = 'fine', title }) {
  return html`
    <li class="status-item" data-mood=${mood} title=${title}>
      <span class="status-label">${label}</span> <span class="status-value">${value}</span>
    </li>`;
}

function Sums({ sums }) {
  if (!sums.may) return html`<${Item} label="Sums" value="need the scope admin" mood="quiet" />`;
  if (sums.error) return html`<${Item} label="Sums" value="unknown" mood="bad" title=${sums.error.message} />`;
  return html`<${Item} label="Sums" value=${sums.closes ? 'add up' : 'do not add up'} mood=${sums.closes ? 'fine' : 'bad'}
    title=${sums.closes ? 'Everything that was received is accounted for' : 'Not everything that was received is accounted for'} />`;
}

export function StatusStrip() {
  const { phase, data, sums, error } = useHealth();
  if (phase === 'loading') return html`<ul class="status" aria-label="Service"></ul>`;
  if (phase === 'away') {
    return html`
      <ul class="status" aria-label="Service"><${Item} label="Service" value="cannot be reached" mood="bad" title=${error.message} /></ul>`;
  }
  const pending = data.worker?.pending;
  return html`
    <ul class="status" aria-label="Service">
      <${Item} label="Service" value=${data.status} mood=${data.status === 'ok' ? 'fine' : 'bad'}
        title=${data.worker?.reason ?? data.eventLog.reason} />
      ${pending !== undefined && html`
        <${Item} label="Lag" value=${formatNumber(pending)} mood=${data.worker.state === 'running' ? 'fine' : 'bad'}
        title=${`${plural(pending, 'activity is', 'activities are')} durable and not stored yet; the worker is ${data.worker.state}`} />`}
      <${Item} label="Rejected" value=${formatNumber(data.requests.rejected)}
        title="Activities that were wrong and not accepted, since the start" />
      <${Item} label="Refused" value=${formatNumber(data.refused.listed)} mood=${data.refused.listed > 0 ? 'bad' : 'fine'}
        title="Messages of the log that could not be stored" />
      <${Sums} sums=${sums} />
    </ul>`;
}
