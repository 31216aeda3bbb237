import type { Descriptor } from "../model/descriptor.ts";
import { SizeMismatchError } from "../model/errors.ts";

/** Refuses content whose size is not that of its descriptor, before any byte of it is read. */
export function checkSize(actual: number, descriptor: Descriptor, what: string): void {
  if (actual === descriptor.size) return;
  throw new SizeMismatchError(
    `Cannot read ${what}: it has ${actual} bytes, expected ${descriptor.size}`,
    { expected: descriptor.size, actual, descriptor },
  );
}
