import type { ResumableHasher } from "./hasher.ts";
import { type BlockFunction, BlockHasher } from "./_block_hasher.ts";
import { sha256Constants } from "./_constants.ts";

/** The message schedule of one block; `compress` never yields, so that all hashers share it. */
const W = new Int32Array(64);

function bigSigma0(x: number): number {
  return (x >>> 2 | x << 30) ^ (x >>> 13 | x << 19) ^ (x >>> 22 | x << 10);
}

function bigSigma1(x: number): number {
  return (x >>> 6 | x << 26) ^ (x >>> 11 | x << 21) ^ (x >>> 25 | x << 7);
}

/** Fills the schedule (FIPS 180-4 §6.2.2 step 1). */
function schedule(bytes: Uint8Array, start: number): void {
  for (let i = 0, at = start; i < 16; i++, at += 4) {
    W[i] = (bytes[at] ?? 0) << 24 | (bytes[at + 1] ?? 0) << 16 | (bytes[at + 2] ?? 0) << 8 |
      (bytes[at + 3] ?? 0);
  }
  for (let i = 16; i < 64; i++) {
    const x = W[i - 15] ?? 0;
    const y = W[i - 2] ?? 0;
    const sigma0 = (x >>> 7 | x << 25) ^ (x >>> 18 | x << 14) ^ x >>> 3;
    const sigma1 = (y >>> 17 | y << 15) ^ (y >>> 19 | y << 13) ^ y >>> 10;
    W[i] = sigma1 + (W[i - 7] ?? 0) + sigma0 + (W[i - 16] ?? 0);
  }
}

function compress(words: Int32Array, bytes: Uint8Array, start: number, end: number): void {
  const k = sha256Constants().rounds;
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = words;
  for (let at = start; at < end; at += 64) {
    schedule(bytes, at);
    // Eight rounds at a time: the eight names come round, so that no value has to be moved.
    for (let i = 0; i < 64; i += 8) {
      h += bigSigma1(e) + (g ^ e & (f ^ g)) + (k[i] ?? 0) + (W[i] ?? 0);
      d = d + h | 0;
      h = h + bigSigma0(a) + (a & b | c & (a | b)) | 0;
      g += bigSigma1(d) + (f ^ d & (e ^ f)) + (k[i + 1] ?? 0) + (W[i + 1] ?? 0);
      c = c + g | 0;
      g = g + bigSigma0(h) + (h & a | b & (h | a)) | 0;
      f += bigSigma1(c) + (e ^ c & (d ^ e)) + (k[i + 2] ?? 0) + (W[i + 2] ?? 0);
      b = b + f | 0;
      f = f + bigSigma0(g) + (g & h | a & (g | h)) | 0;
      e += bigSigma1(b) + (d ^ b & (c ^ d)) + (k[i + 3] ?? 0) + (W[i + 3] ?? 0);
      a = a + e | 0;
      e = e + bigSigma0(f) + (f & g | h & (f | g)) | 0;
      d += bigSigma1(a) + (c ^ a & (b ^ c)) + (k[i + 4] ?? 0) + (W[i + 4] ?? 0);
      h = h + d | 0;
      d = d + bigSigma0(e) + (e & f | g & (e | f)) | 0;
      c += bigSigma1(h) + (b ^ h & (a ^ b)) + (k[i + 5] ?? 0) + (W[i + 5] ?? 0);
      g = g + c | 0;
      c = c + bigSigma0(d) + (d & e | f & (d | e)) | 0;
      b += bigSigma1(g) + (a ^ g & (h ^ a)) + (k[i + 6] ?? 0) + (W[i + 6] ?? 0);
      f = f + b | 0;
      b = b + bigSigma0(c) + (c & d | e & (c | d)) | 0;
      a += bigSigma1(f) + (h ^ f & (g ^ h)) + (k[i + 7] ?? 0) + (W[i + 7] ?? 0);
      e = e + a | 0;
      a = a + bigSigma0(b) + (b & c | d & (b | c)) | 0;
    }
    words[0] = a = a + (words[0] ?? 0) | 0;
    words[1] = b = b + (words[1] ?? 0) | 0;
    words[2] = c = c + (words[2] ?? 0) | 0;
    words[3] = d = d + (words[3] ?? 0) | 0;
    words[4] = e = e + (words[4] ?? 0) | 0;
    words[5] = f = f + (words[5] ?? 0) | 0;
    words[6] = g = g + (words[6] ?? 0) | 0;
    words[7] = h = h + (words[7] ?? 0) | 0;
  }
}

const SHA256: BlockFunction = {
  algorithm: "sha256",
  blockBytes: 64,
  lengthBytes: 8,
  initial: () => sha256Constants().initial,
  compress,
};

/**
 * Makes a SHA-256 hasher in plain TypeScript (FIPS 180-4 §6.2), the same on every runtime.
 * {@linkcode createHasher} takes the host's own where there is one, which is faster.
 *
 * @param state Where to continue: what {@linkcode ResumableHasher.exportState} gave.
 * @returns The hasher.
 * @throws {TypeError} when the state is none of SHA-256 and this build.
 */
export function sha256Hasher(state?: Uint8Array): ResumableHasher {
  return new BlockHasher(SHA256, state);
}
