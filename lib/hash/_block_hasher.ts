import type { Bytes } from "../model/bytes.ts";
import { afterDigest } from "./after_digest.ts";
import type { HashAlgorithm, ResumableHasher } from "./hasher.ts";
import { decodeHashState, encodeHashState } from "./state.ts";

/** What SHA-256 and SHA-512 do not share (FIPS 180-4 §5.1, §6). */
export interface BlockFunction {
  readonly algorithm: HashAlgorithm;
  /** The bytes of one block. */
  readonly blockBytes: number;
  /** The bytes at the end of the last block that hold the length of the message. */
  readonly lengthBytes: number;
  /** Gives the initial chaining value, in words of 32 bits. */
  readonly initial: () => Int32Array<ArrayBuffer>;
  /** Takes in as many whole blocks as there are between `start` and `end`. */
  compress(words: Int32Array, bytes: Uint8Array, start: number, end: number): void;
}

/** Cuts a message into blocks, pads its end and keeps the count (FIPS 180-4 §5). */
export class BlockHasher implements ResumableHasher {
  readonly algorithm: HashAlgorithm;
  readonly #function: BlockFunction;
  readonly #words: Int32Array<ArrayBuffer>;
  readonly #block: Bytes;
  #held = 0;
  // A double counts bytes exactly up to 2^53; the bit count is made from it at the end.
  #byteCount = 0;
  #isDone = false;

  constructor(blockFunction: BlockFunction, state?: Uint8Array) {
    this.algorithm = blockFunction.algorithm;
    this.#function = blockFunction;
    this.#block = new Uint8Array(blockFunction.blockBytes);
    if (state === undefined) {
      this.#words = blockFunction.initial().slice();
      return;
    }
    const { algorithm, words, pending, byteCount } = decodeHashState(state);
    if (algorithm !== blockFunction.algorithm) {
      throw new TypeError(`Cannot resume ${blockFunction.algorithm}: the state is of ${algorithm}`);
    }
    this.#words = words;
    this.#block.set(pending);
    this.#held = pending.length;
    this.#byteCount = byteCount;
  }

  update(chunk: Uint8Array): void {
    this.#assertOpen();
    const { blockBytes } = this.#function;
    this.#byteCount += chunk.length;
    let at = 0;
    if (this.#held > 0) {
      at = Math.min(blockBytes - this.#held, chunk.length);
      this.#block.set(chunk.subarray(0, at), this.#held);
      this.#held += at;
      if (this.#held < blockBytes) return;
      this.#function.compress(this.#words, this.#block, 0, blockBytes);
    }
    const end = chunk.length - (chunk.length - at) % blockBytes;
    if (end > at) this.#function.compress(this.#words, chunk, at, end);
    this.#block.set(chunk.subarray(end));
    this.#held = chunk.length - end;
  }

  digest(): Bytes {
    this.#assertOpen();
    this.#isDone = true;
    const { blockBytes, lengthBytes, compress } = this.#function;
    const block = this.#block;
    block.fill(0, this.#held);
    block[this.#held] = 0x80;
    if (this.#held >= blockBytes - lengthBytes) {
      compress(this.#words, block, 0, blockBytes);
      block.fill(0);
    }
    const view = new DataView(block.buffer);
    view.setUint32(blockBytes - 8, Math.floor(this.#byteCount / 0x20000000));
    view.setUint32(blockBytes - 4, this.#byteCount * 8 >>> 0);
    compress(this.#words, block, 0, blockBytes);
    const hash = new Uint8Array(4 * this.#words.length);
    const out = new DataView(hash.buffer);
    this.#words.forEach((word, index) => out.setInt32(4 * index, word));
    return hash;
  }

  exportState(): Bytes {
    this.#assertOpen();
    return encodeHashState({
      algorithm: this.algorithm,
      byteCount: this.#byteCount,
      words: this.#words,
      pending: this.#block.subarray(0, this.#held),
    });
  }

  #assertOpen(): void {
    if (this.#isDone) afterDigest(this.algorithm);
  }
}
