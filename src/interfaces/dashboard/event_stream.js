// Reads Server-Sent Events from pieces of text as they arrive (the HTML standard, section 9.2), as this service writes
// them. The browser's EventSource cannot send a key, and so is not used. Pure: it holds what is not complete, and nothing else.

export class EventStreamReader {
  #rest = '';
  #event = { type: '', data: [] };
  lastId = '';
  retryMs = null;

  // The events that the piece completes: { type, data }.
  push(piece) {
    const lines = (this.#rest + piece).split(/\r?\n/);
    this.#rest = lines.pop();
    return lines.map(line => this.#take(line)).filter(event => event !== null);
  }

  #take(line) {
    if (line === '') return this.#dispatch();
    const [, name, value] = /^([^:]*):? ?(.*)$/s.exec(line);
    if (name === 'data') this.#event.data.push(value);
    else if (name === 'event') this.#event.type = value;
    else if (name === 'id') this.lastId = value;
    else if (name === 'retry' && /^\d+$/.test(value)) this.retryMs = Number(value);
    return null;
  }

  #dispatch() {
    const { type, data } = this.#event;
    this.#event = { type: '', data: [] };
    return data.length === 0 ? null : { type: type || 'message', data: data.join('\n') };
  }
}
