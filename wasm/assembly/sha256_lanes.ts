// deno-fmt-ignore-file: the formatter drops the decorators of AssemblyScript
// SHA-256 (FIPS 180-4 §6.2) of four messages at once. Lane i of each vector belongs to message i, so
// that an instruction does the same to all four. Where vectors are as quick as numbers that takes
// the time of two or three messages.
//
// The rounds wait for one another, the schedule hardly does: that of the rounds after next is made
// between two turns of eight rounds, and a processor runs both at once. Within a round, what is known
// last is added last. The words are in memory: there are more of them than registers.
import { LANE_SCHEDULE, LANE_WORDS } from "./memory";
import { K } from "./sha256_rounds";

const BLOCK_BYTES: usize = 64;
const WORD_BYTES: usize = 4;
const VECTOR_BYTES: usize = 16;
/** Bytes of the constants of the 64 rounds, and of those whose words are not made of others. */
const ROUNDS_BYTES: usize = 64 * WORD_BYTES;
const GIVEN_BYTES: usize = 16 * WORD_BYTES;
const TURN_BYTES: usize = 8 * WORD_BYTES;

// @ts-ignore: decorator
@inline
function rotated(x: v128, bits: i32): v128 {
  return v128.xor(i32x4.shr_u(x, bits), i32x4.shl(x, 32 - bits));
}

// @ts-ignore: decorator
@inline
function bigSigma0(x: v128): v128 {
  return v128.xor(v128.xor(rotated(x, 2), rotated(x, 13)), rotated(x, 22));
}

// @ts-ignore: decorator
@inline
function bigSigma1(x: v128): v128 {
  return v128.xor(v128.xor(rotated(x, 6), rotated(x, 11)), rotated(x, 25));
}

// @ts-ignore: decorator
@inline
function smallSigma0(x: v128): v128 {
  return v128.xor(v128.xor(rotated(x, 7), rotated(x, 18)), i32x4.shr_u(x, 3));
}

// @ts-ignore: decorator
@inline
function smallSigma1(x: v128): v128 {
  return v128.xor(v128.xor(rotated(x, 17), rotated(x, 19)), i32x4.shr_u(x, 10));
}

/** The words of round `round` of a turn, each with its constant. */
// @ts-ignore: decorator
@inline
function scheduled(at: usize, round: usize): v128 {
  return i32x4.add(
    v128.load(LANE_SCHEDULE + (at << 2) + round * VECTOR_BYTES),
    v128.load_splat<u32>(K + at + round * WORD_BYTES),
  );
}

