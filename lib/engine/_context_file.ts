import { streamFrom } from "../bytes/stream_from.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import { LadingError, LimitExceededError } from "../model/errors.ts";
import type { BuildFileInfo, BuildFiles } from "./build_files.ts";

/** How much of a file is read at once: engines of JavaScript collect small chunks sooner. */
const CHUNK_BYTES = 32 * 1024;

/** The longest Dockerfile or `.dockerignore`; usual ones have some KiB. */
export const MAX_TEXT_BYTES: number = 4 * 1024 * 1024;

/**
 * Streams a file of a context, and fails when it is not the same at the end as at the begin: half
 * of an old file and half of a new one would be built into the image.
 *
 * @param files The files.
 * @param path The file; not a link.
 * @param before What was known of it when its header was written.
 */
export function unchangedFile(
  files: BuildFiles,
  path: string,
  before: BuildFileInfo,
): ByteStream {
  return streamFrom(unchangedChunks(files, path, before));
}

async function* unchangedChunks(
  files: BuildFiles,
  path: string,
  before: BuildFileInfo,
): AsyncGenerator<Bytes, void, undefined> {
  const file = await files.open(path, { followLinks: false });
  try {
    if (file.size !== before.size) throw changed(path);
    for (let at = 0; at < before.size;) {
      const chunk = await file.read(at, Math.min(CHUNK_BYTES, before.size - at));
      if (chunk.length === 0) throw changed(path);
      at += chunk.length;
      yield chunk;
    }
  } finally {
    await file.close();
  }
  const after = await files.stat(path, { followLinks: false });
  if (after?.size !== before.size || after.mtimeMs !== before.mtimeMs) throw changed(path);
}

function changed(path: string): LadingError {
  return new LadingError(
    "FILE_CHANGED",
    `Cannot send the build context: ${JSON.stringify(path)} changed while it was read; build again`,
  );
}

/** Reads a small file, following links. */
export async function readText(files: BuildFiles, path: string): Promise<Bytes> {
  const file = await files.open(path);
  try {
    checkLength(path, file.size);
    const bytes = new Uint8Array(file.size);
    let at = 0;
    while (at < bytes.length) {
      const chunk = await file.read(at, bytes.length - at);
      if (chunk.length === 0) break;
      bytes.set(chunk, at);
      at += chunk.length;
    }
    return bytes.subarray(0, at);
  } finally {
    await file.close();
  }
}

/** Refuses a Dockerfile or a `.dockerignore` that is too long to be one. */
export function checkLength(path: string, size: number): void {
  if (size <= MAX_TEXT_BYTES) return;
  throw new LimitExceededError(
    `Cannot build: ${JSON.stringify(path)} is longer than ${MAX_TEXT_BYTES} bytes`,
    { limit: MAX_TEXT_BYTES, unit: "bytes" },
  );
}
