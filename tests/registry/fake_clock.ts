import type { Clock } from "../../lib/registry/clock.ts";

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/** How often pending work gets a turn before time passes; scripted transports need few. */
const ROUNDS = 12;

/** How often more, where no timer is set: threads of the host, such as those of zlib, take their time. */
const IDLE_ROUNDS = 1000;

/**
 * A clock that stands still until everybody waits for it. `run` lets it jump from timer to timer
 * until a promise has settled.
 */
export class FakeClock implements Clock {
  #now: number;
  readonly #timers = new Set<Timer>();

  constructor(now: number = Date.UTC(2026, 0, 1)) {
    this.#now = now;
  }

  /** Timers that nobody has cancelled. */
  get pending(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#now;
  }

  setTimer(ms: number, callback: () => void): () => void {
    const timer = { at: this.#now + ms, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Lets time pass until the promise has settled; gives it, and how long it took. */
  async run<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const watched = promise.finally(() => isSettled = true);
    watched.catch(() => {});
    let idle = 0;
    for (let jumps = 0; jumps < 5000; jumps++) {
      for (let i = 0; i < ROUNDS && !isSettled; i++) await turn();
      if (isSettled) return await watched;
      const next = [...this.#timers].sort((a, b) => a.at - b.at)[0];
      if (next === undefined) {
        if (++idle > IDLE_ROUNDS) throw new Error("everybody waits, and no timer is set");
        continue;
      }
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
    }
    throw new Error("time passes without an end");
  }

  /** Measures how long something takes, in milliseconds of this clock. */
  async measure<T>(work: () => Promise<T>): Promise<{ ms: number; result: T }> {
    const start = this.#now;
    const result = await this.run(work());
    return { ms: this.#now - start, result };
  }
}

/** Gives everything that is ready a turn. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
