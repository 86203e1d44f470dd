// What tables and timelines show of an activity.
import { metadataOf } from './activity_row.js';
import { insideOf, plainText } from './json_text.js';
import { html } from './runtime.js';

const MEMBERS_SHOWN = 8;

// The first members on one line; all of them stand in the details.
export function Metadata({ row }) {
  return insideOf(metadataOf(row)).slice(0, MEMBERS_SHOWN).map(({ name, text }) => html`
    <span class="pair"><bdi class="pair-key">${name}</bdi> <bdi>${plainText(text)}</bdi></span>`);
}
