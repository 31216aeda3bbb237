import type { Deleter, Referrers, Roots, Target, Uploader } from "../model/content.ts";
import type { FileSystem } from "./file_system.ts";
import { Layout } from "./_layout.ts";
import type { OCILayoutOptions } from "./layout_options.ts";

/** An OCI image layout: everything that a {@linkcode Target} can be. */
export type OCILayout = Target & Roots & Deleter & Referrers & Uploader;

/**
 * Opens a directory as an OCI image layout (image-spec, image-layout.md). Nothing is touched until
 * the first call; reading an absent layout fails, writing to it creates it.
 *
 * - Blobs are verified while they are read. They are written beside their place and moved to it
 *   once size and digest are proved, and never written twice. A blob that is a symbolic link is
 *   refused.
 * - `index.json` is replaced as a whole, under a lock that holds between processes and runtimes.
 *   Entries and fields that lading does not know stay.
 * - Whatever happens, every blob that is visible is whole, and `index.json` is valid.
 * - Names are `org.opencontainers.image.ref.name` and `io.containerd.image.name`; where no entry
 *   has the very name asked for, any spelling that docker takes for the same image is found. The
 *   empty reference means the only image, `@0` the first entry of `index.json`, a digest any manifest
 *   in the layout. Blobs may be missing.
 * - What a name led to stays when the name is taken away, until {@linkcode collectGarbage}.
 *
 * Memory is one chunk of 128 KiB for each blob that is read, and one chunk of the source for each
 * that is written. An `index.json` has at most 4 MiB.
 *
 * @param fs Where the layout lives.
 * @param path The directory.
 * @param options Hashing, durability and links.
 * @returns The layout.
 * @throws {TypeError} when the owner is no short word.
 *
 * @example Write a layout in memory
 * ```ts
 * import { memoryFileSystem, ociLayout } from "@lading/lading/store";
 *
 * const layout = ociLayout(memoryFileSystem(), "image");
 * const raw = new TextEncoder().encode("hello");
 * await layout.push({
 *   mediaType: "text/plain",
 *   digest: "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
 *   size: 5,
 * }, raw);
 * ```
 */
export function ociLayout(
  fs: FileSystem,
  path: string,
  options: OCILayoutOptions = {},
): OCILayout {
  return new Layout(fs, path, `OCI layout ${JSON.stringify(path)}`, options);
}
