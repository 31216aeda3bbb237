// Contents that take an encoder of zstd through all that it can write.
import type { Bytes } from "../../lib/model/bytes.ts";

/** Numbers below 2^32 that a seed gives: xorshift. */
export function seeded(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

export function noise(length: number, seed: number): Bytes {
  const next = seeded(seed);
  return Uint8Array.from({ length }, () => next() >>> 11);
}

/** Words of a small language, the first ones more often. */
export function words(length: number, seed: number): Bytes {
  const next = seeded(seed);
  const language = Array.from(
    { length: 300 },
    () => Array.from({ length: 2 + next() % 9 }, () => 97 + next() % 26),
  );
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    for (const letter of [...language[next() % 300 * (next() % 300) / 300 | 0] ?? [], 32]) {
      bytes[at++] = letter;
    }
  }
  return bytes;
}

/** Few symbols, and pieces of what came before: at any distance, of any length. */
export function pieces(length: number, seed: number): Bytes {
  const next = seeded(seed);
  const symbols = 1 + next() % 256;
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    if (at < 10 || next() % 3 > 0) {
      bytes[at++] = next() % symbols;
      continue;
    }
    const distance = 1 + next() % Math.min(at, 1 << next() % 21);
    for (let left = next() % (1 << next() % 16); left > 0 && at < length; left--, at++) {
      bytes[at] = bytes[at - distance] ?? 0;
    }
  }
  return bytes;
}

/** Bytes of which some are much rarer than others, and nothing repeats. */
export function skewed(length: number, seed: number): Bytes {
  const next = seeded(seed);
  return Uint8Array.from({ length }, () => next() & next() >>> 8 & next() >>> 16 & 255);
}

/** Changes, moves, repeats or takes out parts of a content. */
export function mutated(content: Bytes, next: () => number): Bytes {
  let bytes = content.slice();
  for (let changes = 1 + next() % 5; changes > 0; changes--) {
    const at = next() % (bytes.length + 1);
    const length = next() % (bytes.length - at + 1);
    const other = next() % (bytes.length - length + 1);
    switch (next() % 5) {
      case 0:
        bytes.fill(next(), at, at + length);
        break;
      case 1:
        bytes.copyWithin(other, at, at + length);
        break;
      case 2:
        bytes = bytes.slice(0, bytes.length - (length >> 2));
        break;
      case 3:
        bytes.set(noise(length, next()), at);
        break;
      default:
        for (let flips = next() % 50; flips > 0 && bytes.length > 0; flips--) {
          bytes[next() % bytes.length] = next();
        }
    }
  }
  return bytes;
}
