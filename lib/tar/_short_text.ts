import type { Bytes } from "../model/bytes.ts";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Reads a text that is short, and ASCII nearly always, which takes no decoder. */
export function shortText(bytes: Bytes, start = 0, end: number = bytes.length): string {
  let text = "";
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0;
    if (byte > 0x7f) return decoder.decode(bytes.subarray(start, end));
    text += String.fromCharCode(byte);
  }
  return text;
}
