import type { Bytes } from "../model/bytes.ts";
import { LimitExceededError } from "../model/errors.ts";

/** Content in memory. */
export interface MemoryBlob {
  readonly bytes: Bytes;
  /** As pushed; blobs that came through a registry have none that says anything. */
  readonly mediaType: string;
}

/**
 * The blobs of a memory store. Where their bytes are bounded, those that were used longest ago make
 * room; bytes that are on their way have a room of their own, so that the bound holds for both.
 */
export class MemoryBlobs {
  readonly #maxBytes: number;
  readonly #onEvict: (digest: string) => void;
  /** Where there is a bound, what was used longest ago comes first. */
  readonly #blobs = new Map<string, MemoryBlob>();
  #held = 0;
  #reserved = 0;

  /** Makes an empty store; `onEvict` is told what has made room. */
  constructor(maxBytes: number, onEvict: (digest: string) => void) {
    this.#maxBytes = maxBytes;
    this.#onEvict = onEvict;
  }

  /** The digests of all blobs. */
  digests(): string[] {
    return [...this.#blobs.keys()];
  }

  /** Looks at a blob. */
  get(digest: string): MemoryBlob | undefined {
    return this.#blobs.get(digest);
  }

  /** Gets a blob that is read: it is the last one to make room. */
  use(digest: string): MemoryBlob | undefined {
    const blob = this.#blobs.get(digest);
    if (blob === undefined || this.#maxBytes === Infinity) return blob;
    this.#blobs.delete(digest);
    this.#blobs.set(digest, blob);
    return blob;
  }

  /**
   * Makes room for bytes that come.
   *
   * @param size How many.
   * @param what What they are, for the message.
   * @throws {LimitExceededError} when no room can be made; then nothing has made any.
   */
  reserve(size: number, what: string): void {
    const left = this.#maxBytes - this.#reserved - size;
    if (left < 0) {
      const others = this.#reserved > 0 ? `, ${this.#reserved} of which are on their way` : "";
      throw new LimitExceededError(
        `Cannot keep ${what}: the memory store holds at most ${this.#maxBytes} bytes${others}`,
        { limit: this.#maxBytes, unit: "bytes" },
      );
    }
    this.#reserved += size;
    for (const digest of this.#blobs.keys()) {
      if (this.#held <= left) return;
      this.delete(digest);
      this.#onEvict(digest);
    }
  }

  /** Gives up room for bytes that have come, or will not. */
  release(size: number): void {
    this.#reserved -= size;
  }

  /** Keeps a blob for whose bytes there is room: that is released afterwards. */
  set(digest: string, blob: MemoryBlob): void {
    this.delete(digest);
    this.#blobs.set(digest, blob);
    this.#held += blob.bytes.byteLength;
  }

  /** Forgets a blob. */
  delete(digest: string): void {
    this.#held -= this.#blobs.get(digest)?.bytes.byteLength ?? 0;
    this.#blobs.delete(digest);
  }
}
