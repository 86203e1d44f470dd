// Follows activities as they come. When the connection ends it is made again, and goes on behind the last one.
import { readActivity } from './activity_row.js';
import { addressOf, send } from './api.js';
import { EventStreamReader } from './event_stream.js';

const FLUSH_MS = 100; // so that a thousand activities a second are ten changes of the page
const RETRY_MS = 2000;
const HELD_MAX = 5000;

export class LiveTail {
  #controller = new AbortController();
  #reader = new EventStreamReader();
  #waiting = [];
  #paused = false;
  #timer = 0;

  // show(activities), gap({ missed, reason }), tell({ phase, held, error })
  constructor(pairs, { show, gap, tell }) {
    Object.assign(this, { pairs, show, gap, tell, phase: 'connecting', error: null, held: 0 });
    this.#follow();
  }

  pause() {
    this.#paused = true;
    this.#report();
  }

  goOn() {
    this.#paused = false;
    this.#flush();
    this.#report();
  }

  end() {
    this.#controller.abort();
    clearTimeout(this.#timer);
  }

  async #follow() {
    while (!this.#controller.signal.aborted) {
      await this.#connect().catch(error => { this.error = error; });
      if (this.#controller.signal.aborted) return;
      this.#report('waiting');
      await new Promise(resolve => setTimeout(resolve, this.#reader.retryMs ?? RETRY_MS));
    }
  }

  async #connect() {
    const { lastId } = this.#reader;
    const response = await send(addressOf('api/v1/activities/stream', this.pairs), {
      signal: this.#controller.signal,
      headers: lastId ? { 'Last-Event-ID': lastId } : {},
    });
    this.error = null;
    this.#report('live');
    const pieces = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let read; !(read = await pieces.read()).done;) {
      for (const event of this.#reader.push(read.value)) this.#take(event);
    }
  }

  #take({ type, data }) {
    if (type === 'activity') this.#hold({ activity: readActivity(data) });
    if (type === 'gap') this.#hold({ gap: JSON.parse(data) });
  }

  // What is held while somebody reads is bounded: then the oldest go, which is a gap like any other.
  #hold(item) {
    this.#waiting.push(item);
    if (this.#waiting.length > HELD_MAX) {
      const lost = this.#waiting.splice(0, HELD_MAX / 2);
      const missed = lost.reduce((sum, { gap }) => sum + (gap ? gap.missed ?? 0 : 1), 0);
      this.#waiting.unshift({ gap: { missed, reason: 'paused' } });
    }
    if (this.#paused) this.#report();
    else if (!this.#timer) this.#timer = setTimeout(() => this.#flush(), FLUSH_MS);
  }

  #flush() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    if (this.#paused) return;
    let activities = [];
    const show = () => { if (activities.length > 0) this.show(activities); };
    for (const { activity, gap } of this.#waiting.splice(0)) {
      if (activity) {
        activities.push(activity);
      } else {
        show();
        activities = [];
        this.gap(gap);
      }
    }
    show();
  }

  #report(phase = this.phase) {
    this.phase = phase;
    this.tell({ phase, paused: this.#paused, held: this.#paused ? this.#waiting.length : 0, error: this.error });
  }
}
