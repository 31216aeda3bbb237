/**
 * The most events that wait for a consumer; the oldest go first. Enough for the newest state of
 * every blob of a large image, small enough to forget about.
 */
const MAX_WAITING_EVENTS = 4096;

/** Holds events for one consumer: the newest of each key, in the order the keys came up. */
export class EventQueue<Event> {
  readonly #events = new Map<string | symbol, Event>();
  readonly #coalesce: ((event: Event) => string | undefined) | undefined;
  #wake: (() => void) | undefined;
  #closed = false;

  constructor(coalesce: ((event: Event) => string | undefined) | undefined) {
    this.#coalesce = coalesce;
  }

  push(event: Event): void {
    this.#events.set(this.#coalesce?.(event) ?? Symbol(), event);
    if (this.#events.size > MAX_WAITING_EVENTS) {
      const [oldest] = this.#events.keys();
      if (oldest !== undefined) this.#events.delete(oldest);
    }
    this.#wake?.();
  }

  close(): void {
    this.#closed = true;
    this.#wake?.();
  }

  /** Takes the oldest event, waiting for one; `undefined` after the last. */
  async next(): Promise<{ readonly value: Event } | undefined> {
    for (;;) {
      for (const [key, value] of this.#events) {
        this.#events.delete(key);
        return { value };
      }
      if (this.#closed) return undefined;
      await new Promise<void>((resolve) => this.#wake = resolve);
      this.#wake = undefined;
    }
  }
}
