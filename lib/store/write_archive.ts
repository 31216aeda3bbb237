import type { HasherFactory } from "../hash/hasher.ts";
import type { ByteStream } from "../model/bytes.ts";
import type { CallOptions, ContentSource, Root } from "../model/content.ts";
import { InvalidReferenceError } from "../model/errors.ts";
import type { Platform } from "../model/platform.ts";
import { isDigestReference } from "../model/reference.ts";
import { type ArchiveFormat, nameIn } from "./_archive_documents.ts";
import { archiveTar } from "./_archive_tar.ts";

/** Options of {@linkcode writeOCIArchive} and {@linkcode writeDockerArchive}. */
export interface WriteArchiveOptions extends CallOptions {
  /**
   * Whose image of an index Docker is to load: its `manifest.json` knows no index. Not needed when
   * the index has one image only.
   */
  readonly platform?: Platform | undefined;
  /** Makes the hasher that proves what is read. */
  readonly hasher?: HasherFactory | undefined;
}

/**
 * Writes images as one tar archive: an OCI layout, with a `manifest.json` over the same blobs
 * that names what Docker can load of them. podman, skopeo, containerd and `docker load` read it,
 * each as either format. Content is stored as it is, so every digest stays; layers stay
 * compressed. The same images give the same bytes on every runtime: entries belong to root, at the
 * time 0, documents first, then manifests and blobs in the order in which a copy asks for them.
 *
 * Content is read when its turn has come, proved, and not kept; memory is the manifests (at most
 * 64 MiB) and a chunk. Foreign layers that the source does not have are left out.
 *
 * @param source Where the images are.
 * @param roots The images, and the names they get: `app:1`, or nothing.
 * @param options Whose image of an index Docker loads, and a signal.
 * @returns The archive. It errors with what the source throws, with
 * {@linkcode UnsupportedMediaTypeError} for Docker manifests of schema 1, and with
 * {@linkcode LimitExceededError} when indexes are more than 5 levels deep.
 * @throws {InvalidReferenceError} when a name is none, or would stand for two images.
 *
 * @example An image as an archive
 * ```ts
 * import { memoryStore, ociArchive, writeOCIArchive } from "@lading/lading/store";
 * import { randomImage } from "@lading/lading/testing";
 *
 * const store = memoryStore();
 * const { descriptor } = await randomImage("seed");
 * await (await randomImage("seed")).pushTo(store);
 * const archive = writeOCIArchive(store, [{ descriptor, reference: "demo:1" }]);
 * const bytes = new Uint8Array(await new Response(archive).arrayBuffer());
 * console.log((await ociArchive(bytes).resolve("demo:1")).digest === descriptor.digest); // true
 * ```
 */
export function writeOCIArchive(
  source: ContentSource,
  roots: readonly Root[],
  options: WriteArchiveOptions = {},
): ByteStream {
  return write(source, roots, "oci", options);
}

/**
 * Writes images as one tar archive that `docker load` takes, and that is an OCI layout too, as
 * {@linkcode writeOCIArchive} does. What Docker cannot load is refused, and names are written
 * out: `app` is `docker.io/library/app:latest`.
 *
 * @param source Where the images are.
 * @param roots The images and their names.
 * @param options Whose image of an index Docker loads, and a signal.
 * @returns The archive. It errors with {@linkcode PlatformNotFoundError} when an index has no image
 * for the platform, with a `TypeError` when it has several and no platform was given, with
 * {@linkcode UnsupportedMediaTypeError} for what is no image, and with
 * {@linkcode NotFoundError} when a layer is not there.
 * @throws {InvalidReferenceError} when a name is none of an image, or would stand for two.
 */
export function writeDockerArchive(
  source: ContentSource,
  roots: readonly Root[],
  options: WriteArchiveOptions = {},
): ByteStream {
  return write(source, roots, "docker", options);
}

function write(
  source: ContentSource,
  roots: readonly Root[],
  format: ArchiveFormat,
  { platform, hasher, signal }: WriteArchiveOptions,
): ByteStream {
  return archiveTar(source, {
    roots: namedRoots(format, roots),
    others: [],
    format,
    platform,
    hasher,
    signal,
    isSparse: false,
    place: `the ${format === "oci" ? "OCI" : "docker"} archive`,
  });
}

/** Gives images the names that they get, and refuses a name that would stand for two of them. */
function namedRoots(format: ArchiveFormat, roots: readonly Root[]): Root[] {
  const named = new Map<string, Root>();
  for (const { descriptor, reference = descriptor.digest } of roots) {
    const isNamed = reference !== "" && !isDigestReference(reference);
    const key = isNamed ? nameIn(format, reference) : descriptor.digest;
    const other = named.get(key)?.descriptor.digest ?? descriptor.digest;
    if (other !== descriptor.digest) {
      throw new InvalidReferenceError(
        `Cannot write an archive: ${
          JSON.stringify(key)
        } would be ${other} and ${descriptor.digest}`,
        { input: reference },
      );
    }
    named.set(key, isNamed ? { descriptor, reference: key } : { descriptor });
  }
  return [...named.values()];
}
