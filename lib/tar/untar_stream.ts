import type { Bytes } from "../model/bytes.ts";
import { toByteStream } from "./_byte_stream.ts";
import { readTar, type TarEntry } from "./reader.ts";

/** A header of the format before POSIX. Names and numbers are those that are in force. */
export interface OldStyleFormat {
  /** The name. */
  name: string;
  /** The permission bits. */
  mode: number;
  /** The user ID. */
  uid: number;
  /** The group ID. */
  gid: number;
  /** The bytes of the content. */
  size: number;
  /** The modification time in seconds since 1970. */
  mtime: number;
  /** The type flag: "0" for files, "5" for directories. */
  typeflag: string;
  /** The target of a link. */
  linkname: string;
}

/** A header of POSIX (ustar). Names and numbers are those that are in force, by pax records too. */
export interface PosixUstarFormat extends OldStyleFormat {
  /** The mark of the format. */
  magic: string;
  /** Its version. */
  version: string;
  /** The name of the owner. */
  uname: string;
  /** The name of the group. */
  gname: string;
  /** The major number of a device, in octal digits. */
  devmajor: string;
  /** The minor number of a device, in octal digits. */
  devminor: string;
  /** The first part of the path; always empty, the name is whole. */
  prefix: string;
}

/** An entry of an archive. */
export interface TarStreamEntry {
  /** What the header says. */
  header: OldStyleFormat | PosixUstarFormat;
  /** The path. It is data: look at it before it meets a disk. */
  path: string;
  /** The content, where the type has one. It is to be read or cancelled before the next entry. */
  readable?: ReadableStream<Bytes>;
}

/** Types that have no content: links, devices, directories and pipes. */
const WITHOUT_CONTENT = "123456";

function headerOf(entry: TarEntry): OldStyleFormat | PosixUstarFormat {
  const { path, mode, uid, gid, size, mtime, typeFlag, linkPath = "", format } = entry;
  const old: OldStyleFormat = {
    name: path,
    mode,
    uid,
    gid,
    size,
    mtime,
    typeflag: typeFlag === "\0" ? "0" : typeFlag,
    linkname: linkPath,
  };
  if (format !== "ustar" && format !== "star") return old;
  const isDevice = typeFlag === "3" || typeFlag === "4";
  const device = (number: number) => isDevice ? number.toString(8).padStart(7, "0") : "";
  return {
    ...old,
    magic: "ustar\0",
    version: "00",
    uname: entry.userName,
    gname: entry.groupName,
    devmajor: device(entry.deviceMajor),
    devminor: device(entry.deviceMinor),
    prefix: "",
  };
}

/** The entries, each of which waits until the content of the one before was read or cancelled. */
class Entries {
  readonly #entries: AsyncGenerator<TarStreamEntry>;
  #release = () => {};

  constructor(archive: ReadableStream<Bytes>) {
    this.#entries = this.#read(archive);
  }

  next(): Promise<IteratorResult<TarStreamEntry>> {
    return this.#entries.next();
  }

  async end(): Promise<void> {
    this.#release();
    await this.#entries.return(undefined);
  }

  async *#read(archive: ReadableStream<Bytes>): AsyncGenerator<TarStreamEntry> {
    for await (const entry of readTar(archive)) {
      const header = headerOf(entry);
      if (WITHOUT_CONTENT.includes(header.typeflag)) {
        yield { path: entry.path, header };
        continue;
      }
      const whenRead = new Promise<void>((resolve) => this.#release = resolve);
      yield { path: entry.path, header, readable: toByteStream(entry.body, this.#release) };
      await whenRead;
    }
  }
}

/**
 * Unpacks a tar archive into its entries, in order. Memory is one entry's metadata and one chunk.
 * The next entry comes when the content of the one before was read or cancelled.
 *
 * The stream errors with an {@linkcode InvalidTarError} when the archive is damaged, and with a
 * {@linkcode LimitExceededError} when it has more metadata or entries than `readTar` takes.
 *
 * @example List an archive
 * ```ts
 * import { UntarStream } from "@lading/lading/tar/std";
 * import { writeTar } from "@lading/lading/tar";
 *
 * const archive = writeTar([{ path: "a.txt", body: new TextEncoder().encode("hello\n") }]);
 * for await (const entry of archive.pipeThrough(new UntarStream())) {
 *   console.log(entry.path, entry.header.size); // a.txt 6
 *   await entry.readable?.cancel();
 * }
 * ```
 */
export class UntarStream implements TransformStream<Bytes, TarStreamEntry> {
  readonly #readable: ReadableStream<TarStreamEntry>;
  readonly #writable: WritableStream<Bytes>;

  /** Makes a stream that is written an archive to, and read entries from. */
  constructor() {
    const { readable, writable } = new TransformStream<Bytes, Bytes>();
    this.#writable = writable;
    const entries = new Entries(readable);
    this.#readable = new ReadableStream<TarStreamEntry>({
      async pull(controller) {
        const { done, value } = await entries.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: () => entries.end(),
    }, { highWaterMark: 0 });
  }

  /** The entries. */
  get readable(): ReadableStream<TarStreamEntry> {
    return this.#readable;
  }

  /** Takes the archive. */
  get writable(): WritableStream<Bytes> {
    return this.#writable;
  }
}
