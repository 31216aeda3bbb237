import { createHasher } from "../hash/create_hasher.ts";
import type { Hasher } from "../hash/hasher.ts";
import type { Bytes } from "../model/bytes.ts";
import { formatDigest } from "../model/digest.ts";
import { HISTORY_BYTES } from "./_checkpoint_format.ts";
import { type BlockStart, BlockWalker } from "./_checkpoint_walker.ts";
import type { Checkpoint, Checkpoints } from "./checkpoints.ts";

/** A checkpoint under way: its history is known when the output is there, its digest at its end. */
type Draft = { -readonly [Key in keyof Checkpoint]: Checkpoint[Key] };

/**
 * Sets checkpoints along a gzip stream: it is shown each compressed chunk, and then what that gave.
 *
 * An inflater that began in the middle of a member could not go over its end, where a checksum of
 * the whole member stands; so the begin of the next member is always a checkpoint.
 */
export class CheckpointRecorder {
  readonly #everyBytes: number;
  readonly #maxCheckpoints: number;
  readonly #walker: BlockWalker = new BlockWalker((start) => this.#consider(start));
  readonly #points: Draft[] = [];
  /** Checkpoints whose history has not come out yet. */
  readonly #waiting: Draft[] = [];
  #hasher: Hasher = createHasher("sha256");
  #chunk: Uint8Array = new Uint8Array(0);
  /** Bytes of the chunk that are hashed. */
  #hashed = 0;
  #compressedSize = 0;
  #size = 0;
  readonly #history = new Uint8Array(HISTORY_BYTES);
  #historyBytes = 0;

  constructor(everyBytes: number, maxCheckpoints: number) {
    this.#everyBytes = everyBytes;
    this.#maxCheckpoints = maxCheckpoints;
  }

  /** Sees the next compressed bytes. */
  compressed(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#hashed = 0;
    this.#walker.push(chunk);
    this.#hasher.update(chunk.subarray(this.#hashed));
    this.#compressedSize += chunk.byteLength;
    this.#chunk = new Uint8Array(0);
  }

  /** Sees what came out. */
  uncompressed(bytes: Uint8Array): void {
    const end = this.#size + bytes.byteLength;
    for (let next = this.#waiting[0]; next !== undefined && next.offset <= end;) {
      next.history = this.#historyBefore(bytes, next.offset - this.#size);
      this.#waiting.shift();
      next = this.#waiting[0];
    }
    const history = this.#historyBefore(bytes, bytes.byteLength);
    this.#history.set(history);
    this.#historyBytes = history.byteLength;
    this.#size = end;
  }

  /** Gives the checkpoints once the stream has ended and was good. */
  finish(): Checkpoints {
    // What the walker said and the inflater did not give was no block.
    const { length } = this.#waiting;
    const points = this.#points.slice(0, this.#points.length - length);
    const last = this.#points.at(-1);
    if (last !== undefined) last.digest = formatDigest("sha256", this.#hasher.digest());
    return { points, compressedSize: this.#compressedSize, size: this.#size };
  }

  #historyBefore(bytes: Uint8Array, count: number): Bytes {
    if (count >= HISTORY_BYTES) return new Uint8Array(bytes.subarray(count - HISTORY_BYTES, count));
    const kept = Math.min(this.#historyBytes, HISTORY_BYTES - count);
    const history = new Uint8Array(kept + count);
    history.set(this.#history.subarray(this.#historyBytes - kept, this.#historyBytes));
    history.set(bytes.subarray(0, count), kept);
    return history;
  }

  #consider({ compressedOffset, bit, offset, isMember }: BlockStart): void {
    const last = this.#points.at(-1);
    const isDue = last === undefined || offset - last.offset >= this.#everyBytes;
    const isNeeded = isMember && last?.isMember === false;
    // One place is kept for the begin of the member behind the last checkpoint.
    const room = this.#maxCheckpoints - (isMember ? 0 : 1) - this.#points.length;
    if (!isDue && !isNeeded || room <= 0) return;
    const at = compressedOffset - this.#compressedSize;
    if (last !== undefined) {
      const isShared = bit > 0;
      this.#hasher.update(this.#chunk.subarray(this.#hashed, at + (isShared ? 1 : 0)));
      last.digest = formatDigest("sha256", this.#hasher.digest());
      this.#hasher = createHasher("sha256");
    }
    this.#hashed = at;
    const history = new Uint8Array(0);
    const point: Draft = { compressedOffset, bit, offset, isMember, history, digest: "" };
    this.#points.push(point);
    if (!isMember) this.#waiting.push(point);
  }
}
