/** Times of each way that are taken before it is judged. */
const TRIES = 6;
/** How many times are not taken until both ways are tried again: a trial may have been disturbed. */
const TERM = 120;

/**
 * Finds out by the clock whether messages are hashed sooner side by side or one after the other,
 * which depends on the processor and on what the host makes of vectors. Both ways take turns some
 * times; the shortest time of each counts, as others are of code not yet optimised, or of a processor
 * that was shared. A clock that stands still or tells nothing so short says: one after the other.
 */
export class LaneTrial {
  readonly #now: () => number;
  #turn = 0;
  /** Milliseconds for a page of four messages at once, and for a page of one message. */
  #sideBySide = Number.POSITIVE_INFINITY;
  #alone = Number.POSITIVE_INFINITY;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Hashes so many pages of each of so many messages in the way that is thought to be faster. */
  run(messages: number, pages: number, hash: (isSideBySide: boolean) => void): void {
    const turn = this.#turn;
    this.#turn = (turn + 1) % (2 * TRIES + TERM);
    if (turn >= 2 * TRIES) return hash(this.#isFaster(messages));
    if (turn === 0) this.#sideBySide = this.#alone = Number.POSITIVE_INFINITY;
    const isSideBySide = turn % 2 === 0;
    const started = this.#now();
    hash(isSideBySide);
    const ms = this.#now() - started;
    if (ms <= 0) return;
    if (isSideBySide) this.#sideBySide = Math.min(this.#sideBySide, ms / pages);
    else this.#alone = Math.min(this.#alone, ms / pages / messages);
  }

  #isFaster(messages: number): boolean {
    return Number.isFinite(this.#alone) && this.#sideBySide < messages * this.#alone;
  }
}
