import type { Bytes } from "./bytes.ts";

function encode(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

function valueOf(code: number, plus: number, slash: number): number {
  if (code >= 65 && code <= 90) return code - 65;
  if (code >= 97 && code <= 122) return code - 71;
  if (code >= 48 && code <= 57) return code + 4;
  if (code === plus) return 62;
  return code === slash ? 63 : -1;
}

/** Decodes the digits of `text` before `end`; unused bits of the last digit must be zero. */
function decode(text: string, end: number, plus: number, slash: number): Bytes {
  if (end % 4 === 1) throw new TypeError("Cannot decode base64: the text is cut short");
  const bytes = new Uint8Array(Math.floor(end * 3 / 4));
  let bits = 0;
  let held = 0;
  let at = 0;
  for (let i = 0; i < end; i++) {
    const value = valueOf(text.charCodeAt(i), plus, slash);
    if (value < 0) throw new TypeError(`Cannot decode base64: no digit at position ${i}`);
    held = (held << 6 | value) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = held >> bits;
    }
  }
  // RFC 4648 §3.5: without this check two texts would stand for the same bytes.
  if ((held & (1 << bits) - 1) !== 0) {
    throw new TypeError("Cannot decode base64: the last digit has bits that belong to no byte");
  }
  return bytes;
}

/**
 * Encodes bytes in base64 with padding (RFC 4648 §4).
 *
 * @param bytes Any bytes.
 * @returns The text.
 */
export function encodeBase64(bytes: Uint8Array): string {
  return encode(bytes);
}

/**
 * Decodes base64 strictly: padding is required, white space and the URL-safe digits are refused.
 *
 * @param text Base64 as {@linkcode encodeBase64} writes it.
 * @returns The bytes.
 * @throws {TypeError} when the text is anything else.
 */
export function decodeBase64(text: string): Bytes {
  if (text.length % 4 !== 0) throw new TypeError("Cannot decode base64: the padding is missing");
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  return decode(text, text.length - padding, 43, 47);
}

/**
 * Encodes bytes in the URL-safe alphabet without padding (RFC 4648 §5), as JOSE does.
 *
 * @param bytes Any bytes.
 * @returns The text.
 */
export function encodeBase64Url(bytes: Uint8Array): string {
  return encode(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/**
 * Decodes URL-safe base64 without padding, strictly.
 *
 * @param text Base64 as {@linkcode encodeBase64Url} writes it.
 * @returns The bytes.
 * @throws {TypeError} when the text is anything else.
 */
export function decodeBase64Url(text: string): Bytes {
  return decode(text, text.length, 45, 95);
}
