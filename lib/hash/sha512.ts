import type { ResumableHasher } from "./hasher.ts";
import { type BlockFunction, BlockHasher } from "./_block_hasher.ts";
import { sha512Constants } from "./_constants.ts";

// Every word of 64 bits is a pair of halves, high first: BigInt is far slower.

/** The message schedule of one block; `compress` never yields, so that all hashers share it. */
const HIGH = new Int32Array(80);
const LOW = new Int32Array(80);

/** The carry into the high half of a sum of up to 2^21 unsigned low halves. */
function carry(sum: number): number {
  return sum / 0x100000000 | 0;
}

/** Fills the schedule (FIPS 180-4 §6.4.2 step 1). */
function schedule(bytes: Uint8Array, start: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, 128);
  for (let i = 0; i < 16; i++) {
    HIGH[i] = view.getInt32(8 * i);
    LOW[i] = view.getInt32(8 * i + 4);
  }
  for (let i = 16; i < 80; i++) {
    const xh = HIGH[i - 15] ?? 0;
    const xl = LOW[i - 15] ?? 0;
    const yh = HIGH[i - 2] ?? 0;
    const yl = LOW[i - 2] ?? 0;
    const sigma0High = (xh >>> 1 | xl << 31) ^ (xh >>> 8 | xl << 24) ^ xh >>> 7;
    const sigma0Low = (xl >>> 1 | xh << 31) ^ (xl >>> 8 | xh << 24) ^ (xl >>> 7 | xh << 25);
    const sigma1High = (yh >>> 19 | yl << 13) ^ (yl >>> 29 | yh << 3) ^ yh >>> 6;
    const sigma1Low = (yl >>> 19 | yh << 13) ^ (yh >>> 29 | yl << 3) ^ (yl >>> 6 | yh << 26);
    const low = (sigma0Low >>> 0) + (sigma1Low >>> 0) + ((LOW[i - 7] ?? 0) >>> 0) +
      ((LOW[i - 16] ?? 0) >>> 0);
    LOW[i] = low;
    HIGH[i] = sigma0High + sigma1High + (HIGH[i - 7] ?? 0) + (HIGH[i - 16] ?? 0) + carry(low);
  }
}

function compress(words: Int32Array, bytes: Uint8Array, start: number, end: number): void {
  const { rounds } = sha512Constants();
  for (let at = start; at < end; at += 128) {
    schedule(bytes, at);
    compressBlock(words, rounds);
  }
}

/** The 80 rounds (FIPS 180-4 §6.4.2 steps 2 to 4). */
function compressBlock(words: Int32Array, rounds: Int32Array): void {
  let [ah = 0, al = 0, bh = 0, bl = 0, ch = 0, cl = 0, dh = 0, dl = 0] = words;
  let [eh = 0, el = 0, fh = 0, fl = 0, gh = 0, gl = 0, hh = 0, hl = 0] = words.subarray(8);
  for (let i = 0; i < 80; i++) {
    const sigma1High = (eh >>> 14 | el << 18) ^ (eh >>> 18 | el << 14) ^ (el >>> 9 | eh << 23);
    const sigma1Low = (el >>> 14 | eh << 18) ^ (el >>> 18 | eh << 14) ^ (eh >>> 9 | el << 23);
    const chooseHigh = gh ^ eh & (fh ^ gh);
    const chooseLow = gl ^ el & (fl ^ gl);
    const low1 = (hl >>> 0) + (sigma1Low >>> 0) + (chooseLow >>> 0) +
      ((rounds[2 * i + 1] ?? 0) >>> 0) +
      ((LOW[i] ?? 0) >>> 0);
    const t1h = hh + sigma1High + chooseHigh + (rounds[2 * i] ?? 0) + (HIGH[i] ?? 0) + carry(low1) |
      0;
    const t1l = low1 | 0;
    const sigma0High = (ah >>> 28 | al << 4) ^ (al >>> 2 | ah << 30) ^ (al >>> 7 | ah << 25);
    const sigma0Low = (al >>> 28 | ah << 4) ^ (ah >>> 2 | al << 30) ^ (ah >>> 7 | al << 25);
    const majorityHigh = ah & bh | ch & (ah | bh);
    const majorityLow = al & bl | cl & (al | bl);
    hh = gh;
    hl = gl;
    gh = fh;
    gl = fl;
    fh = eh;
    fl = el;
    const lowE = (dl >>> 0) + (t1l >>> 0);
    eh = dh + t1h + carry(lowE) | 0;
    el = lowE | 0;
    dh = ch;
    dl = cl;
    ch = bh;
    cl = bl;
    bh = ah;
    bl = al;
    const lowA = (t1l >>> 0) + (sigma0Low >>> 0) + (majorityLow >>> 0);
    ah = t1h + sigma0High + majorityHigh + carry(lowA) | 0;
    al = lowA | 0;
  }
  add(words, 0, ah, al);
  add(words, 2, bh, bl);
  add(words, 4, ch, cl);
  add(words, 6, dh, dl);
  add(words, 8, eh, el);
  add(words, 10, fh, fl);
  add(words, 12, gh, gl);
  add(words, 14, hh, hl);
}

function add(words: Int32Array, at: number, high: number, low: number): void {
  const sum = (low >>> 0) + ((words[at + 1] ?? 0) >>> 0);
  words[at + 1] = sum;
  words[at] = high + (words[at] ?? 0) + carry(sum);
}

const SHA512: BlockFunction = {
  algorithm: "sha512",
  blockBytes: 128,
  lengthBytes: 16,
  initial: () => sha512Constants().initial,
  compress,
};

/**
 * Makes a SHA-512 hasher in plain TypeScript (FIPS 180-4 §6.4), the same on every runtime.
 * {@linkcode createHasher} takes the host's own where there is one, which is faster.
 *
 * @param state Where to continue: what {@linkcode ResumableHasher.exportState} gave.
 * @returns The hasher.
 * @throws {TypeError} when the state is none of SHA-512 and this build.
 */
export function sha512Hasher(state?: Uint8Array): ResumableHasher {
  return new BlockHasher(SHA512, state);
}
