import type { Bytes, ByteStream } from "../model/bytes.ts";
import type { TarEntry, TarEntryType } from "./entry.ts";
import type { FoundEntry } from "./found_entry.ts";
import type { TarFormat } from "./header.ts";

/** The entry that users see. Everything is a property of the object itself, so that copies have it. */
export class ReadEntry implements TarEntry {
  readonly path: string;
  readonly pathBytes: Bytes;
  readonly type: TarEntryType;
  readonly typeFlag: string;
  readonly format: TarFormat;
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly userName: string;
  readonly groupName: string;
  readonly mtime: number;
  readonly mtimeNs: bigint;
  readonly linkPath: string | undefined;
  readonly linkPathBytes: Bytes | undefined;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  readonly pax: ReadonlyMap<string, Bytes>;
  readonly xattrs: ReadonlyMap<string, Bytes>;
  readonly headerOffset: number;
  readonly bodyOffset: number;
  declare readonly body: ByteStream;
  readonly #found: FoundEntry;

  // One accessor for all: a getter of its own for each would make every object another shape, which
  // takes five times as long.
  static readonly #BODY: PropertyDescriptor = {
    get(this: ReadEntry): ByteStream {
      return this.#found.body;
    },
    enumerable: true,
  };

  constructor(found: FoundEntry) {
    Object.defineProperty(this, "body", ReadEntry.#BODY);
    this.#found = found;
    this.path = found.path;
    this.pathBytes = found.pathBytes;
    this.type = found.type;
    this.typeFlag = found.typeFlag;
    this.format = found.format;
    this.size = found.size;
    this.mode = found.mode;
    this.uid = found.uid;
    this.gid = found.gid;
    this.userName = found.userName;
    this.groupName = found.groupName;
    this.mtime = found.mtime;
    this.mtimeNs = found.mtimeNs;
    this.linkPath = found.linkPath;
    this.linkPathBytes = found.linkPathBytes;
    this.deviceMajor = found.deviceMajor;
    this.deviceMinor = found.deviceMinor;
    this.pax = found.pax;
    this.xattrs = found.xattrs;
    this.headerOffset = found.headerOffset;
    this.bodyOffset = found.bodyOffset;
  }

  readonly lend = async (
    take: (piece: Bytes) => void | Promise<void>,
    skip?: (bytes: number) => void | Promise<void>,
  ): Promise<void> => await this.#found.lend(take, skip);

  readonly bytes = (maxBytes?: number): Promise<Bytes> => this.#found.bytes(maxBytes);

  readonly text = (maxBytes?: number): Promise<string> => this.#found.text(maxBytes);
}
