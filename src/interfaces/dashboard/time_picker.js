// When: a stretch of time that ends now, or two times; and the zone that all times are shown in.
import { Popover } from './parts.js';
import { html, useState } from './runtime.js';
import { RANGES, formatTime, isZone, rangeInWords, readRange, resolveRange, zoneInWords } from './times.js';

const zones = () => ['local', 'UTC', ...Intl.supportedValuesOf('timeZone').filter(zone => zone !== 'UTC')];

function Absolute({ range, zone, onRange }) {
  const { from, to } = resolveRange(range, Date.now());
  const written = ms => formatTime(ms, zone, { seconds: true });
  const [texts, setTexts] = useState({ from: from === null ? '' : written(from), to: written(to ?? Date.now()) });
  const [wrong, setWrong] = useState(null);
  const submit = event => {
    event.preventDefault();
    const read = readRange(texts.from, texts.to, zone);
    if (read.range) onRange(read.range);
    else setWrong(read);
  };
  const field = (name, label) => html`
    <label for=${`time-${name}`}>${label}</label>
    <input id=${`time-${name}`} value=${texts[name]} autocomplete="off" spellcheck=${false}
      aria-invalid=${wrong?.field === name ? 'true' : 'false'} aria-describedby=${wrong?.field === name ? 'time-wrong' : undefined}
      onInput=${event => setTexts({ ...texts, [name]: event.target.value })} />`;
  return html`
    <form class="absolute" onSubmit=${submit} noValidate>
      ${field('from', 'From')}${field('to', 'To')}
      ${wrong && html`<p class="field-error" id="time-wrong" role="alert">${wrong.error}</p>`}
      <button type="submit" class="primary">Apply</button>
    </form>`;
}

export function TimePicker({ state, navigate }) {
  const { range, zone } = state;
  return html`
    <${Popover} label=${rangeInWords(range, zone)} icon="clock" title="Time">
      ${close => {
        const choose = chosen => {
          navigate({ range: chosen });
          close();
        };
        return html`
          <div class="time-choice">
            <div class="relative" role="group" aria-label="Relative to now">
              ${RANGES.map(([last, words]) => html`
                <button type="button" aria-pressed=${range.last === last ? 'true' : 'false'}
                  onClick=${() => choose({ last })}>${words}</button>`)}
            </div>
            <div>
              <${Absolute} range=${range} zone=${zone} onRange=${choose} key=${zone} />
              <div class="zone">
                <label for="zone">Time zone</label>
                <select id="zone" value=${zone} onChange=${event => isZone(event.target.value) && navigate({ zone: event.target.value })}>
                  ${zones().map(name => html`<option value=${name}>${zoneInWords(name)}</option>`)}
                </select>
              </div>
            </div>
          </div>`;
      }}
    </${Popover}>`;
}
