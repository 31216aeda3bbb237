import { createHasher } from "../hash/create_hasher.ts";
import type { Hasher } from "../hash/hasher.ts";
import type { InflateBoundary } from "../kernel/mod.ts";
import { formatDigest } from "../model/digest.ts";
import type { Checkpoint, Checkpoints } from "./checkpoint.ts";

/** A checkpoint under way: its digest is known at its end. */
type Draft = { -readonly [Key in keyof Checkpoint]: Checkpoint[Key] };

/**
 * Sets checkpoints along a gzip stream: it is shown each compressed chunk, the boundaries that the
 * inflater comes to in it, and how much came out.
 *
 * An inflater that began in the middle of a member could not go over its end, where a checksum of
 * the whole member stands; so the begin of the next member is always a checkpoint.
 */
export class CheckpointRecorder {
  readonly #everyBytes: number;
  readonly #maxCheckpoints: number;
  readonly #points: Draft[] = [];
  #hasher: Hasher = createHasher("sha256");
  #chunk: Uint8Array = new Uint8Array(0);
  /** Bytes of the chunk that are hashed. */
  #hashed = 0;
  /** Compressed bytes before the chunk. */
  #compressedSize = 0;
  #size = 0;

  constructor(everyBytes: number, maxCheckpoints: number) {
    this.#everyBytes = everyBytes;
    this.#maxCheckpoints = maxCheckpoints;
  }

  /** Sees the next compressed bytes, which must stay as they are until `used`. */
  compressed(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#hashed = 0;
  }

  /** Sees what came out. */
  uncompressed(bytes: Uint8Array): void {
    this.#size += bytes.byteLength;
  }

  /** Sees that nothing more comes out of the chunk. */
  used(): void {
    this.#hasher.update(this.#chunk.subarray(this.#hashed));
    this.#compressedSize += this.#chunk.byteLength;
    this.compressed(new Uint8Array(0));
  }

  /** Sees a boundary in the chunk, or right behind it. */
  boundary({ compressedOffset, bit, offset, isMember, history }: InflateBoundary): void {
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
    const bytes = isMember ? new Uint8Array(0) : history();
    this.#points.push({ compressedOffset, bit, offset, isMember, history: bytes, digest: "" });
  }

  /** Gives the checkpoints once the stream has ended and was good. */
  finish(): Checkpoints {
    const last = this.#points.at(-1);
    if (last !== undefined) last.digest = formatDigest("sha256", this.#hasher.digest());
    return { points: this.#points, compressedSize: this.#compressedSize, size: this.#size };
  }
}
