import { openSource } from "../bytes/source.ts";
import type { Bytes, ByteSource, ByteStream } from "../model/bytes.ts";
import type { CallOptions } from "../model/content.ts";
import { LadingError } from "../model/errors.ts";

/** Opens a file of the machine; runtimes that have files bring it. */
export type OpenFile = (path: string, options: CallOptions) => Promise<ByteStream>;

/** A file of the machine. */
export interface FileInput {
  /** Its path. */
  readonly file: string;
}

/** An archive: bytes, a stream, what opens a stream, a `Blob`, or a file of the machine. */
export type ArchiveBody = ByteSource | Blob | FileInput;

/** Opens an archive to send it. */
export async function openArchive(
  input: ArchiveBody,
  openFile: OpenFile | undefined,
  options: CallOptions,
): Promise<Bytes | ByteStream> {
  if (input instanceof Blob) return input.stream() as ByteStream;
  if (input instanceof Uint8Array) return input;
  if (typeof input === "function" || input instanceof ReadableStream) {
    return await openSource(input);
  }
  if (typeof input?.file !== "string" || input.file === "" || input.file.includes("\0")) {
    throw new TypeError("Cannot open an archive: it is neither content nor the path of a file");
  }
  if (openFile !== undefined) return await openFile(input.file, options);
  throw new LadingError(
    "UNSUPPORTED_PLACE",
    `Cannot open ${JSON.stringify(input.file)}: there are no files here; give a stream`,
  );
}
