// The rows of the table: pages as they are loaded, newest first, and in front of them what comes while somebody follows.
// It knows nothing of the page; `load` asks for one page, `changed` is called after every change.

export const ROWS_FIRST = 100; // so that the first ones are there at once
const ROWS_FURTHER = 1000;

export class RowList {
  shown = [];
  phase = 'loading'; // "ready", "error"
  error = null;
  ended = false; // there are no older ones
  prepended = 0; // rows that came in front since the beginning, which later places are counted from
  #ids = new Set();
  #cursor = null;
  #begun = false;
  #gaps = 0;
  #left = false;

  constructor({ load, changed }) {
    Object.assign(this, { load, changed });
  }

  get loaded() {
    return this.#ids.size;
  }

  // Nobody looks any more.
  leave() {
    this.#left = true;
  }

  // Also again, after a failure.
  async more() {
    if (this.ended || this.#left || (this.#begun && this.phase === 'loading')) return;
    const limit = this.#begun ? ROWS_FURTHER : ROWS_FIRST;
    this.#begun = true;
    this.#tell('loading');
    try {
      const { data, nextCursor } = await this.load(limit, this.#cursor);
      this.#cursor = nextCursor;
      this.ended = nextCursor === null;
      for (const activity of data) this.#add(activity, row => this.shown.push(row));
      this.#tell('ready');
    } catch (error) {
      if (this.#cursor === null) this.#begun = false;
      this.#tell('error', error);
    }
  }

  // The newest of these last, as they came.
  prepend(activities) {
    const front = [];
    for (const activity of activities) this.#add(activity, row => front.unshift(row));
    this.#front(front);
  }

  // A row that says that others are missing.
  prependGap({ missed, reason }) {
    this.#front([{ id: `gap ${++this.#gaps}`, gap: { missed, reason } }]);
  }

  #front(rows) {
    if (this.#left) return;
    if (rows.length > 0) this.shown = [...rows, ...this.shown];
    this.prepended += rows.length;
    this.changed();
  }

  #add(activity, put) {
    if (this.#ids.has(activity.id)) return;
    this.#ids.add(activity.id);
    put(activity);
  }

  #tell(phase, error = null) {
    Object.assign(this, { phase, error });
    if (!this.#left) this.changed();
  }
}
