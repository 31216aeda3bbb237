import type { ByteStream } from "../model/bytes.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { HasherFactory } from "../hash/hasher.ts";
import {
  createHasher,
  createStreamHasher,
  type HashAlgorithm,
  type StreamHasher,
  type StreamHasherFactory,
} from "../hash/mod.ts";
import { digestAlgorithm, formatDigest } from "../model/digest.ts";
import { DigestMismatchError, SizeMismatchError } from "../model/errors.ts";
import { hasProof, noteProof, passLineage } from "./lineage.ts";
import { through } from "./through.ts";

/** Options of {@linkcode verified}. */
export interface VerifiedOptions {
  /** Makes the hasher; default the fastest one that the host has. */
  readonly hasher?: StreamHasherFactory | undefined;
  /** What is read, for messages; default the digest. */
  readonly what?: string | undefined;
}

/** Options of {@linkcode verifyBytes}. */
export interface VerifyBytesOptions {
  /** Makes the hasher; default {@linkcode createHasher}. */
  readonly hasher?: HasherFactory | undefined;
  /** What is read, for messages; default the digest. */
  readonly what?: string | undefined;
}

/**
 * Hands bytes on while it hashes them, and errors instead of closing when their number or their
 * digest is not that of the descriptor. The chunk that completes the content is handed on only
 * after the digest is proved, the end only after the source has ended; no byte past the size is
 * handed on, and the source is cancelled at the first one. Memory is one chunk. A stream that was
 * made by this function for the same content is given back as it is: it proves itself.
 *
 * @param stream The bytes as they come.
 * @param descriptor What they should be.
 * @param options The hasher, and a name for messages.
 * @returns The same bytes; errors with {@linkcode SizeMismatchError} or
 * {@linkcode DigestMismatchError}.
 * @throws {InvalidDigestError} when the digest is of an algorithm that cannot be verified.
 * @throws {RangeError} when the size is no number of bytes.
 */
export function verified(
  stream: ByteStream,
  descriptor: Descriptor,
  options: VerifiedOptions = {},
): ByteStream {
  if (hasProof(stream, descriptor, options.hasher)) return stream;
  const proof = new Proof(descriptor, options);
  const proved = through(stream, {
    chunk(chunk) {
      const taken = proof.take(chunk);
      return taken instanceof Promise ? taken.then(() => chunk) : chunk;
    },
    end: () => proof.end(),
  });
  passLineage(stream, proved);
  noteProof(proved, descriptor, options.hasher, (factory) => proof.hashWith(factory));
  return proved;
}

/**
 * Checks bytes in memory against a descriptor.
 *
 * @param bytes The content.
 * @param descriptor What it should be.
 * @param options The hasher, and a name for messages.
 * @throws {SizeMismatchError} when there are more or fewer bytes.
 * @throws {DigestMismatchError} when they have another digest.
 * @throws {InvalidDigestError} when the digest is of an algorithm that cannot be verified.
 */
export function verifyBytes(
  bytes: Uint8Array,
  descriptor: Descriptor,
  options: VerifyBytesOptions = {},
): void {
  if (bytes.byteLength !== descriptor.size) {
    throw sizeMismatch(options.what, descriptor, bytes.byteLength);
  }
  const { digest } = descriptor;
  const algorithm = digestAlgorithm(digest);
  const hasher = (options.hasher ?? createHasher)(algorithm);
  hasher.update(bytes);
  const actual = formatDigest(algorithm, hasher.digest());
  if (actual !== digest) throw digestMismatch(options.what, descriptor, actual);
}

class Proof {
  readonly #descriptor: Descriptor;
  readonly #what: string | undefined;
  readonly #algorithm: HashAlgorithm;
  readonly #chosen: StreamHasherFactory | undefined;
  #factory: StreamHasherFactory;
  #hasher: StreamHasher | undefined;
  #total = 0;
  #proved = false;

  constructor(descriptor: Descriptor, options: VerifiedOptions) {
    if (!Number.isSafeInteger(descriptor.size) || descriptor.size < 0) {
      throw new RangeError(`Cannot verify ${descriptor.digest}: ${descriptor.size} is no size`);
    }
    this.#descriptor = descriptor;
    this.#what = options.what;
    this.#algorithm = digestAlgorithm(descriptor.digest);
    this.#chosen = options.hasher;
    this.#factory = options.hasher ?? createStreamHasher;
  }

  /** Has it hashed by somebody else, unless it has begun or the hasher was chosen. */
  hashWith(factory: StreamHasherFactory): boolean {
    if (this.#chosen !== undefined || this.#hasher !== undefined) return false;
    this.#factory = factory;
    return true;
  }

  #hashing(): StreamHasher {
    return this.#hasher ??= this.#factory(this.#algorithm);
  }

  /** Hashes a chunk, which must stay as it is until the promise, if any, is fulfilled. */
  take(chunk: Uint8Array): void | Promise<void> {
    this.#total += chunk.byteLength;
    const isLast = this.#total === this.#descriptor.size;
    if (this.#total > this.#descriptor.size) {
      throw sizeMismatch(this.#what, this.#descriptor, this.#descriptor.size + 1);
    }
    const taken = this.#hashing().update(chunk);
    if (!isLast) return taken;
    return taken instanceof Promise ? taken.then(() => this.#prove()) : this.#prove();
  }

  end(): void | Promise<void> {
    if (this.#total < this.#descriptor.size) {
      throw sizeMismatch(this.#what, this.#descriptor, this.#total);
    }
    // Only content without a byte is not proved by now.
    if (!this.#proved) return this.#prove();
  }

  #prove(): void | Promise<void> {
    const digest = this.#hashing().digest();
    return digest instanceof Promise
      ? digest.then((bytes) => this.#compare(bytes))
      : this.#compare(digest);
  }

  #compare(hash: Uint8Array): void {
    const { digest } = this.#descriptor;
    const actual = formatDigest(digestAlgorithm(digest), hash);
    if (actual !== digest) throw digestMismatch(this.#what, this.#descriptor, actual);
    this.#proved = true;
  }
}

/** Makes the error of content that has more or fewer bytes than announced. */
export function sizeMismatch(
  what: string | undefined,
  descriptor: Descriptor,
  actual: number,
): SizeMismatchError {
  const { size, digest } = descriptor;
  const found = actual > size ? `there are more than ${size} bytes` : `it has ${actual} bytes`;
  return new SizeMismatchError(`Cannot read ${what ?? digest}: ${found}, expected ${size}`, {
    expected: size,
    actual,
    descriptor,
  });
}

/** Makes the error of content that has another digest than announced. */
export function digestMismatch(
  what: string | undefined,
  descriptor: Descriptor,
  actual: string,
): DigestMismatchError {
  const { digest } = descriptor;
  return new DigestMismatchError(
    `Cannot read ${what ?? digest}: it has the digest ${actual}, expected ${digest}`,
    { expected: digest, actual, descriptor },
  );
}
