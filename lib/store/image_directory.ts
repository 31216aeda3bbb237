import type { HasherFactory } from "../hash/hasher.ts";
import type { Roots, Source } from "../model/content.ts";
import { DirectoryContent } from "./_directory_content.ts";
import type { FileSystem } from "./file_system.ts";

/** The directory of one image. */
export type ImageDirectory = Source & Roots;

/** Options of {@linkcode imageDirectory}. */
export interface ImageDirectoryOptions {
  /** Follows symbolic links to files; default `false`: they are refused. */
  readonly followLinks?: boolean | undefined;
  /** Makes the hasher that proves what is read. */
  readonly hasher?: HasherFactory | undefined;
}

/**
 * Opens a directory with one image, as the transport `dir:` of skopeo and podman writes it
 * (containers-transports.5): `manifest.json`, its blobs under the hexadecimal digits of their digests,
 * and, of an index, its manifests as `<hex>.manifest.json`. Nothing is touched until the first call.
 *
 * The image has no name: the empty reference means it, a digest any manifest of it. Signatures
 * (`signature-1`) are not read. What is read is verified; memory is one chunk of 128 KiB for each blob
 * and a manifest of at most 4 MiB.
 *
 * @param fs Where the directory is.
 * @param path The directory.
 * @param options Links and hashing.
 * @returns The image.
 *
 * @example Read what skopeo would write
 * ```ts
 * import { imageDirectory, imageDirectoryTarget, memoryFileSystem } from "@lading/lading/store";
 * import { randomImage } from "@lading/lading/testing";
 *
 * const fs = memoryFileSystem();
 * const target = imageDirectoryTarget(fs, "app");
 * await (await randomImage("seed")).pushTo(target, "app:1");
 * await target.close();
 * console.log((await imageDirectory(fs, "app").resolve("")).mediaType);
 * ```
 */
export function imageDirectory(
  fs: FileSystem,
  path: string,
  options: ImageDirectoryOptions = {},
): ImageDirectory {
  const { followLinks = false, hasher } = options;
  const place = `image directory ${JSON.stringify(path)}`;
  const context = { fs, path, place, owner: "lading", followLinks, isDurable: false };
  return new DirectoryContent(context, hasher);
}
