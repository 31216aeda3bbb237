import type { Clock } from "../../lib/registry/mod.ts";

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/** What happens on the wire, as `FaultProxy` has it. */
interface Wire {
  /** Grows with everything that happens. */
  readonly activity: number;
  /** How many requests the registry works on. */
  readonly busy: number;
}

/** How long nothing has to happen before time passes, in real milliseconds. */
const QUIET_MS = 40;

/**
 * The same before a timeout of somebody who waits for the other side, which a machine with much to do
 * may keep busy for a while.
 */
const LONG_QUIET_MS = 500;
const LONG_MS = 10_000;
const STEP_MS = 5;

/**
 * A clock for real sockets: it stands still as long as anything moves on the wire. When it has been
 * quiet, everybody waits for a timer, and the clock jumps to the next one.
 */
export class QuietClock implements Clock {
  #now: number = Date.UTC(2026, 0, 1);
  readonly #timers = new Set<Timer>();
  readonly #wire: () => Wire;
  #sleepers = 0;

  /** @param wire Gives what happens on the wire. */
  constructor(wire: () => Wire) {
    this.#wire = wire;
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

  /** Waits on the side of the registry, which is idle then. */
  async sleep(ms: number): Promise<void> {
    this.#sleepers++;
    await new Promise<void>((resolve) => void this.setTimer(ms, resolve));
    this.#sleepers--;
  }

  /** Lets time pass until the work has ended; gives how long it took, and its result or error. */
  async measure<T>(work: () => Promise<T>): Promise<{ ms: number; result: T }> {
    const start = this.#now;
    const promise = work();
    let isSettled = false;
    promise.catch(() => {}).finally(() => isSettled = true);
    for (let jumps = 0; !isSettled; jumps++) {
      if (jumps > 2000) throw new Error("time passes without an end");
      const next = await this.#quiet(() => isSettled);
      if (next === undefined) continue;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
    }
    return { ms: this.#now - start, result: await promise };
  }

  get #next(): Timer | undefined {
    return [...this.#timers].sort((a, b) => a.at - b.at)[0];
  }

  /** Waits until everybody waits for the next timer, and gives it. */
  async #quiet(isSettled: () => boolean): Promise<Timer | undefined> {
    let quiet = 0;
    for (let seen = this.#wire().activity; !isSettled();) {
      await new Promise((resolve) => setTimeout(resolve, STEP_MS));
      const { activity, busy } = this.#wire();
      quiet = activity === seen && busy <= this.#sleepers ? quiet + STEP_MS : 0;
      seen = activity;
      const next = this.#next;
      const isLong = next !== undefined && next.at - this.#now >= LONG_MS;
      if (quiet >= (isLong ? LONG_QUIET_MS : QUIET_MS)) return isSettled() ? undefined : next;
    }
    return undefined;
  }
}
