import { streamFrom } from "../bytes/stream_from.ts";
import type { Bytes, ByteSource } from "../model/bytes.ts";
import { LimitExceededError } from "../model/errors.ts";
import type { UploadSpool, UploadStore } from "./upload_store.ts";

/**
 * The most bytes that {@linkcode memoryUploads} holds by default: larger than nearly every layer,
 * and well below what a process may have.
 */
export const MAX_MEMORY_UPLOAD_BYTES: number = 512 * 1024 * 1024;

/** Options of {@linkcode memoryUploads}. */
export interface MemoryUploadsOptions {
  /**
   * The most bytes that all uploads together may hold; {@linkcode MAX_MEMORY_UPLOAD_BYTES} by
   * default. An upload that goes past it is answered with 413.
   */
  readonly maxBytes?: number | undefined;
}

/**
 * Keeps uploads in memory until they are complete.
 *
 * @param options The bound on all of them together.
 * @returns The store.
 * @throws {RangeError} when the bound is no number of bytes.
 */
export function memoryUploads(options: MemoryUploadsOptions = {}): UploadStore {
  const { maxBytes = MAX_MEMORY_UPLOAD_BYTES } = options;
  if (!(maxBytes >= 0)) throw new RangeError(`Cannot bound uploads: ${maxBytes} is no limit`);
  const budget = { used: 0, maxBytes };
  return { create: () => Promise.resolve(new MemorySpool(budget)) };
}

interface Budget {
  used: number;
  readonly maxBytes: number;
}

/**
 * Chunks up to this size are gathered into blocks: a client that sends single bytes must not make
 * the bookkeeping larger than what it is for.
 */
const MAX_BLOCK_BYTES = 64 * 1024;
const MIN_BLOCK_BYTES = 1024;

class MemorySpool implements UploadSpool {
  readonly #budget: Budget;
  #chunks: Bytes[] = [];
  #block: Bytes = new Uint8Array(0);
  /** How much of the block is in use. */
  #filled = 0;
  #size = 0;

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  append(chunk: Bytes): Promise<void> {
    const { used, maxBytes } = this.#budget;
    if (used + chunk.byteLength > maxBytes) {
      return Promise.reject(
        new LimitExceededError(
          `Cannot hold the upload: all uploads together would pass the limit of ${maxBytes} bytes`,
          { limit: maxBytes, unit: "bytes" },
        ),
      );
    }
    if (this.#filled + chunk.byteLength > this.#block.byteLength) this.#startBlock();
    if (chunk.byteLength > this.#block.byteLength) {
      this.#chunks.push(chunk);
    } else {
      this.#block.set(chunk, this.#filled);
      this.#filled += chunk.byteLength;
    }
    this.#budget.used += chunk.byteLength;
    this.#size += chunk.byteLength;
    return Promise.resolve();
  }

  source(): Promise<ByteSource> {
    const chunks = [...this.#chunks, this.#block.subarray(0, this.#filled)];
    return Promise.resolve(() => streamFrom(chunks));
  }

  remove(): Promise<void> {
    this.#budget.used -= this.#size;
    this.#size = 0;
    this.#chunks = [];
    this.#block = new Uint8Array(0);
    this.#filled = 0;
    return Promise.resolve();
  }

  /** Blocks grow with the upload, so that many small uploads stay small. */
  #startBlock(): void {
    if (this.#filled > 0) this.#chunks.push(this.#block.subarray(0, this.#filled));
    const length = Math.min(Math.max(this.#size, MIN_BLOCK_BYTES), MAX_BLOCK_BYTES);
    this.#block = new Uint8Array(length);
    this.#filled = 0;
  }
}
