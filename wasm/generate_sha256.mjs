// Writes assembly/sha256_rounds.ts: the rounds of SHA-256, sixteen in a turn, because AssemblyScript
// has no macros and does not unroll. build.mjs runs it.
//
// The message schedule is computed four words at a time with SIMD, and its instructions stand
// between those of the scalar rounds: the two do not depend on each other, so that the processor
// runs the schedule in the gaps of the rounds. Scheduling a whole block first is slower.
//
// A turn uses sixteen words of the schedule and puts those of the next turn in their place, so that
// their addresses are constants. The last turn, which has no next one, stands behind the loop.

const ROUNDS = 64;
const TURN_ROUNDS = 16;
/** Four words of the schedule, or of the constants. */
const GROUP_BYTES = 16;
const TURN_BYTES = 4 * TURN_ROUNDS;

function isPrime(number) {
  for (let divisor = 2; divisor * divisor <= number; divisor++) {
    if (number % divisor === 0) return false;
  }
  return number > 1;
}

/** The largest integer whose cube is at most `number`. */
function cubeRoot(number) {
  let root = 1n << BigInt(Math.ceil(number.toString(2).length / 3));
  for (;;) {
    const next = (2n * root + number / (root * root)) / 3n;
    if (next >= root) return root;
    root = next;
  }
}

/** FIPS 180-4 §4.2.2: the fractions of the cube roots of the first 64 primes, 32 bits each. */
function constants() {
  const words = [];
  for (let number = 2; words.length < ROUNDS; number++) {
    if (isPrime(number)) words.push(BigInt.asUintN(32, cubeRoot(BigInt(number) << 96n)));
  }
  return words.map((word) => `0x${word.toString(16).padStart(8, "0")}`);
}

/**
 * One round. The working variables take turns with their names, so that none is moved. `bc` is
 * b ^ c: the majority of a, b, c is b ^ ((a ^ b) & (b ^ c)), and a ^ b is the next round's b ^ c.
 * What is known last is added last: the rotations are those of the round before's results. They are
 * as the standard writes them: to share one between two, that by 11 being one by 5 and by 6, saves a
 * copy, and makes rounds wait longer for one another.
 */
function round(index) {
  const names = ["a", "b", "c", "d", "e", "f", "g", "h"];
  const [a, b, , d, e, f, g, h] = names.map((_, at) => names[(at - index % 8 + 8) % 8]);
  return [
    `${h} += load<u32>(HASH_SCHEDULE, ${4 * (index % TURN_ROUNDS)});`,
    `${h} += ${g} ^ (${e} & (${f} ^ ${g}));`,
    `${h} += rotr<u32>(${e}, 6) ^ rotr<u32>(${e}, 11) ^ rotr<u32>(${e}, 25);`,
    `${d} += ${h};`,
    `ab = ${a} ^ ${b};`,
    `${h} += ${b} ^ (ab & bc);`,
    `${h} += rotr<u32>(${a}, 2) ^ rotr<u32>(${a}, 13) ^ rotr<u32>(${a}, 22);`,
    `bc = ab;`,
  ];
}

/** Adds the constants to four words of the schedule, and puts them where rounds find them. */
function store(group, constants) {
  const at = GROUP_BYTES * group;
  return `v128.store(HASH_SCHEDULE, i32x4.add(w${group}, v128.load(${constants})), ${at});`;
}

