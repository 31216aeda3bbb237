import type { HasherFactory } from "../hash/hasher.ts";
import type { FileSystem } from "./file_system.ts";
import { Archive } from "./_archive.ts";
import { directoryOf } from "./_files.ts";
import { memoryFileSystem } from "./memory_file_system.ts";
import { type ArchiveInput, openInput } from "./random_access.ts";

/** An archive that is unpacked in memory because there is no disk: more than that is refused. */
const MAX_MEMORY_SPOOL_BYTES = 1024 * 1024 * 1024;

/** Options of `dockerArchive()` and `ociArchive()`. */
export interface ArchiveOptions {
  /** Makes the hasher that proves what is read. */
  readonly hasher?: HasherFactory | undefined;
  /**
   * Where an archive that is compressed as a whole is unpacked to. Default: beside the archive, or
   * in memory (up to 1 GiB) when the archive is no file.
   */
  readonly temporary?: {
    /** The file system to unpack to. */
    readonly fileSystem: FileSystem;
    /** The directory in it; it has to be there. */
    readonly directory: string;
  } | undefined;
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
): { readonly archive: Archive; readonly options: ArchiveOptions } {
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
  const { temporary } = options;
  const archive = new Archive({
    open: () => openInput(input),
    place: `the ${kind}`,
    hasher: options.hasher,
    isHashed,
    spool: {
      fs: temporary?.fileSystem ?? memoryFileSystem(),
      directory: temporary?.directory ?? "",
      maxBytes: temporary === undefined ? MAX_MEMORY_SPOOL_BYTES : undefined,
    },
  });
  return { archive, options };
}

function isPath(
  args: ArchiveArguments,
): args is readonly [fs: FileSystem, path: string, options?: ArchiveOptions | undefined] {
  return typeof args[1] === "string";
}
