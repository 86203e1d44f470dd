// JSON as it was sent. The browser's own parser rounds long numbers, which are kept to the digit here, so what is shown of
// an activity is read from its text. All of it is pure.

const TOKEN = /\s*("(?:\\.|[^"\\])*"|-?[\d.eE+-]+|true|false|null|[{}[\],:])/y;

// The text comes from a JSON API, so it is not checked once more here.
export function tokensOf(text) {
  const tokens = [];
  TOKEN.lastIndex = 0;
  for (let match; (match = TOKEN.exec(text)) !== null;) tokens.push(match[1]);
  return tokens;
}

const isOpening = token => token === '{' || token === '[';
const isClosing = token => token === '}' || token === ']';

// The same with a line for each member.
export function indentJson(text) {
  const tokens = tokensOf(text);
  let depth = 0;
  let lines = '';
  const newLine = () => { lines += `\n${'  '.repeat(depth)}`; };
  tokens.forEach((token, at) => {
    if (isClosing(token)) {
      depth--;
      if (!isOpening(tokens[at - 1])) newLine();
    }
    lines += token;
    if (isOpening(token)) {
      depth++;
      if (!isClosing(tokens[at + 1])) newLine();
    } else if (token === ',') {
      newLine();
    } else if (token === ':') {
      lines += ' ';
    }
  });
  return lines;
}

// A key as it stands in a path of the API.
export const escapeKey = key => key.replaceAll('\\', '\\\\').replaceAll('.', '\\.');

// Every value that is no object and no array: { path, value, kind }, the value as the API's filters take it. Elements of an
// array have the path of the array. An empty object or array is a member, too, which no filter can name.
export function membersOf(text) {
  const tokens = tokensOf(text);
  const members = [];
  let at = 0;
  function readValue(path) {
    const token = tokens[at++];
    if (isOpening(token)) {
      readInside(token, path);
    } else if (token !== undefined) {
      const isText = token[0] === '"';
      members.push({ path, value: isText ? JSON.parse(token) : token, kind: isText ? 'text' : 'other' });
    }
  }
  function readInside(opening, path) {
    if (isClosing(tokens[at])) {
      members.push({ path, value: opening + tokens[at++], kind: 'empty' });
      return;
    }
    do {
      let inner = path;
      if (opening === '{') {
        inner = path === '' ? escapeKey(JSON.parse(tokens[at])) : `${path}.${escapeKey(JSON.parse(tokens[at]))}`;
        at += 2;
      }
      readValue(inner);
    } while (tokens[at++] === ',');
  }
  readValue('');
  return members;
}

// --- parts of a text, without looking into them ---

function endOfString(text, at) {
  let end = at + 1;
  while (end < text.length && text[end] !== '"') end += text[end] === '\\' ? 2 : 1;
  return end + 1;
}

function endOfValue(text, at) {
  if (text[at] === '"') return endOfString(text, at);
  let depth = 0;
  let end = at;
  while (end < text.length && (depth > 0 || (text[end] !== ',' && !isClosing(text[end])))) {
    if (text[end] === '"') {
      end = endOfString(text, end);
    } else {
      depth += isOpening(text[end]) ? 1 : isClosing(text[end]) ? -1 : 0;
      end++;
    }
  }
  return end;
}

const BETWEEN = /[\s,:]*/y;

function skip(text, at) {
  BETWEEN.lastIndex = at;
  BETWEEN.exec(text);
  return BETWEEN.lastIndex;
}

// The members of an object, { name, text }, or the elements of an array, { text }; the texts as they were sent.
export function insideOf(text) {
  const inside = [];
  for (let at = skip(text, 1); at < text.length && !isClosing(text[at]);) {
    let name;
    if (text[0] === '{') {
      const end = endOfString(text, at);
      name = JSON.parse(text.slice(at, end));
      at = skip(text, end);
    }
    const end = endOfValue(text, at);
    inside.push({ name, text: text.slice(at, end).trimEnd() });
    at = skip(text, end);
  }
  return inside;
}

// The text of one member of an object, "" when it has none of that name.
export const memberText = (text, name) => insideOf(text).find(member => member.name === name)?.text ?? '';

// A string as people read it, and all else as it was sent.
export const plainText = text => (text[0] === '"' ? JSON.parse(text) : text);

// The texts of all that stands at a path, through arrays.
export function textsAt(text, keys) {
  if (text[0] === '[') return insideOf(text).flatMap(element => textsAt(element.text, keys));
  if (keys.length === 0) return [text];
  if (text[0] !== '{') return [];
  const member = memberText(text, keys[0]);
  return member === '' ? [] : textsAt(member, keys.slice(1));
}
