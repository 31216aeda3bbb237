import { concatBytes } from "../bytes/concat.ts";
import type { Bytes } from "../model/bytes.ts";

/**
 * Names in archives are bytes. Those that are no UTF-8 become lone surrogates here, as Python does
 * it (PEP 383): no two names become one, and the bytes can be had back.
 */
const ESCAPE = 0xdc00;
const ESCAPED_REGEXP = /[\udc80-\udcff]/gu;

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** Turns the bytes of a name into text from which they can be had back. */
export function decodeName(bytes: Uint8Array): string {
  const whole = decodeStrictly(bytes);
  if (whole !== undefined) return whole;
  let text = "";
  let start = 0;
  for (let at = 0; at < bytes.length;) {
    const length = sequenceLength(bytes, at);
    if (length > 0) {
      at += length;
      continue;
    }
    if (start < at) text += strict.decode(bytes.subarray(start, at));
    text += String.fromCharCode(ESCAPE + (bytes[at] ?? 0));
    start = ++at;
  }
  return text + strict.decode(bytes.subarray(start));
}

/** Turns text of {@linkcode decodeName} back into the bytes. */
export function encodeName(text: string): Bytes {
  if (text.isWellFormed()) return encoder.encode(text);
  const parts: Uint8Array[] = [];
  let start = 0;
  for (const { index, 0: escaped } of text.matchAll(ESCAPED_REGEXP)) {
    if (start < index) parts.push(encoder.encode(text.slice(start, index)));
    parts.push(Uint8Array.of(escaped.charCodeAt(0) - ESCAPE));
    start = index + 1;
  }
  parts.push(encoder.encode(text.slice(start)));
  return concatBytes(parts);
}

/** Makes text of {@linkcode decodeName} fit to be shown. */
export function showName(text: string): string {
  return text.isWellFormed() ? text : text.replace(ESCAPED_REGEXP, "\ufffd");
}

function decodeStrictly(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}

/**
 * The length of the character that begins at a byte; 0 when none does (RFC 3629 §4). It is looked at
 * here: a decoder would throw for each byte that is none, which takes microseconds.
 */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const [first = 0, second = 0] = [bytes[at], bytes[at + 1]];
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  // Shorter forms exist, they are surrogates, or beyond U+10FFFF.
  const least = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const most = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second < least || second > most) return 0;
  for (let next = at + 2; next < at + length; next++) {
    if (((bytes[next] ?? 0) & 0xc0) !== 0x80) return 0;
  }
  return length;
}
