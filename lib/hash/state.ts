import type { Bytes } from "../model/bytes.ts";
import type { HashAlgorithm } from "./hasher.ts";
import { STATE_BUILD } from "./_state_build.ts";

/**
 * Where a hash computation is between two chunks.
 *
 * Stored as
 * ```
 * 0       4         5      6            14        14 + words        … + pending
 * | build | algorithm | 0  | byte count | chaining words | bytes of the open block |
 * ```
 * in network byte order, algorithm 1 = SHA-256, 2 = SHA-512. The build is the hash of the code that
 * reads and writes states (this file): every runtime and kernel takes the states of every other, and
 * none those of a release that writes them otherwise.
 */
export interface HashState {
  /** The algorithm. */
  readonly algorithm: HashAlgorithm;
  /** The bytes taken in so far. */
  readonly byteCount: number;
  /** The chaining value: 8 words of 32 bits, or 16 halves of the 8 words of 64 bits, high first. */
  readonly words: Int32Array<ArrayBuffer>;
  /** The bytes since the last full block. */
  readonly pending: Bytes;
}

const HEADER_BYTES = 14;
const CODES = { sha256: 1, sha512: 2 } as const;
const WORD_COUNTS = { sha256: 8, sha512: 16 } as const;
const BLOCK_BYTES = { sha256: 64, sha512: 128 } as const;

/**
 * Writes a state down.
 *
 * @param state The state of a computation.
 * @returns At most 205 bytes, for {@linkcode decodeHashState}.
 */
export function encodeHashState(state: HashState): Bytes {
  const bytes = new Uint8Array(HEADER_BYTES + 4 * state.words.length + state.pending.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, STATE_BUILD);
  view.setUint8(4, CODES[state.algorithm]);
  view.setBigUint64(6, BigInt(state.byteCount));
  state.words.forEach((word, index) => view.setInt32(HEADER_BYTES + 4 * index, word));
  bytes.set(state.pending, HEADER_BYTES + 4 * state.words.length);
  return bytes;
}

/**
 * Reads a state.
 *
 * @param bytes What {@linkcode encodeHashState} wrote.
 * @returns The state.
 * @throws {TypeError} when the bytes are no state, or one of another build.
 */
export function decodeHashState(bytes: Uint8Array): HashState {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEADER_BYTES || view.getUint32(0) !== STATE_BUILD || view.getUint8(5) !== 0) {
    throw new TypeError("Cannot resume a hash: the bytes are no state of this build");
  }
  const code = view.getUint8(4);
  const algorithm = code === CODES.sha256 ? "sha256" : code === CODES.sha512 ? "sha512" : undefined;
  if (algorithm === undefined) throw new TypeError("Cannot resume a hash: unknown algorithm");
  const byteCount = Number(view.getBigUint64(6));
  const wordCount = WORD_COUNTS[algorithm];
  const pendingAt = HEADER_BYTES + 4 * wordCount;
  if (
    !Number.isSafeInteger(byteCount) ||
    bytes.length !== pendingAt + byteCount % BLOCK_BYTES[algorithm]
  ) {
    throw new TypeError("Cannot resume a hash: the state does not agree with its own length");
  }
  const words = new Int32Array(wordCount);
  for (let i = 0; i < wordCount; i++) words[i] = view.getInt32(HEADER_BYTES + 4 * i);
  return { algorithm, byteCount, words, pending: new Uint8Array(bytes.subarray(pendingAt)) };
}
