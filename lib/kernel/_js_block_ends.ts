// Decides where a block ends: the twin of wasm/assembly/block_ends.ts, where the measure is
// explained. The two end blocks at the same items.
import { type Items, KINDS } from "./_js_items.ts";

const INTERVAL = 512;
const DIFFERENCE = 200;
const MIN_BLOCK_BYTES = 5000;
const SMALL_BLOCK_BYTES = 10000;
const SMALL_BLOCK_ITEMS = 8192;
const WEARINESS_BYTES = 4096;

/** Compares the items of a block with those before them. */
export class BlockEnds {
  /** The number of items at the next comparison. */
  nextComparison: number = INTERVAL;
  #itemsBefore = 0;
  readonly #before = new Uint32Array(KINDS);

  /** Begins a block. */
  reset(): void {
    this.#itemsBefore = 0;
    this.nextComparison = INTERVAL;
    this.#before.fill(0);
  }

  /** Compares the items since the last comparison; tells whether the block ends behind them. */
  isAtEnd({ count, kinds }: Items, blockBytes: number): boolean {
    if (blockBytes >= MIN_BLOCK_BYTES && this.#isDifferent(kinds, count, blockBytes)) return true;
    for (let index = 0; index < KINDS; index++) {
      this.#before[index] = (this.#before[index] as number) + (kinds[index] as number);
    }
    kinds.fill(0);
    this.#itemsBefore = count;
    this.nextComparison = count - count % INTERVAL + INTERVAL;
    return false;
  }

  #isDifferent(kinds: Uint32Array, count: number, blockBytes: number): boolean {
    const before = this.#itemsBefore;
    if (before === 0) return false;
    const added = count - before;
    let difference = 0;
    for (let index = 0; index < KINDS; index++) {
      const expected = (this.#before[index] as number) * added;
      difference += Math.abs(expected - (kinds[index] as number) * before);
    }
    let limit = Math.floor(added * DIFFERENCE / INTERVAL) * before;
    if (blockBytes < SMALL_BLOCK_BYTES && count < SMALL_BLOCK_ITEMS) {
      limit += Math.floor(
        (limit >> 3) * (SMALL_BLOCK_ITEMS - count >> 3) / (SMALL_BLOCK_ITEMS >> 6),
      );
    }
    return difference + Math.floor(blockBytes / WEARINESS_BYTES) * before >= limit;
  }
}
