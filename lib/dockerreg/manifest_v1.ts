import { digestBytes } from "../hash/digest_bytes.ts";
import type { Bytes } from "../model/bytes.ts";
import type { ContainerConfig } from "../model/image_config.ts";
import { type ParsedV1Image, parseV1Image, type V1Image } from "../registry/v1/v1_image.ts";
import {
  DockerManifest,
  editDocument,
  type ManifestChanges,
  type ManifestPlace,
} from "./manifest.ts";

/** The document of an image of version 1: what such registries have in place of a manifest. */
export class ManifestV1 extends DockerManifest {
  /** Which kind it is. */
  readonly version: "v1" | "v1-compat" = "v1";
  /** The media types that this kind is served with. */
  readonly validMediaTypes: readonly string[] = ["application/json"];
  readonly #parsed: ParsedV1Image;

  /**
   * Parses a document.
   *
   * @param raw At most 8 MiB.
   * @param place Where it belongs.
   * @throws {InvalidConfigError} when the bytes are no such document.
   */
  constructor(raw: Bytes, place: ManifestPlace = {}) {
    const parsed = parseV1Image(raw);
    super(raw, "application/json", digestBytes("sha256", raw), place);
    this.#parsed = parsed;
  }

  /** What the document says, unknown fields included. */
  get value(): V1Image {
    return this.#parsed.value;
  }

  /** The ID of the image. */
  get id(): string {
    return this.value.id;
  }

  /** The ID of the image below; absent for the base. */
  get parent(): string | undefined {
    return this.value.parent;
  }

  /** When it was made (RFC 3339). */
  get created(): string | undefined {
    return this.value.created;
  }

  /** The processor architecture. */
  get architecture(): string | undefined {
    return this.value.architecture;
  }

  /** The operating system. */
  get os(): string | undefined {
    return this.value.os;
  }

  /** How a container is run. */
  get config(): ContainerConfig | undefined {
    return this.value.config;
  }

  /** The container it was committed from. */
  get container(): string | undefined {
    return this.value.container;
  }

  /** What ran in that container. */
  get containerConfig(): ContainerConfig | undefined {
    return this.value.container_config;
  }

  /** The version of Docker that made it. */
  get dockerVersion(): string | undefined {
    return this.value.docker_version;
  }

  /** The bytes of the files of this layer, uncompressed. */
  get size(): number | undefined {
    return this.value.Size;
  }

  /**
   * Compares the digest where one is known; registries of version 1 name none.
   *
   * @returns `true` when it is the one it was found under, `undefined` when there is none.
   * @throws {DigestMismatchError} when the bytes have another digest.
   */
  verify(): Promise<true | undefined> {
    return Promise.resolve().then(() => this.verifyDigest());
  }

  /**
   * Makes a document that differs from this one. Repository and tag are no parts of it, so that
   * other ones leave the bytes as they are. Its ID stays unless it is among the fields.
   *
   * @param changes What to change.
   * @returns The new document.
   * @throws {InvalidConfigError} when it would be none.
   */
  modify(changes: ManifestChanges): Promise<ManifestV1> {
    return Promise.resolve().then(() => {
      const { fields } = changes;
      const raw = fields === undefined ? this.raw : editDocument(this.raw, fields, 0);
      return new ManifestV1(raw, this.placeAfter(changes));
    });
  }
}
