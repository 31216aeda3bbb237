import type { HasherFactory } from "../hash/hasher.ts";
import type { CallOptions, Roots, Target } from "../model/content.ts";
import { DirectoryWriter } from "./_directory_writer.ts";
import type { FileSystem } from "./file_system.ts";

/** Options of {@linkcode imageDirectoryTarget}. */
export interface ImageDirectoryTargetOptions {
  /** Makes the hasher that proves what is written. */
  readonly hasher?: HasherFactory | undefined;
  /** Waits until files are on the medium, so that they survive a power loss; default `true`. */
  readonly isDurable?: boolean | undefined;
}

/**
 * The directory of an image that is being written: a {@linkcode Target} until it is closed. Leaving an
 * `await using` block without closing it gives up.
 */
export interface ImageDirectoryTarget extends Target, Roots, AsyncDisposable {
  /**
   * Makes what was tagged the image of the directory, in place of the one that is there. When nothing
   * was tagged, what was pushed is removed. When it fails, it can be tried again.
   *
   * @param options A signal.
   * @throws {LadingError} (`UNSUPPORTED_PLACE`) when several images were tagged.
   */
  close(options?: CallOptions): Promise<void>;
  /**
   * Gives up: ends the pushes that are under way, and removes what was pushed. After `close()` it does
   * nothing.
   *
   * @param reason What pushes reject with; default an `AbortError`.
   */
  abort(reason?: unknown): Promise<void>;
}

/**
 * Opens a directory for writing one image, as the transport `dir:` of skopeo and podman reads it
 * (containers-transports.5). Content is stored as it is, so every digest stays.
 *
 * What is pushed is proved, and written beside its place first. `manifest.json` comes last, when this
 * is closed, by a rename: until then there is no image, or the one of before, and afterwards the files
 * of the one of before are removed. The name of the image is not kept, nor are signatures (`signature-1`)
 * of another image. Several writers to one directory are not supported.
 *
 * @param fs Where the directory goes.
 * @param path The directory; it is made where there is none. One that holds something else is refused
 * with a {@linkcode LadingError} (`UNSUPPORTED_PLACE`).
 * @param options Hashing and durability.
 * @returns The target; close it.
 */
export function imageDirectoryTarget(
  fs: FileSystem,
  path: string,
  options: ImageDirectoryTargetOptions = {},
): ImageDirectoryTarget {
  return new DirectoryWriter(fs, path, options);
}
