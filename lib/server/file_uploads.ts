import { streamFrom } from "../bytes/stream_from.ts";
import type { Bytes, ByteSource } from "../model/bytes.ts";
import type { UploadFileSystem, UploadFileWriter } from "./upload_file_system.ts";
import type { UploadSpool, UploadStore } from "./upload_store.ts";
import { randomUUID } from "./_uuid.ts";

/** How many bytes of a spooled upload are read at once. */
const READ_BYTES = 256 * 1024;

const PREFIX = "lading-upload-";

/** How old a file must be to be taken for one that a crash left behind: no upload takes a day. */
const STALE_MS = 24 * 60 * 60 * 1000;

/**
 * Keeps uploads in files until they are complete: memory stays at one chunk per upload, however
 * large the layer. Each upload holds one open file. Files that a crash left behind are removed when
 * the first upload starts, once they are a day old.
 *
 * @param fileSystem Holds the files, such as `nodeFileSystem()`.
 * @param directory Where they go; it is created when it is missing. Nobody else needs to read it.
 * @returns The store.
 */
export function fileUploads(fileSystem: UploadFileSystem, directory: string): UploadStore {
  let ready: Promise<void> | undefined;
  return {
    async create() {
      ready ??= prepare(fileSystem, directory).catch((error) => {
        ready = undefined;
        throw error;
      });
      await ready;
      const path = `${directory}/${PREFIX}${randomUUID()}`;
      return new FileSpool(fileSystem, path, await fileSystem.create(path, { mode: 0o600 }));
    },
  };
}

async function prepare(fileSystem: UploadFileSystem, directory: string): Promise<void> {
  await fileSystem.makeDirectory(directory, { recursive: true });
  const oldest = Date.now() - STALE_MS;
  for (const { name } of await fileSystem.readDirectory(directory)) {
    if (!name.startsWith(PREFIX)) continue;
    const path = `${directory}/${name}`;
    const info = await fileSystem.stat(path, { followLinks: false });
    // Another process may remove the same file first.
    if (info !== undefined && info.mtimeMs < oldest) await fileSystem.remove(path).catch(() => {});
  }
}

class FileSpool implements UploadSpool {
  readonly #fileSystem: UploadFileSystem;
  readonly #path: string;
  readonly #writer: UploadFileWriter;

  constructor(fileSystem: UploadFileSystem, path: string, writer: UploadFileWriter) {
    this.#fileSystem = fileSystem;
    this.#path = path;
    this.#writer = writer;
  }

  append(chunk: Bytes): Promise<void> {
    return this.#writer.write(chunk);
  }

  source(): Promise<ByteSource> {
    return Promise.resolve(() => streamFrom(readFile(this.#fileSystem, this.#path)));
  }

  async remove(): Promise<void> {
    await this.#writer.close().catch(() => {});
    await this.#fileSystem.remove(this.#path);
  }
}

async function* readFile(fileSystem: UploadFileSystem, path: string): AsyncGenerator<Bytes> {
  const file = await fileSystem.open(path, { followLinks: false });
  try {
    for (let position = 0; position < file.size;) {
      const chunk = await file.read(position, READ_BYTES);
      if (chunk.byteLength === 0) return;
      position += chunk.byteLength;
      yield chunk;
    }
  } finally {
    await file.close();
  }
}
