import { InvalidDigestError } from "./errors.ts";
import { encodeHex } from "./hex.ts";

/** The digest algorithms that lading computes and verifies. */
export type DigestAlgorithm = "sha256" | "sha512";

/** A digest taken apart. */
export interface ParsedDigest {
  /** What is before the colon, such as `sha256`. */
  readonly algorithm: string;
  /** What is behind the colon. */
  readonly encoded: string;
}

/** The algorithms whose encoded part has a fixed form: hexadecimal digits, this many. */
const HEX_LENGTHS: ReadonlyMap<string, number> = new Map([
  ["sha256", 64],
  ["sha384", 96],
  ["sha512", 128],
]);

// OCI image-spec, descriptor.md. What separates is not what is separated: time is linear.
const ALGORITHM_REGEXP = /^[a-z0-9]+(?:[+._-][a-z0-9]+)*$/;
const ENCODED_REGEXP = /^[a-zA-Z0-9=_-]+$/;

/** Tells what is wrong with a digest; `undefined` when it is well-formed. */
function problemOf(text: string): string | undefined {
  const colon = text.indexOf(":");
  if (colon <= 0 || colon === text.length - 1) return "invalid checksum digest format";
  const encoded = text.slice(colon + 1);
  const length = HEX_LENGTHS.get(text.slice(0, colon));
  if (length === undefined) {
    const isWellFormed = ALGORITHM_REGEXP.test(text.slice(0, colon)) &&
      ENCODED_REGEXP.test(encoded);
    return isWellFormed ? undefined : "invalid checksum digest format";
  }
  if (encoded.length !== length) return "invalid checksum digest length";
  return /[^a-f0-9]/.test(encoded) ? "invalid checksum digest format" : undefined;
}

/**
 * Takes a digest apart. The form is that of the OCI image-spec (descriptor.md §digests); the
 * digests of SHA-256, SHA-384 and SHA-512 must have exactly as many lower-case hexadecimal digits
 * as they need. Algorithms that lading does not know pass: what is to be verified or turned into
 * a path has to go through {@linkcode digestAlgorithm}.
 *
 * @param text A digest, such as `sha256:` and 64 hexadecimal digits.
 * @returns Its two parts.
 * @throws {InvalidDigestError} when the text is no digest.
 */
export function parseDigest(text: string): ParsedDigest {
  const problem = problemOf(text);
  if (problem !== undefined) {
    throw new InvalidDigestError(`Cannot parse digest ${quoted(text)}: ${problem}`, {
      input: text,
    });
  }
  const colon = text.indexOf(":");
  return { algorithm: text.slice(0, colon), encoded: text.slice(colon + 1) };
}

/**
 * Tells whether a text has the form of a digest, of any algorithm.
 *
 * @param text Any text.
 * @returns Whether {@linkcode parseDigest} takes it.
 */
export function isDigest(text: string): boolean {
  return problemOf(text) === undefined;
}

/**
 * Gives the algorithm of a digest that lading can verify. A digest that passes here is safe as a
 * part of a path or a URL: it is the name of the algorithm, a colon and hexadecimal digits.
 *
 * @param digest A digest.
 * @returns Its algorithm.
 * @throws {InvalidDigestError} when it is no digest, or one of another algorithm.
 */
export function digestAlgorithm(digest: string): DigestAlgorithm {
  const { algorithm } = parseDigest(digest);
  if (algorithm === "sha256" || algorithm === "sha512") return algorithm;
  throw new InvalidDigestError(
    `Cannot verify digest ${quoted(digest)}: unsupported digest algorithm; use sha256 or sha512`,
    { input: digest },
  );
}

/**
 * Writes a digest.
 *
 * @param algorithm The algorithm.
 * @param hash The 32 or 64 bytes it gave.
 * @returns The digest, such as `sha256:` and 64 hexadecimal digits.
 * @throws {RangeError} when the number of bytes is not that of the algorithm.
 */
export function formatDigest(algorithm: DigestAlgorithm, hash: Uint8Array): string {
  if (hash.length * 2 !== HEX_LENGTHS.get(algorithm)) {
    throw new RangeError(`Cannot format digest: ${hash.length} bytes are no ${algorithm} hash`);
  }
  return `${algorithm}:${encodeHex(hash)}`;
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 140 ? `${text.slice(0, 140)}…` : text);
}
