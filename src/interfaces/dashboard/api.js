// Asks the API of the server that the page comes from.

const KEY = 'usertrail.key';

// What went wrong, in words for people: of a problem document, or of a server that cannot be reached.
export class Problem extends Error {
  constructor({ status = 0, title = 'The service cannot be reached', detail = '', errors = [] }) {
    super(detail || title);
    Object.assign(this, { status, title, detail, errors });
  }
}

// --- the key, which ends with the tab ---

let key = sessionStorage.getItem(KEY) ?? '';
const listeners = new Set();

export const hasKey = () => key !== '';

export function setKey(text) {
  key = text.trim();
  if (key) sessionStorage.setItem(KEY, key);
  else sessionStorage.removeItem(KEY);
  tellAccess('changed');
}

// Called with "needed" when the service wants a key, or another one, and with "changed" when there is one.
export function onAccess(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function tellAccess(what) {
  for (const listener of [...listeners]) listener(what);
}

// --- questions ---

export function addressOf(path, pairs = []) {
  const query = new URLSearchParams(pairs).toString();
  return query ? `${path}?${query}` : path;
}

async function readProblem(response) {
  const told = await response.json().catch(() => ({}));
  return new Problem({ title: `The service answers ${response.status}`, ...told, status: response.status });
}

// The answer, or a Problem. Without credentials, or browsers would ask for a password with a window of their own.
export async function send(address, { method = 'GET', signal, headers = {} } = {}) {
  let response;
  try {
    response = await fetch(address, {
      method, signal, credentials: 'omit', cache: 'no-store',
      headers: key ? { ...headers, Authorization: `Bearer ${key}` } : headers,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem({ detail: 'Nothing answers at this address: is the service running, and the network there?' });
  }
  if (response.ok) return response;
  const problem = await readProblem(response);
  if (problem.status === 401) tellAccess('needed');
  throw problem;
}

export const ask = async (path, pairs, options) => (await send(addressOf(path, pairs), options)).json();

export const askText = async (path, pairs, options) => (await send(addressOf(path, pairs), options)).text();

// Saves an answer as a file. A link cannot send a key, so with one the answer goes through memory.
export async function download(address, name) {
  const link = document.createElement('a');
  link.download = name;
  if (!hasKey()) {
    link.href = address;
    link.click();
    return;
  }
  const content = await (await send(address)).blob();
  link.href = URL.createObjectURL(content);
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
