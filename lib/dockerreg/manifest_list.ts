import type { Descriptor } from "../model/descriptor.ts";
import type { ImageIndex, ParsedImageIndex } from "../model/image_index.ts";
import { parseImageIndex } from "../model/parse_image_index.ts";
import { MEDIA_TYPE_DOCKER_MANIFEST_LIST, MEDIA_TYPE_OCI_INDEX } from "../model/media_types.ts";
import type { Platform } from "../model/platform.ts";
import { choosePlatform } from "../model/platform_match.ts";
import {
  DockerManifest,
  editDocument,
  type ManifestChanges,
  type ManifestPlace,
} from "./manifest.ts";
import { digestLike } from "./_digest_like.ts";

/** What a list is made of. */
export interface ManifestListOptions extends ManifestPlace {
  /** The media type it was served with. */
  readonly mediaType?: string | undefined;
}

/** A list of manifests for several platforms, or an index of the OCI, which has the same form. */
export class ManifestListV22 extends DockerManifest {
  /** Which kind it is. */
  readonly version = "v2.2-list" as const;
  /** The media types that this kind is served with. */
  readonly validMediaTypes: readonly string[] = [
    MEDIA_TYPE_DOCKER_MANIFEST_LIST,
    MEDIA_TYPE_OCI_INDEX,
  ];
  readonly #parsed: ParsedImageIndex;

  /**
   * Parses a list.
   *
   * @param raw At most 4 MiB.
   * @param options Where it belongs.
   * @throws {InvalidManifestError} when the bytes are no list.
   */
  constructor(raw: Uint8Array, options: ManifestListOptions = {}) {
    const parsed = parseImageIndex(raw, options.mediaType);
    super(parsed.raw, parsed.mediaType, digestLike(options.digest, parsed.raw), options);
    this.#parsed = parsed;
  }

  /** What the list says, unknown fields included. */
  get value(): ImageIndex {
    return this.#parsed.value;
  }

  /** Always 2. */
  get schemaVersion(): 2 {
    return 2;
  }

  /** Its entries. */
  get manifests(): readonly Descriptor[] {
    return this.value.manifests;
  }

  /**
   * Chooses the image for a platform among the entries.
   *
   * @param platform The platform.
   * @returns Its descriptor; `undefined` when there is none.
   */
  choose(platform: Platform): Descriptor | undefined {
    return choosePlatform(this.manifests, platform);
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
   * Makes a list that differs from this one. Repository and tag are no parts of the document, so
   * that other ones leave bytes and digest as they are.
   *
   * @param changes What to change.
   * @returns The new list.
   * @throws {InvalidManifestError} when it would be none.
   */
  modify(changes: ManifestChanges): Promise<ManifestListV22> {
    return Promise.resolve().then(() => {
      const { fields } = changes;
      const place = this.placeAfter(changes);
      if (fields === undefined) {
        const { mediaType, expected: digest } = this;
        return new ManifestListV22(this.raw, { ...place, mediaType, digest });
      }
      return new ManifestListV22(editDocument(this.raw, fields, 3), {
        ...place,
        mediaType: typeof fields.mediaType === "string" ? fields.mediaType : this.mediaType,
      });
    });
  }
}
