// The rows of the table: pages as they are loaded, newest first, and in front of them what comes while somebody follows.
// It knows nothing of the page; `load` asks for one page, `changed` is called after every change.

const ROWS_FIRST = 100; // so that the first ones are there at once
const ROWS_FURTHER = 1000;
const PAGES_IN_VAIN = 10; // pages one after the other of which every row is hidden

export class RowList {
  shown = [];
  hidden = 0;
  phase = 'loading'; // "ready", "error", "paused": nothing but hidden rows came for a while
  error = null;
  ended = false; // there are no older ones
  prepended = 0; // rows that came in front since the beginning, which later places are counted from
  #ids = new Set();
  #cursor = null;
  #begun = false;
  #vain = 0;
  #gaps = 0;
  #left = false;

  constructor({ load, hides, changed }) {
    Object.assign(this, { load, hides, changed });
  }

  get loaded() {
    return this.#ids.size;
  }

  // Nobody looks any more.
  leave() {
    this.#left = true;
  }

  async more() {
    if (this.ended || this.#left || (this.#begun && this.phase === 'loading')) return;
    const limit = this.#begun ? ROWS_FURTHER : ROWS_FIRST;
    this.#begun = true;
    this.#tell('loading');
    try {
      const { data, nextCursor } = await this.load(limit, this.#cursor);
      this.#cursor = nextCursor;
      this.ended = nextCursor === null;
      const before = this.shown.length;
      for (const activity of data) this.#add(activity, row => this.shown.push(row));
      this.#vain = this.shown.length > before ? 0 : this.#vain + 1;
      this.#tell(this.#vain >= PAGES_IN_VAIN ? 'paused' : 'ready');
    } catch (error) {
      if (this.#cursor === null) this.#begun = false;
      this.#tell('error', error);
    }
  }

  // After a pause or a failure, on somebody's wish.
  async goOn() {
    this.#vain = 0;
    await this.more();
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
    if (this.hides(activity)) this.hidden++;
    else put(activity);
  }

  #tell(phase, error = null) {
    Object.assign(this, { phase, error });
    if (!this.#left) this.changed();
  }
}
