import { isReplayable } from "../bytes/source.ts";
import { digestBytes } from "../hash/digest_bytes.ts";
import { ANNOTATION_TITLE } from "../model/annotations.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import type { CallOptions, Target } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { LimitExceededError } from "../model/errors.ts";
import { MAX_MANIFEST_BYTES } from "../model/manifest.ts";
import { MEDIA_TYPE_OCI_EMPTY, MEDIA_TYPE_OCI_MANIFEST } from "../model/media_types.ts";
import { measure } from "./_measure.ts";
import { storeBlob } from "./_store_blob.ts";
import { storeManifest } from "./_store_manifest.ts";

/** A file of an artifact. */
export interface ArtifactFile {
  /** The content: bytes, or a function that opens it; it is read twice. */
  readonly content: Bytes | (() => ByteStream | Promise<ByteStream>);
  /** The media type; default `application/octet-stream`. */
  readonly mediaType?: string | undefined;
  /** The name of the file, kept as the annotation `org.opencontainers.image.title`. */
  readonly title?: string | undefined;
  /** More annotations. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** Options of {@linkcode pushArtifact}. */
export interface ArtifactOptions extends CallOptions {
  /** What kind of artifact it is, such as `application/spdx+json`. */
  readonly artifactType: string;
  /** The manifest it speaks about; it becomes a referrer of that. */
  readonly subject?: Descriptor | undefined;
  /** What else there is to say about it. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  /** A name for it; by default it has none but its digest. */
  readonly reference?: string | undefined;
}

const EMPTY_BYTES = new TextEncoder().encode("{}");

/** The content of an artifact that has none (image-spec, manifest.md §guidance for an empty descriptor). */
const EMPTY: Descriptor = {
  mediaType: MEDIA_TYPE_OCI_EMPTY,
  digest: digestBytes("sha256", EMPTY_BYTES),
  size: EMPTY_BYTES.byteLength,
  data: btoa("{}"),
};

/**
 * Makes an artifact of files and stores it (image-spec, manifest.md §guidelines for artifact usage):
 * a signature, an SBOM, or any files. Files go first, the manifest last. The same files give the same
 * digest: no time is written down. Files are streamed; none is held in memory.
 *
 * @param target Where it goes.
 * @param files The files; none for an artifact that is its annotations.
 * @param options The type, the manifest it speaks about, annotations, a name, and a signal.
 * @returns The descriptor of the artifact.
 * @throws {TypeError} when the type is no media type, or a content is a stream, which cannot be read
 * twice.
 * @throws {LimitExceededError} when the manifest would be longer than 4 MiB.
 *
 * @example Attach an SBOM to an image
 * ```ts
 * import { memoryStore } from "@lading/lading/store";
 * import { randomImage } from "@lading/lading/testing";
 * import { pushArtifact } from "@lading/lading/ops";
 *
 * const store = memoryStore();
 * await (await randomImage("seed")).pushTo(store, "app:1");
 * const subject = await store.resolve("app:1");
 * const content = new TextEncoder().encode('{"spdxVersion":"SPDX-2.3"}');
 * const sbom = await pushArtifact(store, [{ content, title: "sbom.json" }], {
 *   artifactType: "application/spdx+json",
 *   subject,
 * });
 * for await (const { digest } of store.referrers(subject)) console.log(digest === sbom.digest); // true
 * ```
 */
export async function pushArtifact(
  target: Target,
  files: Iterable<ArtifactFile>,
  options: ArtifactOptions,
): Promise<Descriptor> {
  const { artifactType, subject, annotations, reference, signal } = options;
  signal?.throwIfAborted();
  checkMediaType(artifactType);
  const layers: Descriptor[] = [];
  for (const file of files) {
    const descriptor = await describe(file, signal);
    layers.push(descriptor);
    await storeBlob(target, descriptor, file.content, { signal });
  }
  await storeBlob(target, EMPTY, EMPTY_BYTES, { signal });
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE_OCI_MANIFEST,
    artifactType,
    config: EMPTY,
    layers: layers.length === 0 ? [EMPTY] : layers,
    ...(subject === undefined ? {} : { subject: plain(subject) }),
    ...(annotations === undefined ? {} : { annotations }),
  };
  const raw = new TextEncoder().encode(JSON.stringify(manifest));
  if (raw.byteLength > MAX_MANIFEST_BYTES) {
    throw new LimitExceededError(
      `Cannot push the artifact: its manifest has ${raw.byteLength} bytes, more than the ` +
        `${MAX_MANIFEST_BYTES} that registries take`,
      { limit: MAX_MANIFEST_BYTES, unit: "bytes" },
    );
  }
  const descriptor: Descriptor = {
    mediaType: MEDIA_TYPE_OCI_MANIFEST,
    digest: digestBytes("sha256", raw),
    size: raw.byteLength,
    artifactType,
  };
  // Also what is there already: that mends a list of referrers that lacks it.
  await storeManifest(target, descriptor, raw, { reference, signal });
  return descriptor;
}

/** Reads a file once to know its digest and size. */
async function describe(
  { content, mediaType = "application/octet-stream", title, annotations }: ArtifactFile,
  signal: AbortSignal | undefined,
): Promise<Descriptor> {
  checkMediaType(mediaType);
  if (!isReplayable(content)) {
    throw new TypeError("Cannot push a stream as a file: give bytes or a function that opens it");
  }
  const measured = await measure(content, "sha256", signal);
  const all = { ...(title === undefined ? {} : { [ANNOTATION_TITLE]: title }), ...annotations };
  return {
    mediaType,
    ...measured,
    ...(Object.keys(all).length === 0 ? {} : { annotations: all }),
  };
}

/** A descriptor without what only its list said of it. */
function plain({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}

// RFC 6838 §4.2.
const MEDIA_TYPE_REGEXP =
  /^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}$/;

function checkMediaType(text: string): void {
  if (MEDIA_TYPE_REGEXP.test(text)) return;
  throw new TypeError(
    `Cannot push an artifact: ${JSON.stringify(text.slice(0, 256))} is no media type`,
  );
}
