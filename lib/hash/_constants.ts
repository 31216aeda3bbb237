// FIPS 180-4 defines its constants as fractions of the roots of primes. Written out they are two
// thousand digits that no bundler and no gzip makes smaller; computed they take a fraction of a
// millisecond, once, where the host has no hash of its own.

/** The round constants of SHA-512, and their first 64 high halves those of SHA-256. */
const ROUNDS = 80;

/** The first 64 bits of the fraction of the square or cube root of a prime. */
function fractionOfRoot(prime: number, degree: 2 | 3): bigint {
  const exponent = BigInt(degree);
  const radicand = BigInt(prime) << 64n * exponent;
  // Newton's method from above never gets below the integer root.
  let root = BigInt(Math.ceil(prime ** (1 / degree) * 2 ** 20)) << 44n;
  for (;;) {
    const next = ((exponent - 1n) * root + radicand / root ** (exponent - 1n)) / exponent;
    if (next >= root) return BigInt.asUintN(64, root);
    root = next;
  }
}

function* primes(): Generator<number, never, undefined> {
  const found: number[] = [];
  for (let candidate = 2;; candidate++) {
    if (found.some((prime) => candidate % prime === 0)) continue;
    found.push(candidate);
    yield candidate;
  }
}

/** The fractions of the roots of the first primes, in halves, high first. */
function fractions(count: number, degree: 2 | 3): Int32Array<ArrayBuffer> {
  const halves = new Int32Array(2 * count);
  const source = primes();
  for (let i = 0; i < count; i++) {
    const bits = fractionOfRoot(source.next().value, degree);
    halves[2 * i] = Number(bits >> 32n);
    halves[2 * i + 1] = Number(BigInt.asUintN(32, bits));
  }
  return halves;
}

function highHalves(halves: Int32Array, count: number): Int32Array<ArrayBuffer> {
  return Int32Array.from({ length: count }, (_, i) => halves[2 * i] ?? 0);
}

/** What a hash function starts with, and what it adds in each round. */
export interface HashConstants {
  /** FIPS 180-4 §5.3: from the square roots of the first 8 primes. */
  readonly initial: Int32Array<ArrayBuffer>;
  /** FIPS 180-4 §4.2: from the cube roots of the first 64 or 80 primes. */
  readonly rounds: Int32Array<ArrayBuffer>;
}

let sha512: HashConstants | undefined;
let sha256: HashConstants | undefined;

/** The constants of SHA-512: words of 64 bits as pairs of halves, high first. */
export function sha512Constants(): HashConstants {
  return sha512 ??= { initial: fractions(8, 2), rounds: fractions(ROUNDS, 3) };
}

/** The constants of SHA-256: the high halves of those of SHA-512. */
export function sha256Constants(): HashConstants {
  const { initial, rounds } = sha512Constants();
  return sha256 ??= { initial: highHalves(initial, 8), rounds: highHalves(rounds, 64) };
}
