import type * as FileSystemModule from "node:fs";
import { noteOwnedChunks } from "../bytes/lineage.ts";
import { streamFrom } from "../bytes/stream_from.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import { LadingError } from "../model/errors.ts";
import { PIECE_BYTES, readAhead } from "./_read_ahead.ts";

interface Host {
  readonly process?: {
    readonly stdin?: AsyncIterable<Bytes>;
    getBuiltinModule?(name: "node:fs"): typeof FileSystemModule | undefined;
    getBuiltinModule?(name: "node:os"): { tmpdir(): string } | undefined;
  };
}

/** The descriptor of the standard input. */
const STDIN = 0;

/** Streams what this process reads on its standard input, once. */
export function standardInput(): ByteStream {
  const { process } = globalThis as Host;
  const fs = process?.getBuiltinModule?.("node:fs");
  if (fs !== undefined && isFile(fs)) return readAhead(() => readPiece(fs), async () => {});
  const stdin = process?.stdin;
  if (stdin === undefined) {
    throw new LadingError(
      "UNSUPPORTED_PLACE",
      'Cannot read "-": this runtime has no standard input',
    );
  }
  const stream = streamFrom(plainChunks(stdin));
  noteOwnedChunks(stream);
  return stream;
}

/** Tells whether the standard input is a file: `lading … < archive.tar`. */
function isFile(fs: typeof FileSystemModule): boolean {
  try {
    return fs.fstatSync(STDIN).isFile();
  } catch {
    // It is closed.
    return false;
  }
}

/** Reads where the last read ended, be it that of another process. */
function readPiece(fs: typeof FileSystemModule): Promise<Bytes> {
  const bytes = new Uint8Array(PIECE_BYTES);
  return new Promise((resolve, reject) => {
    fs.read(STDIN, bytes, 0, bytes.byteLength, null, (error, count) => {
      if (error !== null) reject(error);
      else resolve(count === bytes.byteLength ? bytes : bytes.slice(0, count));
    });
  });
}

async function* plainChunks(input: AsyncIterable<Bytes>): AsyncGenerator<Bytes, void, undefined> {
  // No Buffer leaves: it is another class.
  for await (const { buffer, byteOffset, byteLength } of input) {
    yield new Uint8Array(buffer, byteOffset, byteLength);
  }
}

/** The directory for files that are needed for a moment. */
export function temporaryDirectory(): string {
  const { process } = globalThis as Host;
  return process?.getBuiltinModule?.("node:os")?.tmpdir() ?? "/tmp";
}
