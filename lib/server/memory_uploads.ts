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

class MemorySpool implements UploadSpool {
  readonly #budget: Budget;
  #chunks: Bytes[] = [];
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
    this.#budget.used += chunk.byteLength;
    this.#size += chunk.byteLength;
    this.#chunks.push(chunk);
    return Promise.resolve();
  }

  source(): Promise<ByteSource> {
    const chunks = this.#chunks;
    return Promise.resolve(() => streamFrom(chunks));
  }

  remove(): Promise<void> {
    this.#budget.used -= this.#size;
    this.#size = 0;
    this.#chunks = [];
    return Promise.resolve();
  }
}
