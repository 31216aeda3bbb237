import { ArchiveWriter } from "./_archive_writer.ts";
import type { FileSystem } from "./file_system.ts";
import type { ArchiveTarget, ArchiveTargetOptions } from "./archive_target.ts";

/**
 * Opens a tar archive for writing: an OCI layout, with a `manifest.json` over the same blobs that
 * names what Docker can load of it. podman, skopeo, containerd and `docker load` read it. Content
 * is stored as it is, so every digest stays; layers stay compressed.
 *
 * What is pushed is proved and waits in an OCI layout beside the archive. `close()` writes the
 * archive beside its place and moves it there: whatever happens before, nothing of it is seen. It
 * replaces the archive that is there. The same images give the same bytes on every runtime, in
 * whatever order they were pushed. Disk space is needed twice until then; memory is a chunk for
 * each blob that is pushed, and the manifests, at most 64 MiB.
 *
 * Names are those of `org.opencontainers.image.ref.name`, as they are given; a name with a tag or
 * a slash is what Docker calls the image too.
 *
 * @param fs Where the archive goes.
 * @param path The file; its directory has to be there.
 * @param options Whose image of an index Docker loads, and where content waits.
 * @returns The target; close it.
 *
 * @example Pack an image
 * ```ts
 * import { memoryFileSystem, ociArchive, ociArchiveTarget } from "@lading/lading/store";
 * import { randomImage } from "@lading/lading/testing";
 *
 * const fs = memoryFileSystem();
 * const target = ociArchiveTarget(fs, "app.tar");
 * await (await randomImage("seed")).pushTo(target, "app:1");
 * await target.close();
 * console.log((await ociArchive(fs, "app.tar").resolve("app:1")).mediaType);
 * ```
 */
export function ociArchiveTarget(
  fs: FileSystem,
  path: string,
  options: ArchiveTargetOptions = {},
): ArchiveTarget {
  return new ArchiveWriter(fs, path, "oci", options);
}

/**
 * Opens a tar archive that `docker load` takes, for writing. It is an OCI layout too, as that of
 * {@linkcode ociArchiveTarget}, and is written in the same way. Names are written out: `app` is
 * `docker.io/library/app:latest`.
 *
 * Its `tag()` refuses what Docker cannot load: with {@linkcode PlatformNotFoundError} an index
 * that has no image for the platform, with a `TypeError` one that has several when no platform was
 * given, with {@linkcode UnsupportedMediaTypeError} what is no image, with
 * {@linkcode NotFoundError} an image of which a layer is missing, and with
 * {@linkcode InvalidReferenceError} a name without a tag.
 *
 * @param fs Where the archive goes.
 * @param path The file; its directory has to be there.
 * @param options Whose image of an index Docker loads, and where content waits.
 * @returns The target; close it.
 */
export function dockerArchiveTarget(
  fs: FileSystem,
  path: string,
  options: ArchiveTargetOptions = {},
): ArchiveTarget {
  return new ArchiveWriter(fs, path, "docker", options);
}