/** The words of the next turn for four rounds of this one, in parts that go before each of them. */
function schedule(group) {
  const [v0, v1, v2, v3] = [0, 1, 2, 3].map((at) => `w${(group + at) % 4}`);
  const sigma1 = "v128.xor(i64x2.shr_u(t, 17), v128.xor(i64x2.shr_u(t, 19), i32x4.shr_u(t, 10)))";
  return [
    [
      `t = i8x16.shuffle(${v0}, ${v1}, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19);`,
    ],
    [
      `${v0} = i32x4.add(${v0}, v128.xor(` +
      `v128.xor(v128.xor(i32x4.shr_u(t, 7), i32x4.shl(t, 25)), ` +
      `v128.xor(i32x4.shr_u(t, 18), i32x4.shl(t, 14))), i32x4.shr_u(t, 3)));`,
      `t = i8x16.shuffle(${v2}, ${v3}, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19);`,
      `${v0} = i32x4.add(${v0}, t);`,
    ],
    [
      `// sigma1 of the two words before: each doubled to 64 bits, so that a shift is a rotation.`,
      `t = i8x16.shuffle(${v3}, ${v3}, 8, 9, 10, 11, 8, 9, 10, 11, 12, 13, 14, 15, 12, 13, 14, 15);`,
      `${v0} = i32x4.add(${v0}, i8x16.swizzle(${sigma1}, LOW_PAIR));`,
    ],
    [
      `t = i8x16.shuffle(${v0}, ${v0}, 0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 6, 7, 4, 5, 6, 7);`,
      `${v0} = i32x4.add(${v0}, i8x16.swizzle(${sigma1}, HIGH_PAIR));`,
    ],
  ];
}

function body() {
  const lines = [];
  const groups = [0, 1, 2, 3];
  for (const group of groups) {
    lines.push(
      `w${group} = i8x16.swizzle(v128.load(data, ${GROUP_BYTES * group}), BIG_ENDIAN);`,
      store(group, `K, ${GROUP_BYTES * group}`),
    );
  }
  lines.push(`for (at = K + ${TURN_BYTES}; at < K + ${4 * ROUNDS}; at += ${TURN_BYTES}) {`);
  for (const group of groups) {
    schedule(group).forEach((part, index) => lines.push(...part, ...round(4 * group + index)));
    lines.push(store(group, `at, ${GROUP_BYTES * group}`));
  }
  lines.push("}");
  for (let index = 0; index < TURN_ROUNDS; index++) lines.push(...round(index));
  return lines.map((line) => `    ${line}`).join("\n");
}

function table() {
  const words = constants();
  const lines = [];
  for (let at = 0; at < ROUNDS; at += 8) lines.push(`  ${words.slice(at, at + 8).join(", ")},`);
  return lines.join("\n");
}

/** Gives the text of assembly/sha256_rounds.ts. */
export function sha256Rounds() {
  const variables = ["a", "b", "c", "d", "e", "f", "g", "h"];
  const loads = variables.map((name, at) => `    ${name} = load<u32>(words, ${4 * at});`);
  const stores = variables.map((name, at) =>
    `    store<u32>(words, load<u32>(words, ${4 * at}) + ${name}, ${4 * at});`
  );
  return `// deno-fmt-ignore-file
// Generated by wasm/generate_sha256.mjs. Do not edit.
import { HASH_SCHEDULE } from "./memory";

// FIPS 180-4 §4.2.2
export const K: usize = memory.data<u32>([
${table()}
]);

/** Takes \`blocks\` blocks of 64 bytes at \`data\` into the chaining words. */
export function sha256Blocks(words: usize, data: usize, blocks: u32): void {
  const BIG_ENDIAN = i8x16(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
  const LOW_PAIR = i8x16(0, 1, 2, 3, 8, 9, 10, 11, -1, -1, -1, -1, -1, -1, -1, -1);
  const HIGH_PAIR = i8x16(-1, -1, -1, -1, -1, -1, -1, -1, 0, 1, 2, 3, 8, 9, 10, 11);
  let a: u32, b: u32, c: u32, d: u32, e: u32, f: u32, g: u32, h: u32, ab: u32, bc: u32;
  let at: usize, w0: v128, w1: v128, w2: v128, w3: v128, t: v128;
  for (; blocks > 0; blocks--, data += 64) {
${loads.join("\n")}
    bc = b ^ c;
${body()}
${stores.join("\n")}
  }
}
`;
}
