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

// The text of one member of an object, "" when it has none of that name.
export function memberText(text, name) {
  const tokens = tokensOf(text);
  let depth = 0;
  for (let at = 0; at < tokens.length; at++) {
    if (depth === 1 && tokens[at + 1] === ':' && tokens[at][0] === '"' && JSON.parse(tokens[at]) === name) {
      let end = at + 2;
      for (let inner = 0; ; end++) {
        inner += isOpening(tokens[end]) ? 1 : isClosing(tokens[end]) ? -1 : 0;
        if (inner === 0) break;
      }
      return tokens.slice(at + 2, end + 1).join('');
    }
    depth += isOpening(tokens[at]) ? 1 : isClosing(tokens[at]) ? -1 : 0;
  }
  return '';
}
