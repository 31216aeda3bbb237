import type { Descriptor } from "../model/descriptor.ts";
import type { ImageConfig, ParsedImageConfig } from "../model/image_config.ts";
import type { ImageManifest, ParsedImageManifest } from "../model/manifest.ts";
import { parseImageManifest } from "../model/parse_manifest.ts";
import { MEDIA_TYPE_DOCKER_MANIFEST, MEDIA_TYPE_OCI_MANIFEST } from "../model/media_types.ts";
import type { Platform } from "../model/platform.ts";
import {
  DockerManifest,
  editDocument,
  type ManifestChanges,
  type ManifestPlace,
} from "./manifest.ts";
import type { ManifestListV22 } from "./manifest_list.ts";
import { digestLike } from "./_digest_like.ts";

/** What a manifest of schema 2 is made of. */
export interface ManifestV22Options extends ManifestPlace {
  /** The media type it was served with. */
  readonly mediaType?: string | undefined;
  /** The config it names, where it has been fetched. */
  readonly config?: ParsedImageConfig | undefined;
  /** The list it was chosen from. */
  readonly list?: ManifestListV22 | undefined;
  /** Its entry in the list. */
  readonly entry?: Descriptor | undefined;
}

/** A manifest of version 2, schema 2, or one of the OCI, which has the same form. */
export class ManifestV22 extends DockerManifest {
  /** Which kind it is. */
  readonly version = "v2.2" as const;
  /** The media types that this kind is served with. */
  readonly validMediaTypes: readonly string[] = [
    MEDIA_TYPE_DOCKER_MANIFEST,
    MEDIA_TYPE_OCI_MANIFEST,
  ];
  readonly #parsed: ParsedImageManifest;
  readonly #options: ManifestV22Options;

  /**
   * Parses a manifest.
   *
   * @param raw At most 4 MiB.
   * @param options Where it belongs, and its config.
   * @throws {InvalidManifestError} when the bytes are no such manifest.
   */
  constructor(raw: Uint8Array, options: ManifestV22Options = {}) {
    const parsed = parseImageManifest(raw, options.mediaType);
    super(parsed.raw, parsed.mediaType, digestLike(options.digest, parsed.raw), options);
    this.#parsed = parsed;
    this.#options = options;
  }

  /** What the manifest says, unknown fields included. */
  get value(): ImageManifest {
    return this.#parsed.value;
  }

  /** Always 2. */
  get schemaVersion(): 2 {
    return 2;
  }

  /** What the config says; absent when it was not fetched, or is that of an artifact. */
  get config(): ImageConfig | undefined {
    return this.#options.config?.value;
  }

  /** The digest of the config: the ID of the image. */
  get configDigest(): string {
    return this.value.config.digest;
  }

  /** The media type of the config. */
  get configMediaType(): string {
    return this.value.config.mediaType;
  }

  /** The bytes of the config. */
  get configSize(): number {
    return this.value.config.size;
  }

  /** The layers, base first. */
  get layers(): readonly Descriptor[] {
    return this.value.layers;
  }

  /** The bytes of the layers as they are stored, each once. */
  get size(): number {
    const sizes = new Map(this.layers.map(({ digest, size }) => [digest, size]));
    return [...sizes.values()].reduce((sum, size) => sum + size, 0);
  }

  /** When the image was made (RFC 3339), by its config. */
  get created(): string | undefined {
    return this.config?.created;
  }

  /** The list it was chosen from. */
  get list(): ManifestListV22 | undefined {
    return this.#options.list;
  }

  /** What the config says that the image runs on, else what the list says. */
  get platform(): Platform | undefined {
    return this.config ?? this.#options.entry?.platform;
  }

  /** The processor architecture. */
  get architecture(): string | undefined {
    return this.platform?.architecture;
  }

  /** The operating system. */
  get os(): string | undefined {
    return this.platform?.os;
  }

  /** The version of the operating system. */
  get osVersion(): string | undefined {
    return this.platform?.["os.version"];
  }

  /** What the operating system has to offer. */
  get osFeatures(): readonly string[] | undefined {
    return this.platform?.["os.features"];
  }

  /** The variant of the architecture. */
  get variant(): string | undefined {
    return this.platform?.variant;
  }

  /** What the processor has to offer, by the list: `sse4`. */
  get features(): readonly string[] | undefined {
    const { features } = (this.#options.entry?.platform ?? {}) as { readonly features?: unknown };
    return Array.isArray(features)
      ? features.filter((feature): feature is string => typeof feature === "string")
      : undefined;
  }

  /**
   * Compares the digest with the one it was found under.
   *
   * @returns `true` when it is that one, `undefined` when none is known.
   * @throws {DigestMismatchError} when the bytes have another digest.
   */
  verify(): Promise<true | undefined> {
    return Promise.resolve().then(() => this.verifyDigest());
  }

  /**
   * Makes a manifest that differs from this one. Repository and tag are no parts of the document, so
   * that other ones leave bytes and digest as they are.
   *
   * @param changes What to change.
   * @returns The new manifest.
   * @throws {InvalidManifestError} when it would be none.
   */
  modify(changes: ManifestChanges): Promise<ManifestV22> {
    return Promise.resolve().then(() => {
      const { fields } = changes;
      const { config, list, entry } = this.#options;
      const place = this.placeAfter(changes);
      if (fields === undefined) {
        const { mediaType, expected: digest } = this;
        return new ManifestV22(this.raw, { ...place, mediaType, digest, config, list, entry });
      }
      // Of the old config and the entry of the list nothing is sure any more.
      return new ManifestV22(editDocument(this.raw, fields, 3), {
        ...place,
        mediaType: typeof fields.mediaType === "string" ? fields.mediaType : this.mediaType,
        ...(fields.config === undefined ? { config } : {}),
      });
    });
  }
}
