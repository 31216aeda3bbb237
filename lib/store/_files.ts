import { noteOwnedChunks } from "../bytes/lineage.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import { LimitExceededError } from "../model/errors.ts";
import { type FileSystem, FileSystemError, type FileSystemReason } from "./file_system.ts";
import type { RandomAccess } from "./random_access.ts";
import type { Span } from "../bytes/span.ts";

/** How much of a file is read at once: few calls, and little memory beside any number of pulls. */
const CHUNK_BYTES = 128 * 1024;

/** Joins a directory and a name below it. */
export function joinPath(directory: string, name: string): string {
  if (directory === "") return name;
  return directory.endsWith("/") ? directory + name : `${directory}/${name}`;
}

/** The directory that a name is in, as a path that others can be joined to. */
export function directoryOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "." : path.slice(0, slash + 1);
}

/** The last part of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** Tells whether an error is that of a file system, for one of these reasons. */
export function failedBecause(error: unknown, ...reasons: FileSystemReason[]): boolean {
  return error instanceof FileSystemError && reasons.includes(error.reason);
}

/** Does what may fail without harm: the cleaning up after another failure. */
export async function quietly(action: Promise<unknown>): Promise<void> {
  try {
    await action;
  } catch {
    // The failure before this one is the one to tell.
  }
}

/** Streams a part of an open file, and closes the file at the end, on cancel and on failure. */
export function streamFile(file: RandomAccess, span: Span): ByteStream {
  let at = span.start;
  const stream = new ReadableStream<Bytes>({
    async pull(controller) {
      try {
        const chunk = at < span.end
          ? await file.read(at, Math.min(CHUNK_BYTES, span.end - at))
          : undefined;
        // A file that became shorter ends early here; size and digest are proved further on.
        if (chunk === undefined || chunk.byteLength === 0) {
          await file.close();
          return controller.close();
        }
        at += chunk.byteLength;
        controller.enqueue(chunk);
      } catch (error) {
        await quietly(file.close());
        throw error;
      }
    },
    cancel: () => quietly(file.close()),
  }, { highWaterMark: 0 });
  if (file.isGivenAway === true) noteOwnedChunks(stream);
  return stream;
}

/**
 * Reads a whole file.
 *
 * @throws {LimitExceededError} when it is longer than `maxBytes`.
 */
export async function readFile(
  fs: FileSystem,
  path: string,
  options: { readonly maxBytes: number; readonly followLinks: boolean },
): Promise<Bytes> {
  const { maxBytes, followLinks } = options;
  const file = await fs.open(path, { followLinks });
  try {
    if (file.size > maxBytes) {
      throw new LimitExceededError(
        `Cannot read "${path}": ${file.size} bytes are more than the limit of ${maxBytes}`,
        { limit: maxBytes, unit: "bytes" },
      );
    }
    return await file.read(0, file.size);
  } finally {
    await file.close();
  }
}

/** Makes a name that no other writer has; it begins with the owner's word. */
export function uniqueName(owner: string): string {
  const random = crypto.getRandomValues(new Uint32Array(2));
  return `${owner}-${[...random].map((word) => word.toString(16).padStart(8, "0")).join("")}`;
}
