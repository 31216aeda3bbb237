// Builds archives block by block, right or wrong ones.
import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";
import { isLadingError } from "../../lib/model/errors.ts";
import { readTar, type TarEntry } from "../../lib/tar/mod.ts";

export const BLOCK = 512;

export const encode = (text: string): Bytes => new TextEncoder().encode(text);

/** Fields of a header; numbers are written as octal text, bytes as they are. */
export interface Fields {
  readonly name?: string | undefined;
  readonly type?: string | undefined;
  readonly size?: number | string | Uint8Array | undefined;
  readonly link?: string | undefined;
  readonly magic?: string | undefined;
  readonly prefix?: string | undefined;
  readonly uid?: number | string | Uint8Array | undefined;
  readonly mtime?: number | string | Uint8Array | undefined;
}

const fieldOf = (value: number | string | Uint8Array, length: number): Uint8Array =>
  typeof value === "number"
    ? encode(value.toString(8).padStart(length - 1, "0"))
    : typeof value === "string"
    ? encode(value)
    : value;

/** Puts the right checksum into a header. */
export function seal(block: Uint8Array): void {
  block.fill(0x20, 148, 156);
  let sum = 0;
  for (const byte of block.subarray(0, BLOCK)) sum += byte;
  block.set(encode(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
}

/** A header with a right checksum. */
export function header(fields: Fields, change: (block: Bytes) => void = () => {}): Bytes {
  const block = new Uint8Array(BLOCK);
  block.set(encode(fields.name ?? "file"));
  block.set(encode("0000644"), 100);
  block.set(fieldOf(fields.uid ?? 0, 8), 108);
  block.set(encode("0000000"), 116);
  block.set(fieldOf(fields.size ?? 0, 12), 124);
  block.set(fieldOf(fields.mtime ?? 0, 12), 136);
  block.set(encode(fields.type ?? "0"), 156);
  block.set(encode(fields.link ?? ""), 157);
  block.set(encode(fields.magic ?? "ustar\u000000"), 257);
  block.set(encode(fields.prefix ?? ""), 345);
  change(block);
  seal(block);
  return block;
}

/** Base-256, as GNU and star write numbers that are too large for octal. */
export function base256(value: bigint, length = 12): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => {
    const byte = Number(BigInt.asUintN(8, value >> BigInt(8 * (length - 1 - at))));
    return at === 0 ? byte | 0x80 : byte;
  });
}

export function join(...parts: readonly Uint8Array[]): Bytes {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Fills content up to whole blocks. */
export function padded(content: Uint8Array): Bytes {
  return join(content, new Uint8Array((BLOCK - content.length % BLOCK) % BLOCK));
}

/** A header and its content. */
export function member(fields: Fields, content: Uint8Array = new Uint8Array()): Bytes {
  return join(header({ size: content.length, ...fields }), padded(content));
}

/** A pax record. */
export function record(key: string, value: string | Uint8Array): Bytes {
  const bytes = typeof value === "string" ? encode(value) : value;
  const rest = encode(key).length + bytes.length + 3;
  let length = rest;
  while (rest + String(length).length !== length) length = rest + String(length).length;
  return join(encode(`${length} ${key}=`), bytes, encode("\n"));
}

/** A pax header with its records. */
export function pax(records: Readonly<Record<string, string>>, type = "x"): Bytes {
  const parts = Object.entries(records).map(([key, value]) => record(key, value));
  return member({ name: "PaxHeaders/file", type }, join(...parts));
}

/** The two blocks that end an archive. */
export const END: Bytes = new Uint8Array(2 * BLOCK);

/** A stream that counts what is taken of it. */
export interface Counted {
  readonly stream: ByteStream;
  taken(): number;
}

/** Bytes, and behind them as many zeros as anyone reads, up to `most`. */
export function endless(begin: Uint8Array, chunk: Bytes, most: number): Counted {
  let taken = 0;
  const stream = new ReadableStream<Bytes>({
    pull(controller) {
      if (taken >= most) return controller.close();
      const piece = taken === 0 ? new Uint8Array(begin) : chunk.slice();
      taken += piece.length;
      controller.enqueue(piece);
    },
  }, { highWaterMark: 0 });
  return { stream, taken: () => taken };
}

/** How reading an archive went. */
export interface Outcome {
  readonly names: readonly string[];
  readonly entries: readonly TarEntry[];
  /** The code of the error; `undefined` at a right end. */
  readonly code: string | undefined;
  readonly error: unknown;
}

/** Reads an archive; an error that is none of the library's is thrown. */
export async function outcomeOf(archive: ByteStream, maxEntries?: number): Promise<Outcome> {
  const entries: TarEntry[] = [];
  const names = (): string[] => entries.map(({ path }) => path);
  try {
    for await (const entry of readTar(archive, { maxEntries })) entries.push(entry);
    return { names: names(), entries, code: undefined, error: undefined };
  } catch (error) {
    if (!isLadingError(error)) throw error;
    return { names: names(), entries, code: error.code, error };
  }
}
