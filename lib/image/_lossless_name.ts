import { concatBytes } from "../bytes/concat.ts";
import type { Bytes } from "../model/bytes.ts";

/**
 * Names in archives are bytes. Those that are no UTF-8 become lone surrogates here, as Python does
 * it (PEP 383): no two names become one, and the bytes can be had back.
 */
const ESCAPE = 0xdc00;
const ESCAPED_REGEXP = /[\udc80-\udcff]/gu;

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Turns the bytes of a name into text from which they can be had back. */
export function decodeName(bytes: Uint8Array): string {
  const whole = decodeStrictly(bytes);
  if (whole !== undefined) return whole;
  let text = "";
  for (let i = 0; i < bytes.length;) {
    const length = sequenceLength(bytes[i] ?? 0);
    const character = i + length > bytes.length
      ? undefined
      : decodeStrictly(bytes.subarray(i, i + length));
    text += character ?? String.fromCharCode(ESCAPE + (bytes[i] ?? 0));
    i += character === undefined ? 1 : length;
  }
  return text;
}

/** Turns text of {@linkcode decodeName} back into the bytes. */
export function encodeName(text: string): Bytes {
  const parts: Uint8Array[] = [];
  let start = 0;
  for (const { index, 0: escaped } of text.matchAll(ESCAPED_REGEXP)) {
    parts.push(new TextEncoder().encode(text.slice(start, index)));
    parts.push(Uint8Array.of(escaped.charCodeAt(0) - ESCAPE));
    start = index + 1;
  }
  parts.push(new TextEncoder().encode(text.slice(start)));
  return concatBytes(parts);
}

/** Makes text of {@linkcode decodeName} fit to be shown. */
export function showName(text: string): string {
  return text.replace(ESCAPED_REGEXP, "\ufffd");
}

function decodeStrictly(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}

// RFC 3629 §3: the first byte tells how many there are.
function sequenceLength(first: number): number {
  if (first < 0xc2) return 1;
  if (first < 0xe0) return 2;
  return first < 0xf0 ? 3 : first < 0xf5 ? 4 : 1;
}
