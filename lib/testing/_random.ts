import { digestBytes } from "../hash/digest_bytes.ts";
import type { Bytes } from "../model/bytes.ts";

const LETTERS = "abcdefghijklmnopqrstuvwxyz";

/**
 * Random numbers that depend on a seed alone, the same on every runtime: xoshiro128** over 32-bit
 * integers, started with the SHA-256 of the seed. For tests, never for secrets.
 */
export class Random {
  readonly #state: Uint32Array;

  constructor(seed: string) {
    const hex = digestBytes("sha256", new TextEncoder().encode(seed)).slice("sha256:".length);
    this.#state = Uint32Array.from([0, 8, 16, 24], (at) => parseInt(hex.slice(at, at + 8), 16));
  }

  /** Gives an integer from 0 to `limit - 1`. */
  below(limit: number): number {
    return this.#next() % limit;
  }

  /** Gives a word of small letters. */
  word(): string {
    const length = 3 + this.below(8);
    return Array.from({ length }, () => LETTERS.charAt(this.below(LETTERS.length))).join("");
  }

  /** Gives bytes: half of the time noise, half of the time text, which compresses. */
  bytes(length: number): Bytes {
    const isNoise = this.below(2) === 0;
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) {
      const value = this.#next();
      bytes[i] = isNoise ? value >>> 24 : LETTERS.charCodeAt(value % 8);
    }
    return bytes;
  }

  #next(): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.#state;
    const result = Math.imul(rotated(Math.imul(b, 5), 7), 9) >>> 0;
    const e = c ^ a;
    const f = d ^ b;
    this.#state.set([a ^ f, b ^ e, e ^ (b << 9), rotated(f, 11)]);
    return result;
  }
}

function rotated(value: number, by: number): number {
  return (value << by | value >>> (32 - by)) >>> 0;
}
