import type { Bytes } from "../model/bytes.ts";
import { feedOf } from "../bytes/feed.ts";
import { toByteStream } from "./_byte_stream.ts";
import { EntryReader } from "./entry_reader.ts";
import { readEntries } from "./read_entries.ts";
import { readTarNumber } from "../kernel/tar_rules.ts";
import type { TarEntry } from "./entry.ts";
import { textField } from "./header.ts";

/** A header of the format before POSIX. What pax and GNU headers replaced is replaced. */
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

/** A header of POSIX (ustar). What pax headers replaced is replaced. */
export interface PosixUstarFormat extends OldStyleFormat {
  /** The mark of the format. */
  magic: string;
  /** Its version. */
  version: string;
  /** The name of the owner. */
  uname: string;
  /** The name of the group. */
  gname: string;
  /** The major number of a device, as the field has it: in octal digits. */
  devmajor: string;
  /** The minor number of a device, as the field has it: in octal digits. */
  devminor: string;
  /** The first part of the path, where the header splits it; a slash follows. */
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

const decoder = new TextDecoder();

/**
 * The header as the original shows it: fields as they are in the block, but for what metadata
 * before it replaced.
 */
function headerOf(entry: TarEntry, block: Bytes): OldStyleFormat | PosixUstarFormat {
  const text = (start: number, length: number): string =>
    decoder.decode(textField(block, start, length));
  const isPosix = decoder.decode(block.subarray(257, 265)) === "ustar\u000000";
  const name = text(0, 100);
  const prefix = isPosix ? text(345, 155) : "";
  const isOwnName = entry.path === (prefix === "" ? name : `${prefix}/${name}`);
  const old: OldStyleFormat = {
    name: isOwnName ? name : entry.path,
    // All bits, as some writers put the type of the file there.
    mode: readTarNumber(block, 100, 8),
    uid: entry.uid,
    gid: entry.gid,
    size: entry.size,
    mtime: entry.mtime,
    typeflag: entry.typeFlag === "\0" ? "0" : entry.typeFlag,
    linkname: entry.linkPath ?? text(157, 100),
  };
  if (!isPosix) return old;
  const digits = (start: number): string =>
    decoder.decode(block.subarray(start, start + 8)).replaceAll("\0", "");
  return {
    ...old,
    magic: "ustar\0",
    version: "00",
    uname: entry.userName,
    gname: entry.groupName,
    devmajor: digits(329),
    devminor: digits(337),
    prefix: isOwnName ? prefix : "",
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
    const reader = new EntryReader(() => feedOf(archive), {});
    for await (const entry of readEntries(reader, () => {})) {
      const header = headerOf(entry, reader.block);
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
export class UntarStream implements TransformStream<Uint8Array, TarStreamEntry> {
  readonly #readable: ReadableStream<TarStreamEntry>;
  readonly #writable: WritableStream<Uint8Array>;

  /** Makes a stream that is written an archive to, and read entries from. */
  constructor() {
    const { readable, writable } = new TransformStream<Bytes, Bytes>();
    // Bytes in shared memory, which the type allows for, come from nowhere.
    this.#writable = writable as WritableStream<Uint8Array>;
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
  get writable(): WritableStream<Uint8Array> {
    return this.#writable;
  }
}
