// Activities as lists have them: what a row needs at once, and the text of the whole, from which the metadata is read when it is
// shown, since the browser's own parser would round its numbers. All of it is pure.
import { insideOf, memberText } from './json_text.js';

export function readActivity(text) {
  const { id, userId, action, timestamp } = JSON.parse(text);
  return { id, userId, action, timestamp, text };
}

// { data, nextCursor } of an answer of the API.
export function readPage(text) {
  return {
    data: insideOf(memberText(text, 'data')).map(one => readActivity(one.text)),
    nextCursor: JSON.parse(memberText(text, 'nextCursor') || 'null'),
  };
}

// Its text, as it was sent.
export const metadataOf = row => memberText(row.text, 'metadata') || '{}';
