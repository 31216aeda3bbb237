import { encodeHex } from "../model/hex.ts";

/**
 * Makes a random UUID (RFC 9562 §5.4). `crypto.randomUUID` is missing from pages that were loaded
 * over plain http.
 *
 * @returns The UUID, 122 random bits.
 */
export function randomUUID(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] ?? 0) & 0x0f | 0x40;
  bytes[8] = (bytes[8] ?? 0) & 0x3f | 0x80;
  const hex = encodeHex(bytes);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)]
    .join("-");
}
