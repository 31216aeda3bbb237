// deno-fmt-ignore-file: the formatter drops the decorators of AssemblyScript
// SHA-512 (FIPS 180-4 §6.4), eight rounds to a turn of the loop so that the working variables come
// round and none has to be moved.
import { BLOCK, COUNT, WORDS } from "./hash_state";
import { HASH_SCHEDULE } from "./memory";

const BLOCK_BYTES: u32 = 128;
/** Where the length of the message stands in the last block: 16 bytes (FIPS 180-4 §5.1.2). */
const LENGTH_AT: u32 = 112;
const SCHEDULE_BYTES: usize = 640;

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

// @ts-ignore: decorator
@inline
function bigSigma0(x: u64): u64 {
  return rotr<u64>(x, 28) ^ rotr<u64>(x, 34) ^ rotr<u64>(x, 39);
}

// @ts-ignore: decorator
@inline
function bigSigma1(x: u64): u64 {
  return rotr<u64>(x, 14) ^ rotr<u64>(x, 18) ^ rotr<u64>(x, 41);
}

// @ts-ignore: decorator
@inline
function smallSigma0(x: u64): u64 {
  return rotr<u64>(x, 1) ^ rotr<u64>(x, 8) ^ (x >> 7);
}

// @ts-ignore: decorator
@inline
function smallSigma1(x: u64): u64 {
  return rotr<u64>(x, 19) ^ rotr<u64>(x, 61) ^ (x >> 6);
}

// @ts-ignore: decorator
@inline
function choose(x: u64, y: u64, z: u64): u64 {
  return z ^ (x & (y ^ z));
}

// @ts-ignore: decorator
@inline
function majority(x: u64, y: u64, z: u64): u64 {
  return (x & y) | (z & (x | y));
}

/** The word of the schedule, plus its constant, `round` rounds after offset `at`. */
// @ts-ignore: decorator
@inline
function scheduled(at: usize, round: usize): u64 {
  return load<u64>(HASH_SCHEDULE + at + (round << 3)) + load<u64>(K + at + (round << 3));
}

function schedule(data: usize): void {
  for (let at: usize = 0; at < 128; at += 8) {
    store<u64>(HASH_SCHEDULE + at, bswap<u64>(load<u64>(data + at)));
  }
  for (let at: usize = HASH_SCHEDULE; at < HASH_SCHEDULE + SCHEDULE_BYTES - 128; at += 8) {
    const word = load<u64>(at) + smallSigma0(load<u64>(at, 8)) + load<u64>(at, 72) +
      smallSigma1(load<u64>(at, 112));
    store<u64>(at, word, 128);
  }
}

function sha512Blocks(words: usize, data: usize, blocks: u32): void {
  for (; blocks > 0; blocks--, data += BLOCK_BYTES) {
    schedule(data);
    let a = load<u64>(words), b = load<u64>(words, 8);
    let c = load<u64>(words, 16), d = load<u64>(words, 24);
    let e = load<u64>(words, 32), f = load<u64>(words, 40);
    let g = load<u64>(words, 48), h = load<u64>(words, 56);
    for (let at: usize = 0; at < SCHEDULE_BYTES; at += 64) {
      h += bigSigma1(e) + choose(e, f, g) + scheduled(at, 0);
      d += h;
      h += bigSigma0(a) + majority(a, b, c);
      g += bigSigma1(d) + choose(d, e, f) + scheduled(at, 1);
      c += g;
      g += bigSigma0(h) + majority(h, a, b);
      f += bigSigma1(c) + choose(c, d, e) + scheduled(at, 2);
      b += f;
      f += bigSigma0(g) + majority(g, h, a);
      e += bigSigma1(b) + choose(b, c, d) + scheduled(at, 3);
      a += e;
      e += bigSigma0(f) + majority(f, g, h);
      d += bigSigma1(a) + choose(a, b, c) + scheduled(at, 4);
      h += d;
      d += bigSigma0(e) + majority(e, f, g);
      c += bigSigma1(h) + choose(h, a, b) + scheduled(at, 5);
      g += c;
      c += bigSigma0(d) + majority(d, e, f);
      b += bigSigma1(g) + choose(g, h, a) + scheduled(at, 6);
      f += b;
      b += bigSigma0(c) + majority(c, d, e);
      a += bigSigma1(f) + choose(f, g, h) + scheduled(at, 7);
      e += a;
      a += bigSigma0(b) + majority(b, c, d);
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
