import type { Bytes } from "./bytes.ts";

/** The bytes themselves, or a copy when they are in shared memory, where others could change them. */
export function ownBytes(raw: Uint8Array): Bytes {
  return raw.buffer instanceof ArrayBuffer ? raw as Bytes : new Uint8Array(raw);
}

/** The start of a document, for an error. */
export function shownInput(raw: Uint8Array): string {
  return new TextDecoder().decode(raw.subarray(0, 257));
}
