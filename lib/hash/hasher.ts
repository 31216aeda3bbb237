import type { Bytes } from "../model/bytes.ts";

/** The digest algorithms that lading verifies (OCI image-spec, descriptor.md §registered algorithms). */
export type HashAlgorithm = "sha256" | "sha512";

/** Computes a digest over bytes that come in pieces. Memory is fixed. */
export interface Hasher {
  /** The algorithm. */
  readonly algorithm: HashAlgorithm;
  /** Takes in bytes; they are not kept. */
  update(chunk: Uint8Array): void;
  /** Ends the computation and gives the digest; call it once. */
  digest(): Bytes;
}

/** A hasher that can be stopped, stored and continued later, also in another process. */
export interface ResumableHasher extends Hasher {
  /**
   * Writes down where the computation is, in less than 256 bytes. The hasher goes on unchanged;
   * {@linkcode resumeHasher} continues from the copy.
   */
  exportState(): Bytes;
}

/** Makes a hasher; passed where a runtime has a faster one than lading's own. */
export type HasherFactory = (algorithm: HashAlgorithm) => Hasher;

/** Computes a digest over a stream, at once or with promises, as the host can. */
export interface StreamHasher {
  /** The algorithm. */
  readonly algorithm: HashAlgorithm;
  /** Takes in bytes, which must stay as they are until the promise, if any, is fulfilled. */
  update(chunk: Uint8Array): void | Promise<void>;
  /** Ends the computation and gives the digest; call it once. */
  digest(): Bytes | Promise<Bytes>;
}

/** Makes a hasher for a stream; every {@linkcode HasherFactory} is one. */
export type StreamHasherFactory = (algorithm: HashAlgorithm) => StreamHasher;
