import type { ByteStream } from "../model/bytes.ts";
import type { FileSystem } from "./file_system.ts";
import { streamFile } from "./_files.ts";

/**
 * Gives the content of a file as a source that can be read again and again. The file is opened with
 * each reading, and closed at its end.
 *
 * @param fs The file system.
 * @param path The file.
 * @returns A function that opens the content; it rejects with {@linkcode FileSystemError} where it
 * cannot.
 *
 * @example
 * ```ts
 * import { fileContent, memoryFileSystem } from "@lading/lading/store";
 *
 * const fs = memoryFileSystem();
 * const file = await fs.create("hello.txt");
 * await file.write(new TextEncoder().encode("hello"));
 * await file.close();
 * const content = fileContent(fs, "hello.txt");
 * console.log(await new Response(await content()).text()); // hello
 * ```
 */
export function fileContent(fs: FileSystem, path: string): () => Promise<ByteStream> {
  return async () => {
    const file = await fs.open(path);
    return streamFile(file, { start: 0, end: file.size });
  };
}
