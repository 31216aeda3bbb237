import { iterate } from "../bytes/iterate.ts";
import { openSource } from "../bytes/source.ts";
import type { ByteStream } from "../model/bytes.ts";
import { nodeFileSystem } from "../runtime/node_file_system.ts";
import { standardInput, temporaryDirectory } from "../runtime/standard_input.ts";
import { fileUploads } from "../server/file_uploads.ts";
import { fileContent } from "../store/file_content.ts";

/** What stands for the standard input. */
const STANDARD_INPUT = "-";

/** Content that was named on the command line. */
export interface Input {
  /** Opens it; again and again. */
  readonly content: () => ByteStream | Promise<ByteStream>;
  /** Frees what it needs. */
  close(): Promise<void>;
}

/** Opens `FILE|-` once. */
export async function inputStream(path: string, signal: AbortSignal): Promise<ByteStream> {
  return path === STANDARD_INPUT
    ? standardInput(signal)
    : await fileContent(nodeFileSystem(), path)();
}

/** Opens `FILE|-`; the standard input, which is read once, waits in a temporary file. */
export async function openInput(path: string, signal: AbortSignal): Promise<Input> {
  if (path !== STANDARD_INPUT) {
    return { content: fileContent(nodeFileSystem(), path), close: () => Promise.resolve() };
  }
  const spool = await fileUploads(nodeFileSystem(), temporaryDirectory()).create();
  try {
    for await (const chunk of iterate(standardInput(signal))) await spool.append(chunk);
    const source = await spool.source();
    return { content: () => openSource(source), close: () => spool.remove() };
  } catch (error) {
    await spool.remove();
    throw error;
  }
}