/** Four words of each message, big-endian, become four vectors. */
// @ts-ignore: decorator
@inline
function transpose(to: usize, v0: v128, v1: v128, v2: v128, v3: v128): void {
  const BIG_ENDIAN = i8x16(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
  const low01 = v128.shuffle<u32>(v0, v1, 0, 4, 1, 5);
  const low23 = v128.shuffle<u32>(v2, v3, 0, 4, 1, 5);
  const high01 = v128.shuffle<u32>(v0, v1, 2, 6, 3, 7);
  const high23 = v128.shuffle<u32>(v2, v3, 2, 6, 3, 7);
  v128.store(to, i8x16.swizzle(v128.shuffle<u64>(low01, low23, 0, 2), BIG_ENDIAN));
  v128.store(to, i8x16.swizzle(v128.shuffle<u64>(low01, low23, 1, 3), BIG_ENDIAN), 16);
  v128.store(to, i8x16.swizzle(v128.shuffle<u64>(high01, high23, 0, 2), BIG_ENDIAN), 32);
  v128.store(to, i8x16.swizzle(v128.shuffle<u64>(high01, high23, 1, 3), BIG_ENDIAN), 48);
}

/** Adds `value` to one of the vectors of chaining words. */
// @ts-ignore: decorator
@inline
function chain(word: usize, value: v128): void {
  const at = LANE_WORDS + word * VECTOR_BYTES;
  v128.store(at, i32x4.add(v128.load(at), value));
}

/**
 * Takes `blocks` blocks of each of four messages, which begin at the four addresses, into the
 * chaining words at LANE_WORDS: the first word of each message, then the second, and so on.
 */
export function sha256Lanes(
  data0: usize,
  data1: usize,
  data2: usize,
  data3: usize,
  blocks: u32,
): void {
  for (; blocks > 0; blocks--) {
    for (let at: usize = 0; at < BLOCK_BYTES; at += VECTOR_BYTES) {
      transpose(
        LANE_SCHEDULE + (at << 2),
        v128.load(data0 + at),
        v128.load(data1 + at),
        v128.load(data2 + at),
        v128.load(data3 + at),
      );
    }
    data0 += BLOCK_BYTES;
    data1 += BLOCK_BYTES;
    data2 += BLOCK_BYTES;
    data3 += BLOCK_BYTES;

    let a = v128.load(LANE_WORDS), b = v128.load(LANE_WORDS, 16);
    let c = v128.load(LANE_WORDS, 32), d = v128.load(LANE_WORDS, 48);
    let e = v128.load(LANE_WORDS, 64), f = v128.load(LANE_WORDS, 80);
    let g = v128.load(LANE_WORDS, 96), h = v128.load(LANE_WORDS, 112);
    // The majority of a, b, c is b ^ ((a ^ b) & (b ^ c)); a ^ b is the next round's b ^ c.
    let ab: v128, bc = v128.xor(b, c), t: v128, chosen: v128, sigma: v128;
    // The last two words that were made.
    let even = v128.load(LANE_SCHEDULE, 14 * VECTOR_BYTES);
    let odd = v128.load(LANE_SCHEDULE, 15 * VECTOR_BYTES);
    for (let at: usize = 0; at < ROUNDS_BYTES; at += TURN_BYTES) {
      if (at < ROUNDS_BYTES - GIVEN_BYTES) {
        const end = LANE_SCHEDULE + (at + TURN_BYTES << 2);
        for (let word = LANE_SCHEDULE + (at << 2); word < end; word += 2 * VECTOR_BYTES) {
          const next = v128.load(word, VECTOR_BYTES);
          even = i32x4.add(
            i32x4.add(
              i32x4.add(v128.load(word), smallSigma0(next)),
              v128.load(word, 9 * VECTOR_BYTES),
            ),
            smallSigma1(even),
          );
          v128.store(word, even, 16 * VECTOR_BYTES);
          odd = i32x4.add(
            i32x4.add(
              i32x4.add(next, smallSigma0(v128.load(word, 2 * VECTOR_BYTES))),
              v128.load(word, 10 * VECTOR_BYTES),
            ),
            smallSigma1(odd),
          );
          v128.store(word, odd, 17 * VECTOR_BYTES);
        }
      }
      t = i32x4.add(h, scheduled(at, 0));
      chosen = v128.bitselect(f, g, e);
      sigma = bigSigma1(e);
      d = i32x4.add(i32x4.add(i32x4.add(d, t), chosen), sigma);
      ab = v128.xor(a, b);
      t = i32x4.add(i32x4.add(t, chosen), sigma);
      h = i32x4.add(t, i32x4.add(v128.xor(b, v128.and(ab, bc)), bigSigma0(a)));
      bc = ab;
      t = i32x4.add(g, scheduled(at, 1));
      chosen = v128.bitselect(e, f, d);
      sigma = bigSigma1(d);
      c = i32x4.add(i32x4.add(i32x4.add(c, t), chosen), sigma);
      ab = v128.xor(h, a);
      t = i32x4.add(i32x4.add(t, chosen), sigma);
      g = i32x4.add(t, i32x4.add(v128.xor(a, v128.and(ab, bc)), bigSigma0(h)));
      bc = ab;
      t = i32x4.add(f, scheduled(at, 2));
      chosen = v128.bitselect(d, e, c);
      sigma = bigSigma1(c);
      b = i32x4.add(i32x4.add(i32x4.add(b, t), chosen), sigma);
      ab = v128.xor(g, h);
      t = i32x4.add(i32x4.add(t, chosen), sigma);
      f = i32x4.add(t, i32x4.add(v128.xor(h, v128.and(ab, bc)), bigSigma0(g)));
      bc = ab;
      t = i32x4.add(e, scheduled(at, 3));
      chosen = v128.bitselect(c, d, b);
      sigma = bigSigma1(b);
      a = i32x4.add(i32x4.add(i32x4.add(a, t), chosen), sigma);
      ab = v128.xor(f, g);
      t = i32x4.add(i32x4.add(t, chosen), sigma);
      e = i32x4.add(t, i32x4.add(v128.xor(g, v128.and(ab, bc)), bigSigma0(f)));
      bc = ab;
      t = i32x4.add(d, scheduled(at, 4));
      chosen = v128.bitselect(b, c, a);
      sigma = bigSigma1(a);
      h = i32x4.add(i32x4.add(i32x4.add(h, t), chosen), sigma);
      ab = v128.xor(e, f);
      t = i32x4.add(i32x4.add(t, chosen), sigma);
      d = i32x4.add(t, i32x4.add(v128.xor(f, v128.and(ab, bc)), bigSigma0(e)));
      bc = ab;
      t = i32x4.add(c, scheduled(at, 5));
      chosen = v128.bitselect(a, b, h);
      sigma = bigSigma1(h);
      g = i32x4.add(i32x4.add(i32x4.add(g, t), chosen), sigma);
      ab = v128.xor(d, e);
      t = i32x4.add(i32x4.add(t, chosen), sigma);
      c = i32x4.add(t, i32x4.add(v128.xor(e, v128.and(ab, bc)), bigSigma0(d)));
      bc = ab;
      t = i32x4.add(b, scheduled(at, 6));
      chosen = v128.bitselect(h, a, g);
      sigma = bigSigma1(g);
      f = i32x4.add(i32x4.add(i32x4.add(f, t), chosen), sigma);
      ab = v128.xor(c, d);
      t = i32x4.add(i32x4.add(t, chosen), sigma);
      b = i32x4.add(t, i32x4.add(v128.xor(d, v128.and(ab, bc)), bigSigma0(c)));
      bc = ab;
      t = i32x4.add(a, scheduled(at, 7));
      chosen = v128.bitselect(g, h, f);
      sigma = bigSigma1(f);
      e = i32x4.add(i32x4.add(i32x4.add(e, t), chosen), sigma);
      ab = v128.xor(b, c);
      t = i32x4.add(i32x4.add(t, chosen), sigma);
      a = i32x4.add(t, i32x4.add(v128.xor(c, v128.and(ab, bc)), bigSigma0(b)));
      bc = ab;
    }
    chain(0, a);
    chain(1, b);
    chain(2, c);
    chain(3, d);
    chain(4, e);
    chain(5, f);
    chain(6, g);
    chain(7, h);
  }
}
