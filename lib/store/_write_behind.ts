import { freeChunk } from "../bytes/lineage.ts";
import type { Bytes } from "../model/bytes.ts";
import type { FileWriter } from "./file_system.ts";

/** How much is written at a time: small writes cost a round trip to the disk's thread each. */
export const MAX_BATCH_BYTES: number = 512 * 1024;

/** What is expected of content of unknown size: it is written in batches of the usual size. */
export const UNKNOWN_BYTES: number = Number.MAX_SAFE_INTEGER;

/**
 * Gathers chunks and writes them while the next ones are gathered, so that reading, hashing and
 * writing overlap. Memory is two batches, at most 1 MiB, and less for small files; it is freed at
 * once in the end, since garbage collectors are slow to see what an image of many layers leaves.
 */
export class WriteBehind {
  readonly #writer: FileWriter;
  readonly #batchBytes: number;
  #batch: Bytes | undefined;
  #filled = 0;
  #spare: Bytes | undefined;
  #writing: Promise<unknown> | undefined;

  constructor(writer: FileWriter, expectedBytes: number) {
    this.#writer = writer;
    this.#batchBytes = Math.max(1, Math.min(expectedBytes, MAX_BATCH_BYTES));
  }

  /** Takes bytes; rejects when earlier ones could not be written. They are copied. */
  async write(chunk: Bytes): Promise<void> {
    let taken = 0;
    while (taken < chunk.byteLength) {
      const part = chunk.subarray(taken, taken + this.#batchBytes - this.#filled);
      this.#batch ??= new Uint8Array(this.#batchBytes);
      this.#batch.set(part, this.#filled);
      this.#filled += part.byteLength;
      taken += part.byteLength;
      if (this.#filled === this.#batchBytes) await this.#hand();
    }
  }

  /** Waits until everything is with the writer. */
  async flush(): Promise<void> {
    if (this.#filled > 0) await this.#hand();
    await this.#settled();
    this.#free();
  }

  /** Waits for what is being written, whether it fails or not: the file may be closed then. */
  async abandon(): Promise<void> {
    await this.#writing;
    this.#free();
  }

  async #hand(): Promise<void> {
    await this.#settled();
    const full = this.#batch as Bytes;
    const content = full.subarray(0, this.#filled);
    this.#filled = 0;
    this.#batch = this.#spare;
    this.#spare = full;
    // The failure is a value, so that one that nobody waits for yet is no unhandled rejection.
    this.#writing = this.#writer.write(content).then(() => undefined, (error) => ({ error }));
  }

  async #settled(): Promise<void> {
    const failure = await this.#writing as { readonly error: unknown } | undefined;
    if (failure !== undefined) throw failure.error;
  }

  #free(): void {
    for (const batch of [this.#batch, this.#spare]) if (batch !== undefined) freeChunk(batch);
    this.#batch = this.#spare = undefined;
  }
}
