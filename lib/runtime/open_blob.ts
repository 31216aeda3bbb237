import type { ByteStream } from "../model/bytes.ts";
import type { ContentSource, Roots, Source } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { digestAlgorithm, parseDigest } from "../model/digest.ts";
import { InvalidReferenceError, NotFoundError } from "../model/errors.ts";
import { parsePlace } from "../model/place.ts";
import { walk } from "../ops/walk.ts";
import { nodeFileSystem } from "./node_file_system.ts";
import { type OpenOptions, openRepository, openSource } from "./open.ts";

/** A blob that was found. */
export interface OpenedBlob {
  /** Its digest and size; the media type is known where a manifest names the blob. */
  readonly descriptor: Descriptor;
  /** Its bytes; the stream errors instead of closing when size or digest do not match. */
  readonly content: ByteStream;
  /** Frees what is held open, once the content has been read. */
  close(): Promise<void>;
}

/** What a blob is as long as nobody says more (RFC 2046 §4.5.1). */
const UNKNOWN_TYPE = "application/octet-stream";

/**
 * Opens a blob by its digest, verified while it is read.
 *
 * @param text The place and the digest: `ghcr.io/acme/app@sha256:…`, `oci:./alpine@sha256:…`.
 * @param options The transport, credentials and file system.
 * @returns The blob; close it.
 * @throws {InvalidReferenceError} when the text has no digest, or names no place.
 * @throws {InvalidDigestError} when the digest is none, or of an algorithm that is not verified.
 * @throws {NotFoundError} when there is no such blob. In an archive, a blob that no manifest names
 * is not found.
 */
export async function openBlob(text: string, options: OpenOptions = {}): Promise<OpenedBlob> {
  const { descriptor, place, close } = await findBlob(text, options);
  try {
    const content = await place.fetch(descriptor, { signal: options.signal });
    return { descriptor, content, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A blob that was found, and not read yet. */
export interface FoundBlob {
  /** Its digest and size; the media type is known where a manifest names the blob. */
  readonly descriptor: Descriptor;
  /** Where it is. */
  readonly place: ContentSource;
  /** Frees what is held open. */
  close(): Promise<void>;
}

/**
 * Finds a blob by its digest, as {@linkcode openBlob} does, and reads nothing of it.
 *
 * @param text The place and the digest.
 * @param options The transport, credentials and file system.
 * @returns The blob; close it.
 */
export async function findBlob(text: string, options: OpenOptions = {}): Promise<FoundBlob> {
  const at = text.lastIndexOf("@");
  if (at < 0) {
    throw new InvalidReferenceError(
      `Cannot open blob ${JSON.stringify(text.slice(0, 256))}: write it as PLACE@DIGEST`,
      { input: text },
    );
  }
  const digest = text.slice(at + 1);
  parseDigest(digest);
  digestAlgorithm(digest);
  const place = parsePlace(text.slice(0, at));
  if (place.transport === "docker") {
    const repository = openRepository(place.reference, options);
    const descriptor = await repository.resolveBlob(digest, { signal: options.signal });
    return { descriptor, place: repository, close: () => Promise.resolve() };
  }
  const source = openSource(text.slice(0, at), options);
  try {
    const descriptor = place.transport === "oci"
      ? await inLayout(place.path, digest, options)
      : await inGraphs(source.content, digest, options);
    if (descriptor === undefined) throw absent(digest, text.slice(0, at));
    return { descriptor, place: source.content, close: () => source.close() };
  } catch (error) {
    await source.close();
    throw error;
  }
}

function absent(digest: string, where: string): NotFoundError {
  return new NotFoundError(`Cannot read ${digest} of ${JSON.stringify(where)}: it is not there`);
}

/** Looks for a blob where a layout has it (OCI image-spec, image-layout.md §blobs). */
async function inLayout(
  path: string,
  digest: string,
  options: OpenOptions,
): Promise<Descriptor | undefined> {
  const { algorithm, encoded } = parseDigest(digest);
  const fileSystem = options.fileSystem ?? nodeFileSystem();
  const info = await fileSystem.stat(`${path}/blobs/${algorithm}/${encoded}`, {
    followLinks: false,
  });
  return info === undefined ? undefined : { mediaType: UNKNOWN_TYPE, digest, size: info.size };
}

/** Looks for content below the roots of an archive. */
async function inGraphs(
  content: Source & Partial<Roots>,
  digest: string,
  { signal }: OpenOptions,
): Promise<Descriptor | undefined> {
  for await (const { descriptor: root } of content.roots?.({ signal }) ?? []) {
    for await (const { descriptor } of walk(content, root, { signal })) {
      if (descriptor.digest === digest) return descriptor;
    }
  }
  return undefined;
}
