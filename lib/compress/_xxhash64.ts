// XXH64 (Yann Collet's specification, doc/xxhash_spec.md) with seed 0, of which zstd stores the low
// 32 bits. Numbers of 64 bits are pairs of 32, because BigInt would be slower than the decoder.

const STRIPE_BYTES = 32;

// The five primes as [high, low].
const P1 = [0x9e3779b1, 0x85ebca87] as const;
const P2 = [0xc2b2ae3d, 0x27d4eb4f] as const;
const P3 = [0x165667b1, 0x9e3779f9] as const;
const P4 = [0x85ebca77, 0xc2b2ae63] as const;
const P5 = [0x27d4eb2f, 0x165667c5] as const;

/** The high half of the last 64-bit result; the low half is what the functions return. */
let high = 0;

/** Multiplies modulo 2^64. */
function multiply(aHigh: number, aLow: number, bHigh: number, bLow: number): number {
  const a0 = aLow & 0xffff;
  const a1 = aLow >>> 16;
  const b0 = bLow & 0xffff;
  const b1 = bLow >>> 16;
  const low = Math.imul(a0, b0) >>> 0;
  const middle = Math.imul(a1, b0) + (low >>> 16) >>> 0;
  const carried = Math.imul(a0, b1) + (middle & 0xffff) >>> 0;
  high = Math.imul(a1, b1) + (middle >>> 16) + (carried >>> 16) + Math.imul(aHigh, bLow) +
      Math.imul(aLow, bHigh) | 0;
  return carried << 16 | low & 0xffff;
}

function add(aHigh: number, aLow: number, bHigh: number, bLow: number): number {
  const low = (aLow >>> 0) + (bLow >>> 0);
  high = aHigh + bHigh + (low > 0xffffffff ? 1 : 0) | 0;
  return low | 0;
}

/** Rotates left by 1 to 31 bits. */
function rotate(aHigh: number, aLow: number, bits: number): number {
  high = aHigh << bits | aLow >>> (32 - bits);
  return aLow << bits | aHigh >>> (32 - bits);
}

/** The round of the specification: (accumulator + input * P2) rotated by 31, times P1. */
function round(accHigh: number, accLow: number, inHigh: number, inLow: number): number {
  let low = multiply(inHigh, inLow, P2[0], P2[1]);
  low = add(high, low, accHigh, accLow);
  low = rotate(high, low, 31);
  return multiply(high, low, P1[0], P1[1]);
}

export class XXHash64 {
  /** The four accumulators: high, low, high, low … */
  readonly #lanes = Int32Array.of(
    P1[0] + P2[0] + 1,
    P1[1] + P2[1],
    P2[0],
    P2[1],
    0,
    0,
    -P1[0] - 1,
    -P1[1],
  );
  readonly #block = new Uint8Array(STRIPE_BYTES);
  #held = 0;
  #length = 0;

  constructor() {
    // P1 + P2 carries exactly when the low halves overflow.
    this.#lanes[1] = add(P1[0], P1[1], P2[0], P2[1]);
    this.#lanes[0] = high;
  }

  update(bytes: Uint8Array): void {
    this.#length += bytes.length;
    let at = 0;
    if (this.#held > 0) {
      at = Math.min(STRIPE_BYTES - this.#held, bytes.length);
      this.#block.set(bytes.subarray(0, at), this.#held);
      this.#held += at;
      if (this.#held < STRIPE_BYTES) return;
      this.#stripes(this.#block, 0, STRIPE_BYTES);
      this.#held = 0;
    }
    const end = bytes.length - (bytes.length - at) % STRIPE_BYTES;
    this.#stripes(bytes, at, end);
    this.#block.set(bytes.subarray(end));
    this.#held = bytes.length - end;
  }

  #stripes(bytes: Uint8Array, start: number, end: number): void {
    const lanes = this.#lanes;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = start; at < end;) {
      for (let lane = 0; lane < 8; lane += 2, at += 8) {
        const inLow = view.getInt32(at, true);
        const inHigh = view.getInt32(at + 4, true);
        lanes[lane + 1] = round(lanes[lane] as number, lanes[lane + 1] as number, inHigh, inLow);
        lanes[lane] = high;
      }
    }
  }

  /** Ends the computation and gives the low 32 bits, unsigned. */
  digestLow(): number {
    let low = this.#length < STRIPE_BYTES ? this.#short() : this.#converge();
    let top = high;
    low = add(top, low, Math.floor(this.#length / 2 ** 32), this.#length | 0);
    top = high;
    const rest = this.#block;
    const view = new DataView(rest.buffer);
    let at = 0;
    for (; at + 8 <= this.#held; at += 8) {
      const lane = round(0, 0, view.getInt32(at + 4, true), view.getInt32(at, true));
      low = rotate(top ^ high, low ^ lane, 27);
      low = multiply(high, low, P1[0], P1[1]);
      low = add(high, low, P4[0], P4[1]);
      top = high;
    }
    if (at + 4 <= this.#held) {
      const lane = multiply(0, view.getInt32(at, true), P1[0], P1[1]);
      low = rotate(top ^ high, low ^ lane, 23);
      low = multiply(high, low, P2[0], P2[1]);
      low = add(high, low, P3[0], P3[1]);
      top = high;
      at += 4;
    }
    for (; at < this.#held; at++) {
      const lane = multiply(0, rest[at] as number, P5[0], P5[1]);
      low = rotate(top ^ high, low ^ lane, 11);
      low = multiply(high, low, P1[0], P1[1]);
      top = high;
    }
    return avalanche(top, low);
  }

  #short(): number {
    high = P5[0];
    return P5[1];
  }

  #converge(): number {
    const lanes = this.#lanes;
    let low = 0;
    let top = 0;
    const turns = [1, 7, 12, 18];
    for (let lane = 0; lane < 4; lane++) {
      const turned = rotate(
        lanes[2 * lane] as number,
        lanes[2 * lane + 1] as number,
        turns[lane] as number,
      );
      low = add(top, low, high, turned);
      top = high;
    }
    for (let lane = 0; lane < 4; lane++) {
      const merged = round(0, 0, lanes[2 * lane] as number, lanes[2 * lane + 1] as number);
      low = multiply(top ^ high, low ^ merged, P1[0], P1[1]);
      low = add(high, low, P4[0], P4[1]);
      top = high;
    }
    high = top;
    return low;
  }
}

function avalanche(top: number, low: number): number {
  low = multiply(top, low ^ top >>> 1, P2[0], P2[1]);
  // x ^ x >>> 29
  top = high ^ high >>> 29;
  low = low ^ (low >>> 29 | high << 3);
  low = multiply(top, low, P3[0], P3[1]);
  return (low ^ high) >>> 0;
}
