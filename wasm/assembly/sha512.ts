// deno-fmt-ignore-file: the formatter drops the decorators of AssemblyScript
// SHA-512 (FIPS 180-4 §6.4), eight rounds to a turn of the loop so that the working variables come
// round and none has to be moved. As for SHA-256, the message schedule is computed with SIMD, two
// words at a time, between the rounds. Two rotations of three share one here: that saves a copy, and
// makes rounds of 64 bits no slower.
import { BLOCK, COUNT, WORDS } from "./hash_state";
import { HASH_SCHEDULE } from "./memory";

const BLOCK_BYTES: u32 = 128;
/** Where the length of the message stands in the last block: 16 bytes (FIPS 180-4 §5.1.2). */
const LENGTH_AT: u32 = 112;
/** Bytes of the constants, or of the schedule, of all rounds and of one turn. */
const ROUNDS_BYTES: usize = 640;
const TURN_BYTES: usize = 64;

// FIPS 180-4 §4.2.3: the fractions of the cube roots of the first 80 primes.
// deno-fmt-ignore
const K: usize = memory.data<u64>([
  0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc,
  0x3956c25bf348b538, 0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118,
  0xd807aa98a3030242, 0x12835b0145706fbe, 0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2,
  0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235, 0xc19bf174cf692694,
  0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
  0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5,
  0x983e5152ee66dfab, 0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4,
  0xc6e00bf33da88fc2, 0xd5a79147930aa725, 0x06ca6351e003826f, 0x142929670a0e6e70,
  0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed, 0x53380d139d95b3df,
  0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
  0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30,
  0xd192e819d6ef5218, 0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8,
  0x19a4c116b8d2d0c8, 0x1e376c085141ab53, 0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8,
  0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373, 0x682e6ff3d6b2b8a3,
  0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
  0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b,
  0xca273eceea26619c, 0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178,
  0x06f067aa72176fba, 0x0a637dc5a2c898a6, 0x113f9804bef90dae, 0x1b710b35131c471b,
  0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc, 0x431d67c49c100d4c,
  0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817,
]);

// rotr(x, 28) ^ rotr(x, 34) ^ rotr(x, 39)
// @ts-ignore: decorator
@inline
function bigSigma0(x: u64): u64 {
  return rotr<u64>(rotr<u64>(x, 6) ^ x, 28) ^ rotr<u64>(x, 39);
}

// rotr(x, 14) ^ rotr(x, 18) ^ rotr(x, 41)
// @ts-ignore: decorator
@inline
function bigSigma1(x: u64): u64 {
  return rotr<u64>(rotr<u64>(x, 4) ^ x, 14) ^ rotr<u64>(x, 41);
}

// @ts-ignore: decorator
@inline
function rotated(x: v128, bits: i32): v128 {
  return v128.xor(i64x2.shr_u(x, bits), i64x2.shl(x, 64 - bits));
}

// @ts-ignore: decorator
@inline
function smallSigma0(x: v128): v128 {
  return v128.xor(v128.xor(rotated(x, 1), rotated(x, 8)), i64x2.shr_u(x, 7));
}

// @ts-ignore: decorator
@inline
function smallSigma1(x: v128): v128 {
  return v128.xor(v128.xor(rotated(x, 19), rotated(x, 61)), i64x2.shr_u(x, 6));
}

// @ts-ignore: decorator
@inline
function choose(x: u64, y: u64, z: u64): u64 {
  return z ^ (x & (y ^ z));
}

/** The word of a round of the turn, with its constant. */
// @ts-ignore: decorator
@inline
function word(turn: usize, round: usize): u64 {
  return load<u64>(HASH_SCHEDULE + turn + (round << 3));
}

/** Puts two words of the schedule where rounds find them, with their constants; gives the words. */
// @ts-ignore: decorator
@inline
function kept(turn: usize, pair: usize, words: v128): v128 {
  const at = turn + (pair << 4);
  v128.store(HASH_SCHEDULE + at, i64x2.add(words, v128.load(K + at)));
  return words;
}

/** The two words that are sixteen rounds after those of `w0`; `w1` to `w7` are the pairs between. */
// @ts-ignore: decorator
@inline
function following(w0: v128, w1: v128, w4: v128, w5: v128, w7: v128): v128 {
  const sum = i64x2.add(w0, smallSigma0(v128.shuffle<u64>(w0, w1, 1, 2)));
  return i64x2.add(i64x2.add(sum, v128.shuffle<u64>(w4, w5, 1, 2)), smallSigma1(w7));
}

/**
 * Takes in whole blocks. `ab` and `bc` are a ^ b and b ^ c, which take turns: the majority of a, b, c
 * is b ^ (ab & bc). The last two turns compute words that no round uses, of constants that are none.
 */
