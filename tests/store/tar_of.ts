import type { Bytes } from "../../lib/model/bytes.ts";
import { concatBytes } from "../../lib/bytes/concat.ts";
import { utf8 } from "./content.ts";

/** An entry of an archive: a file, or a link to `link`. */
export interface TarOfEntry {
  readonly path: string;
  readonly content?: Bytes | string;
  readonly link?: string;
  /** The type flag of ustar; by default that of a file or of a symbolic link. */
  readonly flag?: string;
}

/** Makes a plain ustar archive, byte by byte, without the writer that is under test elsewhere. */
export function tarOf(entries: readonly TarOfEntry[]): Bytes {
  const parts: Bytes[] = [];
  for (const { path, content = "", link, flag = link === undefined ? "0" : "2" } of entries) {
    const body = typeof content === "string" ? utf8(content) : content;
    const header = new Uint8Array(512);
    const put = (offset: number, text: string) => header.set(utf8(text), offset);
    const octal = (value: number, digits: number) => value.toString(8).padStart(digits, "0");
    put(0, path);
    put(100, "0000644\0");
    put(108, "0000000\0");
    put(116, "0000000\0");
    put(124, `${octal(body.byteLength, 11)}\0`);
    put(136, "00000000000\0");
    put(148, "        ");
    put(156, flag);
    put(157, link ?? "");
    put(257, "ustar\u000000");
    put(148, `${octal(header.reduce((sum, byte) => sum + byte, 0), 6)}\0 `);
    parts.push(header, body, new Uint8Array((512 - body.byteLength % 512) % 512));
  }
  return concatBytes([...parts, new Uint8Array(1024)]);
}

/** Wraps bytes as a zstd frame of stored blocks (RFC 8878 §3.1.1). */
export function storedZstd(bytes: Bytes): Bytes {
  const size = new Uint8Array(4);
  new DataView(size.buffer).setUint32(0, bytes.byteLength, true);
  const parts: Bytes[] = [Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0xa0), size];
  for (let at = 0; at < bytes.byteLength; at += 65_536) {
    const block = bytes.slice(at, at + 65_536);
    const isLast = at + 65_536 >= bytes.byteLength ? 1 : 0;
    const head = block.byteLength << 3 | isLast;
    parts.push(Uint8Array.of(head & 255, head >> 8 & 255, head >> 16), block);
  }
  return concatBytes(parts);
}
