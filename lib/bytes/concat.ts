import type { Bytes } from "../model/bytes.ts";

/**
 * Joins chunks into one piece of memory. The result never shares memory with the chunks.
 *
 * @param chunks The chunks in order.
 * @returns Their bytes.
 */
export function concatBytes(chunks: readonly Uint8Array[]): Bytes {
  let length = 0;
  for (const chunk of chunks) length += chunk.byteLength;
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return bytes;
}
