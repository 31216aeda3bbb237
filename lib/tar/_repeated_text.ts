import type { Bytes } from "../model/bytes.ts";
import { shortText } from "./_short_text.ts";

/** Reads a text that is mostly the one before, as the owners of files are: that makes no new one. */
export class RepeatedText {
  #last = "";

  /** Reads a part of some bytes as {@linkcode shortText} does. */
  read(bytes: Bytes, start: number, end: number): string {
    const last = this.#last;
    if (last.length !== end - start) return this.#last = shortText(bytes, start, end);
    for (let i = 0; i < last.length; i++) {
      const byte = bytes[start + i] ?? 0;
      // Behind ASCII a byte is no character of its own.
      if (byte > 0x7f || byte !== last.charCodeAt(i)) {
        return this.#last = shortText(bytes, start, end);
      }
    }
    return last;
  }
}
