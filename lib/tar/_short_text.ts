import type { Bytes } from "../model/bytes.ts";

/** Up to here it takes longer to ask a decoder than to read byte by byte. */
const SHORT_BYTES = 64;

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Reads a text that is short nearly always, and ASCII, which takes no decoder. */
export function shortText(bytes: Bytes, start = 0, end: number = bytes.length): string {
  if (end - start > SHORT_BYTES) return decoder.decode(bytes.subarray(start, end));
  let text = "";
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0;
    if (byte > 0x7f) return decoder.decode(bytes.subarray(start, end));
    text += String.fromCharCode(byte);
  }
  return text;
}
