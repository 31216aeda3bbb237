import { DirectoryWriter } from "./_directory_writer.ts";
import type { FileSystem } from "./file_system.ts";
import type {
  ImageDirectoryTarget,
  ImageDirectoryTargetOptions,
} from "./image_directory_target.ts";

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
