import { streamFrom } from "../bytes/stream_from.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import { LadingError } from "../model/errors.ts";

interface Host {
  readonly process?: {
    readonly stdin?: AsyncIterable<Bytes>;
    getBuiltinModule?(name: "node:os"): { tmpdir(): string } | undefined;
  };
}

/** Streams what this process reads on its standard input, once. */
export function standardInput(): ByteStream {
  const { process } = globalThis as Host;
  const stdin = process?.stdin;
  if (stdin === undefined) {
    throw new LadingError(
      "UNSUPPORTED_PLACE",
      'Cannot read "-": this runtime has no standard input',
    );
  }
  return streamFrom(plainChunks(stdin));
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
