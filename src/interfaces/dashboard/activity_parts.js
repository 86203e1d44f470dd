// What tables and timelines show of an activity.
import { html } from './runtime.js';

const MEMBERS_SHOWN = 8;

export const asText = value => (typeof value === 'string' ? value : JSON.stringify(value));

// The first members on one line; all of them stand in the details.
export function Metadata({ metadata }) {
  return Object.entries(metadata).slice(0, MEMBERS_SHOWN).map(([key, value]) => html`
    <span class="pair"><bdi class="pair-key">${key}</bdi> <bdi>${asText(value)}</bdi></span>`);
}
