import type * as FileSystemModule from "node:fs";
import { noteOwnedChunks } from "../bytes/lineage.ts";
import { withSignal } from "../bytes/signal.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import { LadingError } from "../model/errors.ts";
import { PIECE_BYTES, readAhead } from "./_read_ahead.ts";

/** What a process reads that comes through a pipe, or from a terminal. */
interface Piped extends AsyncIterable<Bytes> {
  destroy(): void;
}

interface Host {
  readonly Deno?: { readonly stdin: { close(): void } };
  readonly process?: {
    readonly stdin?: Piped;
    getBuiltinModule?(name: "node:fs"): typeof FileSystemModule | undefined;
    getBuiltinModule?(name: "node:os"): { tmpdir(): string } | undefined;
  };
}

/** The descriptor of the standard input. */
const STDIN = 0;

/**
 * Streams what this process reads on its standard input, once.
 *
 * @param signal Ends the stream, also while nothing comes.
 * @returns The stream.
 */
export function standardInput(signal?: AbortSignal): ByteStream {
  return withSignal(openInput(), signal);
}

function openInput(): ByteStream {
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
  return pipedInput(stdin);
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

function pipedInput(input: Piped): ByteStream {
  let chunks: AsyncIterator<Bytes> | undefined;
  const stream = new ReadableStream<Bytes>({
    async pull(controller) {
      chunks ??= input[Symbol.asyncIterator]();
      const { done, value } = await chunks.next();
      if (done === true) return controller.close();
      // No Buffer leaves: it is another class.
      const { buffer, byteOffset, byteLength } = value;
      controller.enqueue(new Uint8Array(buffer, byteOffset, byteLength));
    },
    // An iterator ends when a chunk has come, which may be never; until then the process would go on,
    // on Deno also after the stream was destroyed.
    cancel() {
      const { Deno } = globalThis as Host;
      if (Deno === undefined) input.destroy();
      else Deno.stdin.close();
    },
  }, { highWaterMark: 0 });
  noteOwnedChunks(stream);
  return stream;
}

/** The directory for files that are needed for a moment. */
export function temporaryDirectory(): string {
  const { process } = globalThis as Host;
  return process?.getBuiltinModule?.("node:os")?.tmpdir() ?? "/tmp";
}
