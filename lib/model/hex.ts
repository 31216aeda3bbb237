import type { Bytes } from "./bytes.ts";

/** The value of a lower-case hexadecimal digit, or -1. */
function digitValue(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  return code >= 97 && code <= 102 ? code - 87 : -1;
}

/**
 * Encodes bytes as lower-case hexadecimal digits (RFC 4648 §8).
 *
 * @param bytes Any bytes.
 * @returns Two digits for each byte.
 */
export function encodeHex(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at++) text += (256 + (bytes[at] ?? 0)).toString(16).slice(1);
  return text;
}

/**
 * Decodes lower-case hexadecimal digits. Digests are lower-case by the OCI image-spec, so an
 * upper-case digit is refused.
 *
 * @param text An even number of digits `0-9a-f`.
 * @returns The bytes.
 * @throws {TypeError} when the text holds anything else.
 */
export function decodeHex(text: string): Bytes {
  if (text.length % 2 !== 0) throw new TypeError("Cannot decode hex: odd number of digits");
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    const high = digitValue(text.charCodeAt(2 * i));
    const low = digitValue(text.charCodeAt(2 * i + 1));
    if (high < 0 || low < 0) {
      throw new TypeError(
        `Cannot decode hex: no digit at position ${high < 0 ? 2 * i : 2 * i + 1}`,
      );
    }
    bytes[i] = high * 16 + low;
  }
  return bytes;
}
