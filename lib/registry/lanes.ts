import type { Clock } from "./clock.ts";

/** What a request is for. Metadata is read at once by the client itself; bodies go to a consumer. */
export type Lane = "metadata" | "download" | "upload";

/** A place in a lane. */
export interface Permit {
  /** Says that the consumer waits for bytes (`true`), or has got some (`false`). */
  reading(isReading: boolean): void;
  /** Gives the place away; a second call does nothing. */
  release(): void;
}

/** Admits requests. */
export interface Gate {
  /** Waits for a place, which has to be released. */
  acquire(lane: Lane, signal?: AbortSignal): Promise<Permit>;
}

/** Places that only metadata may take: a list must not wait behind layers. */
const METADATA_PLACES = 2;

/**
 * How long an open download may stand unread before others no longer wait for it. Without this, a
 * consumer that opens more streams than there are places before it reads any would wait for ever.
 */
const UNREAD_MS = 1000;

interface Waiter {
  readonly lane: Lane;
  admit(): void;
}

interface Holder {
  readonly lane: Lane;
  isReading: boolean;
  since: number;
}

/**
 * Bounds how many requests to one registry are under way: as many uploads, as many downloads and, of
 * both kinds of reading together, two more. Metadata goes first.
 */
export class Lanes implements Gate {
  readonly #concurrency: number;
  readonly #clock: Clock;
  readonly #waiting: Waiter[] = [];
  readonly #holders = new Set<Holder>();
  #stopTimer: (() => void) | undefined;

  constructor(concurrency: number, clock: Clock) {
    if (!Number.isInteger(concurrency) || concurrency < 1) {
      throw new RangeError(`Cannot run ${concurrency} requests at a time: give a positive integer`);
    }
    this.#concurrency = concurrency;
    this.#clock = clock;
  }

  /**
   * Waits for a place.
   *
   * @param lane What the request is for.
   * @param signal Ends the wait; the promise rejects with its reason.
   * @returns The place; it has to be released.
   */
  async acquire(lane: Lane, signal?: AbortSignal): Promise<Permit> {
    signal?.throwIfAborted();
    return this.#hasPlace(lane) ? this.#enter(lane) : await this.#wait(lane, signal);
  }

  #enter(lane: Lane): Permit {
    const holder: Holder = { lane, isReading: true, since: this.#clock.now() };
    this.#holders.add(holder);
    return {
      reading: (isReading) => {
        holder.isReading = isReading;
        holder.since = this.#clock.now();
      },
      release: () => this.#release(holder),
    };
  }

  #count(lane: Lane): number {
    let count = 0;
    for (const holder of this.#holders) if (holder.lane === lane) count++;
    return count;
  }

  #hasPlace(lane: Lane): boolean {
    if (lane === "upload") return this.#count("upload") < this.#concurrency;
    const downloads = this.#count("download");
    if (lane === "download" && downloads >= this.#concurrency) return false;
    return downloads + this.#count("metadata") < this.#concurrency + METADATA_PLACES;
  }

  #wait(lane: Lane, signal: AbortSignal | undefined): Promise<Permit> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        this.#watch();
        reject(signal?.reason);
      };
      const waiter: Waiter = {
        lane,
        admit: () => {
          signal?.removeEventListener("abort", leave);
          resolve(this.#enter(lane));
        },
      };
      const behind = this.#waiting.findIndex((other) => other.lane !== "metadata");
      const at = lane === "metadata" && behind >= 0 ? behind : this.#waiting.length;
      this.#waiting.splice(at, 0, waiter);
      signal?.addEventListener("abort", leave, { once: true });
      this.#watch();
    });
  }

  #release(holder: Holder): void {
    if (!this.#holders.delete(holder)) return;
    const at = this.#waiting.findIndex(({ lane }) => this.#hasPlace(lane));
    if (at >= 0) this.#waiting.splice(at, 1)[0]?.admit();
    this.#watch();
  }

  /** Looks for downloads that nobody reads, as long as somebody waits. */
  #watch(): void {
    if (this.#waiting.length === 0) {
      this.#stopTimer?.();
      this.#stopTimer = undefined;
      return;
    }
    this.#stopTimer ??= this.#clock.setTimer(UNREAD_MS, () => {
      this.#stopTimer = undefined;
      const now = this.#clock.now();
      for (const holder of [...this.#holders]) {
        const isUnread = !holder.isReading && now - holder.since >= UNREAD_MS;
        if (holder.lane === "download" && isUnread && this.#waiting.length > 0) {
          this.#release(holder);
        }
      }
      this.#watch();
    });
  }
}
