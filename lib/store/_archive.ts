import type { HasherFactory } from "../hash/hasher.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import { InvalidTarError, LimitExceededError } from "../model/errors.ts";
import type { CallOptions } from "../model/content.ts";
import { iterate } from "../bytes/iterate.ts";
import { SingleFlight } from "../bytes/single_flight.ts";
import { decompress } from "../compress/decompress.ts";
import { detectCompression, DETECTION_BYTES } from "../compress/detect.ts";
import type { FileSystem } from "./file_system.ts";
import { joinPath, quietly, streamFile, uniqueName } from "./_files.ts";
import { partOf, type RandomAccess } from "./random_access.ts";
import { type FileMember, readMembers, type TarMembers } from "./_tar_members.ts";

/** Where a compressed archive is unpacked to. */
export interface Spool {
  readonly fs: FileSystem;
  readonly directory: string;
  /** The most bytes that are unpacked. */
  readonly maxBytes: number | undefined;
}

/** How an archive is opened. */
export interface ArchiveContext {
  /** Opens it for reading; each call is closed again. */
  readonly open: () => Promise<RandomAccess>;
  /** The archive, for messages. */
  readonly place: string;
  readonly spool: Spool;
  readonly hasher: HasherFactory | undefined;
  /** Whether the digests of all files are needed. */
  readonly isHashed: boolean;
}

/** Options of {@linkcode ArchiveFiles.find}. */
export interface FindOptions extends CallOptions {
  /** Says that the file will be opened: what comes as a stream waits a moment for that. */
  readonly isWanted?: boolean | undefined;
}

/** The files of an archive. */
export interface ArchiveFiles {
  /** The archive, for messages. */
  readonly place: string;
  /** Finds a file by its name, over links. */
  find(path: string, options?: FindOptions): Promise<FileMember | undefined>;
  /** Everything that is in the archive. */
  members(signal?: AbortSignal): Promise<TarMembers>;
  /** Opens a file of the archive. */
  open(member: FileMember): Promise<RandomAccess>;
  /** Frees what the archive takes. */
  close(): Promise<void>;
}

/**
 * A tar archive whose files can be read in any order. It is read through once, at the first call;
 * one that is compressed as a whole is unpacked to a temporary file before, which has no name from
 * then on where the host allows that.
 */
export class Archive implements ArchiveFiles {
  readonly #context: ArchiveContext;
  readonly #reading = new SingleFlight<"members", TarMembers>();
  #members: TarMembers | undefined;
  #unpacked: RandomAccess | undefined;
  #leftover: string | undefined;

  constructor(context: ArchiveContext) {
    this.#context = context;
  }

  /** The archive, for messages. */
  get place(): string {
    return this.#context.place;
  }

  /** What is in the archive. */
  async members(signal?: AbortSignal): Promise<TarMembers> {
    return this.#members ??
      await this.#reading.run("members", (signal) => this.#read(signal), signal);
  }

  /** Finds a file. */
  async find(path: string, { signal }: FindOptions = {}): Promise<FileMember | undefined> {
    return (await this.members(signal)).find(path);
  }

  /** Opens a file of the archive. */
  async open({ offset, size }: FileMember): Promise<RandomAccess> {
    return partOf(await this.#openPlain(), offset, size);
  }

  /** Frees what an archive that was compressed takes; the archive can be opened anew. */
  async close(): Promise<void> {
    const unpacked = this.#unpacked;
    const leftover = this.#leftover;
    this.#members = undefined;
    this.#unpacked = undefined;
    this.#leftover = undefined;
    await unpacked?.close();
    if (leftover !== undefined) await this.#context.spool.fs.remove(leftover);
  }

  async #read(signal: AbortSignal): Promise<TarMembers> {
    const { place, isHashed, hasher } = this.#context;
    const file = await this.#context.open();
    try {
      const isPlain = detectCompression(await file.read(0, DETECTION_BYTES)) === "none";
      if (!isPlain) this.#unpacked ??= await this.#unpack(file, signal);
    } finally {
      await file.close();
    }
    signal.throwIfAborted();
    const options = { isHashed, hasher, signal };
    try {
      return this.#members = await readMembers(await this.#openPlain(), place, options);
    } catch (error) {
      if (!(error instanceof InvalidTarError)) throw error;
      // Who gave a wrong file wants to know which.
      const { message, offset } = error;
      throw new InvalidTarError(`Cannot open ${place}: ${message}`, { offset, cause: error });
    }
  }

  /** Opens the archive, or what was unpacked of it: that stays open until the archive is closed. */
  async #openPlain(): Promise<RandomAccess> {
    const unpacked = this.#unpacked;
    if (unpacked === undefined) return await this.#context.open();
    return {
      size: unpacked.size,
      read: (position, length) => unpacked.read(position, length),
      close: () => Promise.resolve(),
    };
  }

  async #unpack(file: RandomAccess, signal: AbortSignal): Promise<RandomAccess> {
    const { fs, directory, maxBytes } = this.#context.spool;
    const path = joinPath(directory, `.${uniqueName("lading")}`);
    const content = decompress(streamFile(file, { start: 0, end: file.size }), {
      maxOutputBytes: maxBytes,
    });
    try {
      await writeAll(fs, path, content, signal);
      const unpacked = await fs.open(path, { followLinks: false });
      // Removed at once, the file cannot be left behind; Windows keeps it while it is open.
      await fs.remove(path).catch(() => this.#leftover = path);
      return unpacked;
    } catch (error) {
      await quietly(fs.remove(path));
      throw error;
    }
  }
}

async function writeAll(
  fs: FileSystem,
  path: string,
  content: ByteStream,
  signal: AbortSignal,
): Promise<void> {
  const writer = await fs.create(path, { mode: 0o600 });
  try {
    for await (const chunk of iterate(content)) {
      signal.throwIfAborted();
      await writer.write(chunk);
    }
  } finally {
    await writer.close();
  }
}

/** Reads a file of an archive into memory. */
export async function readMember(
  archive: ArchiveFiles,
  member: FileMember,
  path: string,
  maxBytes: number,
): Promise<Bytes> {
  if (member.size > maxBytes) {
    throw new LimitExceededError(
      `Cannot read "${path}" of ${archive.place}: ${member.size} bytes are more than the limit ` +
        `of ${maxBytes}`,
      { limit: maxBytes, unit: "bytes" },
    );
  }
  const file = await archive.open(member);
  try {
    return await file.read(0, member.size);
  } finally {
    await file.close();
  }
}
