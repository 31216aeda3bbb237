import type { Bytes } from "../model/bytes.ts";
import type { HashAlgorithm, StreamHasher } from "./hasher.ts";

/** Gives the name of an algorithm in WebCrypto, such as `SHA-256`. */
export function webName(algorithm: HashAlgorithm): string {
  return algorithm.replace("sha", "SHA-");
}

/** Content is short up to here, and kept until its end. */
const SHORT_BYTES = 262_144;

/**
 * Hashes short content with WebCrypto, which takes it whole only. Content that turns out to be
 * longer goes to a hasher that takes pieces, and that costs something to make.
 */
export class ShortContentHasher implements StreamHasher {
  readonly algorithm: HashAlgorithm;
  readonly #subtle: SubtleCrypto;
  readonly #makeLong: () => StreamHasher;
  #long: StreamHasher | undefined;
  #kept: Bytes = new Uint8Array(0);
  #length = 0;

  /** @param makeLong Makes the hasher for content that is longer. */
  constructor(algorithm: HashAlgorithm, subtle: SubtleCrypto, makeLong: () => StreamHasher) {
    this.algorithm = algorithm;
    this.#subtle = subtle;
    this.#makeLong = makeLong;
  }

  update(chunk: Uint8Array): void | Promise<void> {
    if (this.#long !== undefined) return this.#long.update(chunk);
    if (this.#length + chunk.byteLength <= SHORT_BYTES) return this.#keep(chunk);
    const long = this.#long = this.#makeLong();
    const begun = long.update(this.#taken());
    this.#kept = new Uint8Array(0);
    return begun instanceof Promise ? begun.then(() => long.update(chunk)) : long.update(chunk);
  }

  async digest(): Promise<Bytes> {
    if (this.#long !== undefined) return await this.#long.digest();
    return new Uint8Array(await this.#subtle.digest(webName(this.algorithm), this.#taken()));
  }

  #keep(chunk: Uint8Array): void {
    const end = this.#length + chunk.byteLength;
    if (end > this.#kept.length) {
      const larger = new Uint8Array(Math.min(SHORT_BYTES, Math.max(end, 2 * this.#kept.length)));
      larger.set(this.#taken());
      this.#kept = larger;
    }
    this.#kept.set(chunk, this.#length);
    this.#length = end;
  }

  #taken(): Bytes {
    return this.#kept.subarray(0, this.#length);
  }
}
