// Counts by action and by user, from which a filter can be made, and its opposite.
import { useAnswer } from './answer.js';
import { ask } from './api.js';
import { filterPairs, withFilter, withoutFilter } from './filters.js';
import { Failure, Icon, formatNumber } from './parts.js';
import { html, useState } from './runtime.js';

const SHOWN = 8;
const LIMIT = 50;

// What the filter on the field itself would leave out is counted, too, so that another value can be chosen.
async function load({ filters, times, turn }, { by, field }, signal) {
  await turn;
  return ask('api/v1/stats', [['by', by], ['limit', LIMIT], ...filterPairs(filters, times, field)], { signal });
}

function Value({ field, group, most, filter, filters, navigate }) {
  const change = out => {
    const wanted = { field, value: group.key, out };
    const chosen = filter && Boolean(filter.out) === out;
    navigate({ filters: chosen ? withoutFilter(filters, wanted) : withFilter(filters, wanted) });
  };
  const pressed = out => (filter && Boolean(filter.out) === out ? 'true' : 'false');
  return html`
    <li class="facet" data-state=${filter ? (filter.out ? 'out' : 'in') : ''}>
      <button type="button" class="facet-value" aria-pressed=${pressed(false)} onClick=${() => change(false)}>
        <span class="facet-bar" style=${{ width: `${Math.max(1, 100 * group.count / most)}%` }}></span>
        <span class="unseen">Only </span><bdi class="facet-name">${group.key}</bdi>
        ${' '}<span class="facet-count">${formatNumber(group.count)}</span>
      </button>
      <button type="button" class="facet-out" aria-pressed=${pressed(true)} aria-label=${`Without ${group.key}`} title="Leave out"
        onClick=${() => change(true)}>
        <${Icon} name="minus" />
      </button>
    </li>`;
}

function Facet({ title, by, field, question, filters, navigate }) {
  const { data, phase, error } = useAnswer(signal => load(question, { by, field }, signal), [question]);
  const [all, setAll] = useState(false);
  const groups = data?.data ?? [];
  const shown = all ? groups : groups.slice(0, SHOWN);
  return html`
    <section class="facet-panel" aria-label=${title} aria-busy=${phase === 'loading' ? 'true' : 'false'}>
      <h2>${title}</h2>
      ${error && html`<${Failure} error=${error} />`}
      ${phase === 'ready' && groups.length === 0 && html`<p class="note">none</p>`}
      <ul>
        ${shown.map(group => html`
          <${Value} key=${group.key} field=${field} group=${group} most=${groups[0].count} filters=${filters} navigate=${navigate}
            filter=${filters.find(one => one.field === field && one.value === group.key)} />`)}
      </ul>
      ${groups.length > SHOWN && html`
        <button type="button" class="quiet" aria-expanded=${all ? 'true' : 'false'} onClick=${() => setAll(!all)}>
          ${all ? 'Fewer' : `${groups.length - SHOWN} more`}
        </button>`}
      ${all && data.more && html`<p class="note">There are further ones; narrow the time or write a filter.</p>`}
    </section>`;
}

export function Facets({ question, state, navigate }) {
  const shared = { question, filters: state.filters, navigate };
  return html`
    <div class="facets">
      <${Facet} title="Actions" by="action" field="action" ...${shared} />
      <${Facet} title="Users" by="user" field="userId" ...${shared} />
    </div>`;
}
