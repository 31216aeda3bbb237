import { embeddedContent } from "../hash/embedded.ts";
import { streamOf } from "../bytes/stream_from.ts";
import { fetchManifest } from "../image/fetch_manifest.ts";
import { resolveImage } from "../image/resolve_image.ts";
import { ANNOTATION_TITLE } from "../model/annotations.ts";
import type { ByteStream } from "../model/bytes.ts";
import type { CallOptions, Source } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { UnsupportedMediaTypeError } from "../model/errors.ts";
import { MEDIA_TYPE_OCI_EMPTY } from "../model/media_types.ts";
import type { Platform } from "../model/platform.ts";
import { listedDescriptor } from "../model/referrer.ts";

/** A file of an artifact that is stored somewhere. */
export interface StoredFile {
  /** What it is. */
  readonly descriptor: Descriptor;
  /**
   * The name of the file (`org.opencontainers.image.title`). Whoever made the artifact has chosen it:
   * it may lead anywhere.
   */
  readonly title?: string | undefined;
  /**
   * Opens the file.
   *
   * @param options A signal.
   * @returns Its bytes; the stream errors instead of closing when they are not what they should be.
   */
  open(options?: CallOptions): Promise<ByteStream>;
}

/** An artifact that is stored somewhere. */
export interface StoredArtifact {
  /** Its manifest, with the type of the artifact and the annotations. */
  readonly descriptor: Descriptor;
  /** The manifest it speaks about. */
  readonly subject?: Descriptor | undefined;
  /** What it is made of, in the order of the manifest. */
  readonly files: readonly StoredFile[];
}

/** Options of {@linkcode fetchArtifact}. */
export interface FetchArtifactOptions extends CallOptions {
  /** Whose artifact of an index is meant; needed for an index. */
  readonly platform?: Platform | undefined;
}

/**
 * Reads what an artifact is made of, as {@linkcode pushArtifact}, oras and others store it. Nothing
 * is fetched but manifests; files are opened one by one, and verified while they are read. The empty
 * content that stands for no file is left out (image-spec, manifest.md §guidance for an empty
 * descriptor).
 *
 * @param source Where it is.
 * @param reference Its name or digest there.
 * @param options The platform, where it is in an index, and a signal.
 * @returns The artifact.
 * @throws {NotFoundError} when there is no such artifact.
 * @throws {UnsupportedMediaTypeError} when it is an index, or a manifest of schema 1.
 *
 * @example Read back the files of an artifact
 * ```ts
 * import { memoryStore } from "@lading/lading/store";
 * import { fetchArtifact, pushArtifact } from "@lading/lading/ops";
 *
 * const store = memoryStore();
 * const content = new TextEncoder().encode("hello");
 * const artifactType = "application/vnd.example.note";
 * await pushArtifact(store, [{ content, title: "a.txt" }], { artifactType, reference: "note:1" });
 * const { files } = await fetchArtifact(store, "note:1");
 * for (const file of files) {
 *   console.log(file.title, await new Response(await file.open()).text()); // a.txt hello
 * }
 * ```
 */
export async function fetchArtifact(
  source: Source,
  reference: string,
  options: FetchArtifactOptions = {},
): Promise<StoredArtifact> {
  const { platform, signal } = options;
  const found = await resolveImage(source, reference, platform, { signal });
  const parsed = await fetchManifest(source, found, { signal });
  if (parsed.kind === "index" || parsed.kind === "schema1") {
    const why = parsed.kind === "index" ? "an index; choose a platform" : "of schema 1";
    throw new UnsupportedMediaTypeError(
      `Cannot read the files of ${JSON.stringify(reference || found.digest)}: it is ${why}`,
      { mediaType: parsed.mediaType },
    );
  }
  const { subject } = parsed.value;
  const all = parsed.kind === "image" ? parsed.value.layers : parsed.value.blobs;
  const files = all.filter(({ mediaType }) => mediaType !== MEDIA_TYPE_OCI_EMPTY);
  return {
    descriptor: listedDescriptor(parsed, found),
    ...(subject === undefined ? {} : { subject }),
    files: files.map((descriptor) => storedFile(source, descriptor)),
  };
}

function storedFile(source: Source, descriptor: Descriptor): StoredFile {
  const title = descriptor.annotations?.[ANNOTATION_TITLE];
  return {
    descriptor,
    ...(title === undefined ? {} : { title }),
    async open(options = {}) {
      options.signal?.throwIfAborted();
      const embedded = embeddedContent(descriptor);
      return embedded === undefined ? await source.fetch(descriptor, options) : streamOf(embedded);
    },
  };
}