function sha512Blocks(words: usize, data: usize, blocks: u32): void {
  const BIG_ENDIAN = i8x16(7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8);
  let w0: v128, w1: v128, w2: v128, w3: v128, w4: v128, w5: v128, w6: v128, w7: v128, t: v128;
  for (; blocks > 0; blocks--, data += BLOCK_BYTES) {
    w0 = kept(0, 0, i8x16.swizzle(v128.load(data, 0), BIG_ENDIAN));
    w1 = kept(0, 1, i8x16.swizzle(v128.load(data, 16), BIG_ENDIAN));
    w2 = kept(0, 2, i8x16.swizzle(v128.load(data, 32), BIG_ENDIAN));
    w3 = kept(0, 3, i8x16.swizzle(v128.load(data, 48), BIG_ENDIAN));
    w4 = kept(0, 4, i8x16.swizzle(v128.load(data, 64), BIG_ENDIAN));
    w5 = kept(0, 5, i8x16.swizzle(v128.load(data, 80), BIG_ENDIAN));
    w6 = kept(0, 6, i8x16.swizzle(v128.load(data, 96), BIG_ENDIAN));
    w7 = kept(0, 7, i8x16.swizzle(v128.load(data, 112), BIG_ENDIAN));
    let a = load<u64>(words), b = load<u64>(words, 8);
    let c = load<u64>(words, 16), d = load<u64>(words, 24);
    let e = load<u64>(words, 32), f = load<u64>(words, 40);
    let g = load<u64>(words, 48), h = load<u64>(words, 56);
    let ab: u64, bc = b ^ c;
    for (let at: usize = 0; at < ROUNDS_BYTES; at += TURN_BYTES) {
      w0 = kept(at, 8, following(w0, w1, w4, w5, w7));
      h += word(at, 0) + choose(e, f, g) + bigSigma1(e);
      d += h;
      ab = a ^ b;
      h += (b ^ (ab & bc)) + bigSigma0(a);
      g += word(at, 1) + choose(d, e, f) + bigSigma1(d);
      c += g;
      bc = h ^ a;
      g += (a ^ (ab & bc)) + bigSigma0(h);
      w1 = kept(at, 9, following(w1, w2, w5, w6, w0));
      f += word(at, 2) + choose(c, d, e) + bigSigma1(c);
      b += f;
      ab = g ^ h;
      f += (h ^ (ab & bc)) + bigSigma0(g);
      e += word(at, 3) + choose(b, c, d) + bigSigma1(b);
      a += e;
      bc = f ^ g;
      e += (g ^ (ab & bc)) + bigSigma0(f);
      w2 = kept(at, 10, following(w2, w3, w6, w7, w1));
      d += word(at, 4) + choose(a, b, c) + bigSigma1(a);
      h += d;
      ab = e ^ f;
      d += (f ^ (ab & bc)) + bigSigma0(e);
      c += word(at, 5) + choose(h, a, b) + bigSigma1(h);
      g += c;
      bc = d ^ e;
      c += (e ^ (ab & bc)) + bigSigma0(d);
      w3 = kept(at, 11, following(w3, w4, w7, w0, w2));
      b += word(at, 6) + choose(g, h, a) + bigSigma1(g);
      f += b;
      ab = c ^ d;
      b += (d ^ (ab & bc)) + bigSigma0(c);
      a += word(at, 7) + choose(f, g, h) + bigSigma1(f);
      e += a;
      bc = b ^ c;
      a += (c ^ (ab & bc)) + bigSigma0(b);
      t = w0; w0 = w4; w4 = t;
      t = w1; w1 = w5; w5 = t;
      t = w2; w2 = w6; w6 = t;
      t = w3; w3 = w7; w7 = t;
    }
    store<u64>(words, load<u64>(words) + a);
    store<u64>(words, load<u64>(words, 8) + b, 8);
    store<u64>(words, load<u64>(words, 16) + c, 16);
    store<u64>(words, load<u64>(words, 24) + d, 24);
    store<u64>(words, load<u64>(words, 32) + e, 32);
    store<u64>(words, load<u64>(words, 40) + f, 40);
    store<u64>(words, load<u64>(words, 48) + g, 48);
    store<u64>(words, load<u64>(words, 56) + h, 56);
  }
}

// FIPS 180-4 §5.3.5: the fractions of the square roots of the first 8 primes.
// deno-fmt-ignore
const INITIAL: usize = memory.data<u64>([
  0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
  0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
]);

/** Begins a message. */
export function sha512Start(state: usize): void {
  store<u64>(state, 0, COUNT);
  memory.copy(state + WORDS, INITIAL, 8 * 8);
}

/** Takes in `bytes` bytes at `data`. */
export function sha512Update(state: usize, data: usize, bytes: u32): void {
  const held = <u32>load<u64>(state, COUNT) & (BLOCK_BYTES - 1);
  store<u64>(state, load<u64>(state, COUNT) + bytes, COUNT);
  if (held > 0) {
    const wanted = BLOCK_BYTES - held;
    if (bytes < wanted) {
      memory.copy(state + BLOCK + held, data, bytes);
      return;
    }
    memory.copy(state + BLOCK + held, data, wanted);
    sha512Blocks(state + WORDS, state + BLOCK, 1);
    data += wanted;
    bytes -= wanted;
  }
  sha512Blocks(state + WORDS, data, bytes / BLOCK_BYTES);
  const rest = bytes & (BLOCK_BYTES - 1);
  memory.copy(state + BLOCK, data + (bytes - rest), rest);
}

/** Ends the message; the digest takes the place of the chaining words. */
export function sha512Finish(state: usize): void {
  const count = load<u64>(state, COUNT);
  const held = <u32>count & (BLOCK_BYTES - 1);
  const block = state + BLOCK;
  store<u8>(block + held, 0x80);
  memory.fill(block + held + 1, 0, BLOCK_BYTES - held - 1);
  if (held >= LENGTH_AT) {
    sha512Blocks(state + WORDS, block, 1);
    memory.fill(block, 0, LENGTH_AT);
  }
  // The count is below 2^64 bytes, so of the 16 bytes of the bit count at most 67 bits are used.
  store<u64>(block, bswap<u64>(count >> 61), LENGTH_AT);
  store<u64>(block, bswap<u64>(count << 3), LENGTH_AT + 8);
  sha512Blocks(state + WORDS, block, 1);
  for (let word: usize = 0; word < 64; word += 8) {
    store<u64>(state + word, bswap<u64>(load<u64>(state + word, WORDS)), WORDS);
  }
}
