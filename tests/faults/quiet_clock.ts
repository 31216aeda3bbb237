import type { Clock } from "../../lib/registry/mod.ts";

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/** How long nothing has to happen before time passes, in real milliseconds. */
const QUIET_MS = 30;
const STEP_MS = 5;

/**
 * A clock for real sockets: it stands still as long as anything moves on the wire. When it has been
 * quiet, everybody waits for a timer, and the clock jumps to the next one.
 */
export class QuietClock implements Clock {
  #now: number = Date.UTC(2026, 0, 1);
  readonly #timers = new Set<Timer>();
  readonly #activity: () => number;

  /** @param activity Gives a number that grows with everything that happens on the wire. */
  constructor(activity: () => number) {
    this.#activity = activity;
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

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.setTimer(ms, resolve));
  }

  /** Lets time pass until the work has ended; gives how long it took, and its result or error. */
  async measure<T>(work: () => Promise<T>): Promise<{ ms: number; result: T }> {
    const start = this.#now;
    const promise = work();
    let isSettled = false;
    promise.catch(() => {}).finally(() => isSettled = true);
    for (let jumps = 0; !isSettled; jumps++) {
      if (jumps > 2000) throw new Error("time passes without an end");
      await this.#quiet(() => isSettled);
      if (isSettled) break;
      const next = [...this.#timers].sort((a, b) => a.at - b.at)[0];
      if (next === undefined) continue;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
    }
    return { ms: this.#now - start, result: await promise };
  }

  async #quiet(isSettled: () => boolean): Promise<void> {
    for (let quiet = 0, seen = this.#activity(); quiet < QUIET_MS && !isSettled();) {
      await new Promise((resolve) => setTimeout(resolve, STEP_MS));
      const activity = this.#activity();
      quiet = activity === seen ? quiet + STEP_MS : 0;
      seen = activity;
    }
  }
}
