// What is asked for: filters as they hold, and a line that others are written into, with completion.
import { ask } from './api.js';
import { completionOf, filterPairs, formatFilter, parseFilters, withFilter, withoutFilter } from './filters.js';
import { Icon, formatNumber } from './parts.js';
import { html, useEffect, useRef, useState } from './runtime.js';

const SUGGESTIONS_MAX = 8;
const FIELDS = [
  { text: 'action=', note: 'what was done' },
  { text: 'userId=', note: 'who did it' },
  { text: 'metadata.', note: 'a member of the metadata' },
  { text: 'action!=', note: 'leave out an action' },
  { text: 'userId!=', note: 'leave out a user' },
];

const GROUPING = { action: 'action', userId: 'user' };

// Values come from counts of what the other filters let through, the most frequent first.
async function suggestValues({ field, operator, begin }, { filters, times }, signal) {
  const by = GROUPING[field] ?? field;
  const { data } = await ask('api/v1/stats', [['by', by], ['limit', 500], ...filterPairs(filters, times, field)], { signal });
  return data.filter(({ key }) => key.toLowerCase().startsWith(begin.toLowerCase())).slice(0, SUGGESTIONS_MAX)
    .map(({ key, count }) => ({
      text: formatFilter({ field, value: key, out: operator === '!=' }), note: formatNumber(count), whole: true,
    }));
}

function suggestFields(begin, keys) {
  const all = [...FIELDS, ...keys.map(key => ({ text: `metadata.${key}=`, note: 'seen in the table' }))];
  return all.filter(({ text }) => text.toLowerCase().startsWith(begin.toLowerCase())).slice(0, SUGGESTIONS_MAX);
}

function useSuggestions(text, active, context) {
  const [suggestions, setSuggestions] = useState([]);
  useEffect(() => {
    const completion = active ? completionOf(text) : null;
    const controller = new AbortController();
    if (completion === null) {
      setSuggestions([]);
    } else if (!completion.field) {
      setSuggestions(suggestFields(completion.begin, context.keys));
    } else if (completion.field.startsWith('metadata.') || GROUPING[completion.field]) {
      // Without suggestions people can still write what they know, so a failure here is none.
      suggestValues(completion, context, controller.signal).then(setSuggestions, () => {});
    } else {
      setSuggestions([]);
    }
    return () => controller.abort();
  }, [text, active]);
  return suggestions;
}

function Chip({ filter, navigate, filters }) {
  const words = formatFilter(filter);
  const toggle = () => navigate({ filters: withFilter(filters, { ...filter, out: !filter.out }) });
  const instead = filter.out ? 'ask for it instead' : 'leave it out instead';
  return html`
    <li class=${`chip ${filter.out ? 'chip-out' : ''}`}>
      <button type="button" class="chip-text" aria-label=${`${words}: ${instead}`} title=${instead} onClick=${toggle}>
        <span class="chip-field">${filter.field}</span><span class="chip-operator">${filter.out ? '≠' : '='}</span>
        <bdi>${filter.value}</bdi>
      </button>
      <button type="button" class="chip-close" aria-label=${`Remove ${words}`}
        onClick=${() => navigate({ filters: withoutFilter(filters, filter) })}>
        <${Icon} name="close" />
      </button>
    </li>`;
}

// `keys`: paths of metadata that were seen, for completion.
export function FilterBar({ state, navigate, times, keys }) {
  const { filters } = state;
  const [text, setText] = useState('');
  const [active, setActive] = useState(false);
  const [chosen, setChosen] = useState(-1);
  const [wrong, setWrong] = useState('');
  const input = useRef(null);
  const suggestions = useSuggestions(text, active, { filters, times, keys });
  const open = active && suggestions.length > 0;

  const write = value => {
    setText(value);
    setChosen(-1);
    setWrong('');
    setActive(true);
  };
  const apply = written => {
    const read = parseFilters(written);
    if (read.error) {
      setWrong(read.error);
      return;
    }
    write('');
    setActive(false);
    navigate({ filters: read.filters.reduce(withFilter, filters) });
  };
  const take = ({ text: taken, whole }) => {
    const before = text.slice(0, completionOf(text)?.at ?? 0);
    if (whole) apply(before + taken);
    else write(before + taken);
    input.current.focus();
  };
  const onKeyDown = event => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && !open) {
      setActive(true);
    } else if (step) {
      event.preventDefault();
      const next = chosen + step;
      setChosen(next < -1 ? suggestions.length - 1 : next < suggestions.length ? next : -1);
    } else if (event.key === 'Enter') {
      event.preventDefault();
      if (open && chosen >= 0) take(suggestions[chosen]);
      else if (text.trim() !== '') apply(text);
    } else if (event.key === 'Escape') {
      setActive(false);
    } else if (event.key === 'Backspace' && text === '' && filters.length > 0) {
      navigate({ filters: filters.slice(0, -1) });
    }
  };

  return html`
    <div class="filter-bar">
      <div class="filter-line" onClick=${event => event.target === event.currentTarget && input.current.focus()}>
        <${Icon} name="search" />
        ${filters.length > 0 && html`
          <ul class="chips" aria-label="Filters">
            ${filters.map(filter => html`<${Chip} key=${formatFilter(filter)} filter=${filter} filters=${filters} navigate=${navigate} />`)}
          </ul>`}
        <input ref=${input} role="combobox" aria-label="Add a filter" aria-autocomplete="list" aria-expanded=${open ? 'true' : 'false'}
          aria-controls="filter-suggestions" aria-activedescendant=${open && chosen >= 0 ? `suggestion-${chosen}` : undefined}
          aria-invalid=${wrong ? 'true' : 'false'} aria-describedby=${wrong ? 'filter-wrong' : undefined}
          placeholder=${filters.length > 0 ? 'Add a filter' : 'Filter, such as action=login or userId!=robot'}
          autocomplete="off" spellcheck=${false} value=${text} onInput=${event => write(event.target.value)}
          onFocus=${() => setActive(true)} onBlur=${() => setActive(false)}
          onKeyDown=${onKeyDown} />
        ${filters.length > 1 && html`<button type="button" class="quiet" onClick=${() => navigate({ filters: [] })}>Clear</button>`}
      </div>
      <ul id="filter-suggestions" class="suggestions" role="listbox" aria-label="Suggestions" hidden=${!open}>
        ${suggestions.map((suggestion, at) => html`
          <li key=${suggestion.text} id=${`suggestion-${at}`} role="option" aria-selected=${at === chosen ? 'true' : 'false'}
            onPointerDown=${event => { event.preventDefault(); take(suggestion); }}>
            <bdi>${suggestion.text}</bdi><span class="note">${suggestion.note}</span>
          </li>`)}
      </ul>
      ${wrong && html`<p class="field-error" id="filter-wrong" role="alert">${wrong}</p>`}
    </div>`;
}
