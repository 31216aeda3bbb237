/** Times of each way that are taken before it is judged. */
const TRIES = 6;
/**
 * How many times are not taken until both ways are tried again. A trial may have been disturbed, the
 * first ones by code that the host had not optimised yet: terms double.
 */
const FIRST_TERM = 8;
const LONGEST_TERM = 128;

/**
 * Finds out by the clock whether messages are hashed sooner side by side or one after the other,
 * which depends on the processor and on what the host makes of vectors. Both ways take turns some
 * times; the shortest time of each counts, as others are of a processor that was shared. A clock that
 * stands still or tells nothing so short says: one after the other.
 */
export class LaneTrial {
  readonly #now: () => number;
  /** Times taken of this trial, and the times left of its term. */
  #taken = 0;
  #left = 0;
  #term = FIRST_TERM;
  /** Milliseconds for a page of four messages at once, and for a page of one message. */
  #sideBySide = Number.POSITIVE_INFINITY;
  #alone = Number.POSITIVE_INFINITY;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Hashes so many pages of each of so many messages in the way that is thought to be faster. */
  run(messages: number, pages: number, hash: (isSideBySide: boolean) => void): void {
    if (this.#left > 0) {
      this.#left--;
      return hash(this.#isFaster(messages));
    }
    if (this.#taken === 0) this.#sideBySide = this.#alone = Number.POSITIVE_INFINITY;
    const isSideBySide = this.#taken % 2 === 0;
    const started = this.#now();
    hash(isSideBySide);
    this.#take(isSideBySide, messages, pages, this.#now() - started);
  }

  #take(isSideBySide: boolean, messages: number, pages: number, ms: number): void {
    if (ms > 0 && isSideBySide) this.#sideBySide = Math.min(this.#sideBySide, ms / pages);
    if (ms > 0 && !isSideBySide) this.#alone = Math.min(this.#alone, ms / pages / messages);
    this.#taken++;
    if (this.#taken < 2 * TRIES) return;
    this.#taken = 0;
    this.#left = this.#term;
    this.#term = Math.min(2 * this.#term, LONGEST_TERM);
  }

  #isFaster(messages: number): boolean {
    return Number.isFinite(this.#alone) && this.#sideBySide < messages * this.#alone;
  }
}
