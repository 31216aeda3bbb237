import type { HashAlgorithm } from "../hash/hasher.ts";
import type { Compression } from "./detect.ts";
import type { KernelChoice } from "./stages.ts";

/** What is to be done with a layer as it is stored. */
export interface ArchiveTask {
  /** The algorithm of the digest of the uncompressed layer; without one it is not hashed. */
  readonly algorithm?: HashAlgorithm | undefined;
  /** The most bytes that it may have decompressed. */
  readonly maxOutputBytes?: number | undefined;
  /** Who does it. */
  readonly kernel?: KernelChoice | undefined;
}

/** What is known of a layer that was read to its end. */
export interface ArchiveSummary {
  /** The digest of the uncompressed layer, where an algorithm was given. */
  readonly digest: string | undefined;
  /** How it is stored. */
  readonly compression: Compression;
}

/** Who is told what while a layer is read. */
export interface ArchiveHandlers {
  /** Is told the length of each stored chunk, before what it gives. */
  stored?(bytes: number): void;
  /** Sees the end before the consumer does; an error takes its place. */
  end?(summary: ArchiveSummary): void;
}
