import type { Descriptor } from "../model/descriptor.ts";
import { CorruptStreamError, LimitExceededError } from "../model/errors.ts";

/**
 * The most bytes of a table of contents, compressed or not. Tables have some 300 bytes for each
 * entry, so a layer of 200,000 files fits; larger layers are read whole.
 */
export const MAX_TABLE_BYTES: number = 64 * 1024 * 1024;

/** Makes the error for a table that cannot be used. */
export function damagedTable({ digest }: Descriptor, reason: string, cause?: unknown): Error {
  return new CorruptStreamError(
    `Cannot read the table of contents of the layer ${digest}: ${reason}`,
    { cause },
  );
}

/** Refuses a table of more bytes than {@linkcode MAX_TABLE_BYTES}. */
export function checkTableSize({ digest }: Descriptor, bytes: number): void {
  if (bytes <= MAX_TABLE_BYTES) return;
  throw new LimitExceededError(
    `Cannot read the table of contents of the layer ${digest}: its ${bytes} bytes are more than ` +
      `the limit of ${MAX_TABLE_BYTES}`,
    { limit: MAX_TABLE_BYTES, unit: "bytes" },
  );
}
