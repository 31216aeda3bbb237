// Contexts of builds, opened and read back.
import type { BuildContext, PackOptions } from "../../lib/engine/build_context.ts";
import type { BuildFiles } from "../../lib/engine/build_files.ts";
import { openContext } from "../../lib/engine/_context_open.ts";
import type { OpenContext } from "../../lib/engine/_context_pack.ts";
import { streamOf } from "../../lib/bytes/stream_from.ts";
import { decompress } from "../../lib/compress/decompress.ts";
import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";
import type { FileSystem } from "../../lib/store/file_system.ts";
import { memoryFileSystem } from "../../lib/store/memory_file_system.ts";
import { readTar } from "../../lib/tar/reader.ts";

/** Text as bytes. */
export const encode = (text: string): Bytes => new TextEncoder().encode(text);

/** Writes a file with the directories above it. */
export async function writeFile(
  fs: FileSystem,
  path: string,
  text: string,
  mode = 0o644,
): Promise<void> {
  const slash = path.lastIndexOf("/");
  if (slash > 0) await fs.makeDirectory(path.slice(0, slash), { recursive: true });
  const file = await fs.create(path, { mode });
  await file.write(encode(text));
  await file.close();
  await fs.setAttributes(path, { mode });
}

/** A file system with files in the directory `ctx`. */
export async function tree(files: Readonly<Record<string, string>>): Promise<FileSystem> {
  const fs = memoryFileSystem({ now: () => 1_700_000_000_500 });
  for (const [path, text] of Object.entries(files)) await writeFile(fs, `ctx/${path}`, text);
  return fs;
}

/** Options of {@linkcode open}. */
export interface OpenOptions extends PackOptions {
  readonly isBuildKit?: boolean;
}

/** Opens a context as a build does. */
export function open(
  context: BuildContext,
  files?: BuildFiles,
  { isBuildKit = false, ...options }: OpenOptions = {},
): Promise<OpenContext> {
  return openContext(context, {
    isBuildKit,
    files,
    openFile: undefined,
    signal: undefined,
    ...options,
  });
}

/** An entry of a context as it is sent. */
export interface Sent {
  readonly name: string;
  readonly type: string;
  readonly linkname: string;
  readonly text: string;
  readonly mode: number;
  readonly uid: number;
  readonly mtime: number;
}

/** The archive of a context. */
export function streamed({ body }: OpenContext): ByteStream {
  if (body === undefined) throw new Error("there is no body");
  return body instanceof Uint8Array ? streamOf(body) : body;
}

/** The entries of a context. */
export async function sent(context: OpenContext): Promise<Sent[]> {
  const entries: Sent[] = [];
  for await (const entry of readTar(decompress(streamed(context)))) {
    const { path, type, linkPath = "", mode, uid, mtime } = entry;
    const text = type === "file" ? await entry.text() : "";
    const name = path.replace(/\/$/, "");
    entries.push({ name, type, linkname: linkPath, text, mode, uid, mtime });
  }
  return entries;
}

/** The names in a context. */
export async function names(context: OpenContext): Promise<string[]> {
  return (await sent(context)).map(({ name }) => name);
}
