import type { Bytes } from "../model/bytes.ts";
import { LimitExceededError } from "../model/errors.ts";
import { failedBecause, joinPath, quietly, uniqueName } from "./_files.ts";
import type { FileSystem } from "./file_system.ts";
import { sweep } from "./_layout_files.ts";
import type { RandomAccess } from "./random_access.ts";
import { WriteBehind } from "./_write_behind.ts";

/** What the directories are called that hold parts of streams. */
const PREFIX = ".lading-stream-";

/** Where parts of a stream are put aside. */
export interface AsideOptions {
  readonly fs: FileSystem;
  /** A directory that is there. */
  readonly directory: string;
  /** The most bytes that are put aside. */
  readonly maxBytes: number | undefined;
  /** The archive, for messages. */
  readonly place: string;
}

/** Parts of a stream that are needed later than they come, each in a file of its own. */
export class Aside {
  readonly #options: AsideOptions;
  readonly #directory: string;
  #prepared = false;
  #count = 0;
  #bytes = 0;

  constructor(options: AsideOptions) {
    this.#options = options;
    this.#directory = joinPath(options.directory, PREFIX + uniqueName("x").slice(2));
  }

  /** Tells whether as many bytes more can be put aside. */
  hasRoomFor(bytes: number): boolean {
    const { maxBytes } = this.#options;
    return maxBytes === undefined || this.#bytes + bytes <= maxBytes;
  }

  /** Begins a file for as many bytes. */
  async begin(size: number): Promise<AsideFile> {
    const { fs, directory, maxBytes = 0, place } = this.#options;
    if (!this.hasRoomFor(size)) {
      throw new LimitExceededError(
        `Cannot read ${place}: more than ${maxBytes} bytes of its stream are needed later than ` +
          "they come; name a file system to put them aside in, as `temporary`",
        { limit: maxBytes, unit: "bytes" },
      );
    }
    if (!this.#prepared) {
      await sweep({ fs }, directory, PREFIX);
      await fs.makeDirectory(this.#directory, { mode: 0o700 });
      this.#prepared = true;
    }
    this.#bytes += size;
    const path = joinPath(this.#directory, String(++this.#count));
    const writer = await fs.create(path, { mode: 0o600 });
    return new AsideFile(fs, path, new WriteBehind(writer, size), () => writer.close(), () => {
      this.#bytes -= size;
    });
  }

  /** Removes everything. */
  async clear(): Promise<void> {
    if (!this.#prepared) return;
    this.#prepared = false;
    this.#bytes = 0;
    try {
      await this.#options.fs.remove(this.#directory, { recursive: true });
    } catch (error) {
      if (!failedBecause(error, "not-found")) throw error;
    }
  }
}

/** A part of a stream that is put aside. */
export class AsideFile {
  readonly #fs: FileSystem;
  readonly #path: string;
  readonly #behind: WriteBehind;
  readonly #close: () => Promise<void>;
  readonly #freed: () => void;

  constructor(
    fs: FileSystem,
    path: string,
    behind: WriteBehind,
    close: () => Promise<void>,
    freed: () => void,
  ) {
    this.#fs = fs;
    this.#path = path;
    this.#behind = behind;
    this.#close = close;
    this.#freed = freed;
  }

  /** Appends bytes. */
  async write(chunk: Bytes): Promise<void> {
    await this.#behind.write(chunk);
  }

  /** Ends the writing; the file can be opened from now on. */
  async finish(): Promise<void> {
    await this.#behind.flush();
    await this.#close();
  }

  /** Ends the writing of a file that is not needed any more, after a failure too. */
  async abandon(): Promise<void> {
    await this.#behind.abandon();
    await quietly(this.#close());
    await this.remove();
  }

  /** Opens it for reading. */
  async open(): Promise<RandomAccess> {
    return await this.#fs.open(this.#path, { followLinks: false });
  }

  /** Removes it; who has it open goes on reading where the host allows that. */
  async remove(): Promise<void> {
    await quietly(this.#fs.remove(this.#path));
    this.#freed();
  }
}
