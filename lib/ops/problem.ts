import type { Descriptor } from "../model/descriptor.ts";
import {
  ArchiveError,
  ContentError,
  InvalidConfigError,
  InvalidDigestError,
  InvalidManifestError,
} from "../model/errors.ts";

/** What can be wrong with an image. The names are stable. */
export type ProblemCode =
  /** Content is not in the source. */
  | "MISSING"
  /** Content has another size than its descriptor says. */
  | "SIZE_MISMATCH"
  /** Content has another digest than its descriptor says. */
  | "DIGEST_MISMATCH"
  /** The content in a descriptor (`data`) has another size or digest than the descriptor says. */
  | "DATA_MISMATCH"
  /** The digest of a descriptor is none, or cannot be verified. */
  | "INVALID_DIGEST"
  /** A manifest cannot be read, or could be read as two types. */
  | "INVALID_MANIFEST"
  /** A config cannot be read, or has a time that is none. */
  | "INVALID_CONFIG"
  /** Manifests or configs are too large, too deep or too many. */
  | "LIMIT_EXCEEDED"
  /** The type of `rootfs` is not `layers`. */
  | "ROOTFS_TYPE"
  /** The config has another number of diffIDs than the manifest has layers. */
  | "LAYER_COUNT"
  /** The config has another number of history entries with a layer than there are layers. */
  | "HISTORY_COUNT"
  /** An index gives an image another platform than its config does. */
  | "PLATFORM_MISMATCH"
  /** The media type of a layer says another compression than its bytes. */
  | "COMPRESSION_MISMATCH"
  /** A layer cannot be decompressed, or is no tar archive. */
  | "INVALID_LAYER"
  /** An uncompressed layer has another digest than the config says. */
  | "DIFF_ID_MISMATCH"
  /** A path comes twice in a layer. */
  | "DUPLICATE_PATH"
  /** A path of a layer leads out of the root, or a whiteout is none. */
  | "UNSAFE_PATH";

/** One thing that is wrong with an image. */
export interface Problem {
  /** The kind. */
  readonly code: ProblemCode;
  /** What is wrong, for people. */
  readonly message: string;
  /** The content that it is about. */
  readonly descriptor: Descriptor;
  /** The path in the layer, where it is about one. */
  readonly path?: string | undefined;
}

/**
 * Says which problem with content an error stands for.
 *
 * @returns The code, or `undefined` when the error is about the way there: network, disk, abort.
 */
export function problemCode(error: unknown): ProblemCode | undefined {
  if (error instanceof InvalidDigestError) return "INVALID_DIGEST";
  if (error instanceof InvalidManifestError) return "INVALID_MANIFEST";
  if (error instanceof InvalidConfigError) return "INVALID_CONFIG";
  if (error instanceof ContentError) {
    switch (error.code) {
      case "NOT_FOUND":
        return "MISSING";
      case "SIZE_MISMATCH":
        return "SIZE_MISMATCH";
      case "DIGEST_MISMATCH":
        return "DIGEST_MISMATCH";
      default:
        return "INVALID_LAYER";
    }
  }
  if (error instanceof ArchiveError) {
    switch (error.code) {
      case "UNSAFE_PATH":
        return "UNSAFE_PATH";
      case "LIMIT_EXCEEDED":
        return "LIMIT_EXCEEDED";
      default:
        return "INVALID_LAYER";
    }
  }
  return undefined;
}
