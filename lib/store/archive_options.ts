import type { HasherFactory } from "../hash/hasher.ts";
import type { FileSystem } from "./file_system.ts";
import { Archive, type ArchiveFiles } from "./_archive.ts";
import { directoryOf } from "./_files.ts";
import { memoryFileSystem } from "./memory_file_system.ts";
import { type ArchiveInput, openInput } from "./random_access.ts";
import { StreamedArchive } from "./_streamed_archive.ts";

/** An archive that is unpacked in memory because there is no disk: more than that is refused. */
const MAX_UNPACKED_BYTES = 1024 * 1024 * 1024;

/** What is put aside of a stream where there is no disk: half of what a worker at the edge has. */
const MAX_ASIDE_BYTES = 64 * 1024 * 1024;

/** Options of `dockerArchive()` and `ociArchive()`. */
export interface ArchiveOptions {
  /** Makes the hasher that proves what is read. */
  readonly hasher?: HasherFactory | undefined;
  /**
   * Where an archive that is compressed as a whole is unpacked to, and where parts of a stream are
   * put that are needed later than they come. Default: beside the archive, or in memory when the
   * archive is no file.
   */
  readonly temporary?: {
    /** The file system to unpack to. */
    readonly fileSystem: FileSystem;
    /** The directory in it; it has to be there. */
    readonly directory: string;
  } | undefined;
  /**
   * The most bytes that are held in memory where there is no `temporary`; default 64 MiB of a
   * stream, and 1 GiB of what is unpacked.
   */
  readonly maxMemoryBytes?: number | undefined;
}

/** An archive by its path, or as itself. */
export type ArchiveArguments =
  | readonly [fs: FileSystem, path: string, options?: ArchiveOptions | undefined]
  | readonly [input: ArchiveInput, options?: ArchiveOptions | undefined];

/** Takes the arguments of `dockerArchive()` and `ociArchive()` apart. */
export function archiveOf(
  args: ArchiveArguments,
  kind: string,
  isHashed: boolean,
): { readonly archive: ArchiveFiles; readonly options: ArchiveOptions } {
  if (isPath(args)) {
    const [fs, path, options = {}] = args;
    const { temporary } = options;
    const archive = new Archive({
      open: () => fs.open(path),
      place: `${kind} ${JSON.stringify(path)}`,
      hasher: options.hasher,
      isHashed,
      spool: {
        fs: temporary?.fileSystem ?? fs,
        directory: temporary?.directory ?? directoryOf(path),
        maxBytes: undefined,
      },
    });
    return { archive, options };
  }
  const [input, options = {}] = args;
  const { temporary, hasher, maxMemoryBytes } = options;
  const isStream = input instanceof ReadableStream;
  const maxBytes = maxMemoryBytes ?? (isStream ? MAX_ASIDE_BYTES : MAX_UNPACKED_BYTES);
  const place = `the ${kind}`;
  const spool = {
    fs: temporary?.fileSystem ?? memoryFileSystem(),
    directory: temporary?.directory ?? "",
    maxBytes: temporary === undefined ? maxBytes : undefined,
  };
  const archive = isStream
    ? new StreamedArchive(input, { ...spool, place, hasher, isHashed })
    : new Archive({ open: () => openInput(input), place, hasher, isHashed, spool });
  return { archive, options };
}

function isPath(
  args: ArchiveArguments,
): args is readonly [fs: FileSystem, path: string, options?: ArchiveOptions | undefined] {
  return typeof args[1] === "string";
}
