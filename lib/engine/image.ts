import type { ByteStream } from "../model/bytes.ts";
import type { CallOptions } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { JSONObject } from "../model/json_object.ts";
import type { Platform } from "../model/platform.ts";
import { normalizePlatform } from "../model/normalize_platform.ts";
import {
  descriptorField,
  labelsField,
  namesField,
  numberField,
  objectsField,
  shortIDOf,
  textField,
  timeField,
} from "./_fields.ts";
import {
  type AttestationsOptions,
  type ImageAttestation,
  imageAttestations,
} from "./attestations.ts";
import type { EngineClient } from "./engine_client.ts";
import { type HistoryOptions, imageHistory, type ImageHistoryEntry } from "./history.ts";
import { inspectImage, type InspectOptions } from "./inspect.ts";
import { removeImage, type RemoveOptions, type RemoveResult } from "./remove.ts";
import { saveImages, type SaveOptions } from "./save.ts";
import { tagImage, type TagOptions } from "./tag.ts";

/** Options of {@linkcode EngineImage.save}. */
export interface SaveImageOptions extends SaveOptions {
  /**
   * Keeps a name in the archive: `true` the first one of the image, or a name that it has; by default
   * the archive has no name. An image without a name is saved without one.
   */
  readonly named?: boolean | string | undefined;
}

let make: (client: EngineClient, attrs: JSONObject) => EngineImage;

/**
 * An image on an engine: what the engine said of it when it was asked, and what can be done with it.
 * Its names are those of then; {@linkcode EngineImage.reload} asks again.
 */
export class EngineImage {
  readonly #client: EngineClient;
  #attrs: JSONObject;

  static {
    make = (client, attrs) => new EngineImage(client, attrs);
  }

  private constructor(client: EngineClient, attrs: JSONObject) {
    this.#client = client;
    this.#attrs = attrs;
  }

  /** All that the engine said of the image, with its own names. */
  get attrs(): Readonly<Record<string, unknown>> {
    return this.#attrs;
  }

  /**
   * The ID: the digest of the config, or the digest of the manifest or index where containerd stores
   * the images.
   */
  get id(): string {
    return textField(this.#attrs, "Id");
  }

  /** The first digits of the ID, as `docker images` shows them. */
  get shortID(): string {
    return shortIDOf(this.id);
  }

  /**
   * The manifest or index that the image is of, where containerd stores the images (API 1.48);
   * `undefined` elsewhere: there the ID is the digest of the config, and there is no manifest.
   */
  get descriptor(): Descriptor | undefined {
    return descriptorField(this.#attrs, "Descriptor");
  }

  /** The names of the image: `site:dev`. */
  get tags(): readonly string[] {
    return namesField(this.#attrs, "RepoTags");
  }

  /** The names of the image with digests: `site@sha256:…`. */
  get digests(): readonly string[] {
    return namesField(this.#attrs, "RepoDigests");
  }

  /** The labels. */
  get labels(): Readonly<Record<string, string>> {
    const { Config: config } = this.#attrs;
    return labelsField((config ?? {}) as JSONObject, "Labels");
  }

  /** When the image was made, where that is known. */
  get created(): Date | undefined {
    return timeField(this.#attrs, "Created");
  }

  /** The size of all layers in bytes. */
  get size(): number {
    return numberField(this.#attrs, "Size") ?? 0;
  }

  /** Where the image runs. */
  get platform(): Platform {
    const variant = textField(this.#attrs, "Variant");
    const version = textField(this.#attrs, "OsVersion");
    return normalizePlatform({
      os: textField(this.#attrs, "Os"),
      architecture: textField(this.#attrs, "Architecture"),
      ...(variant === "" ? {} : { variant }),
      ...(version === "" ? {} : { "os.version": version }),
    });
  }

  /** The manifests of the image, where they were asked for, as the engine describes them. */
  get manifests(): readonly Readonly<Record<string, unknown>>[] {
    return objectsField(this.#attrs, "Manifests");
  }

  /**
   * Asks the engine how the image came to be.
   *
   * @param options The platform, and a signal.
   * @returns The steps, the last one first.
   */
  history(options: HistoryOptions = {}): Promise<ImageHistoryEntry[]> {
    return imageHistory(this.#client, this.id, options);
  }

  /**
   * Lists what is attested about the image (API 1.55, Docker 29.6).
   *
   * @param options The platform, the types, and whether to give the statements along.
   * @returns The attestations.
   */
  attestations(options: AttestationsOptions = {}): Promise<ImageAttestation[]> {
    return imageAttestations(this.#client, this.id, options);
  }

  /**
   * Saves the image as an archive, as `docker save` does. The engine is asked when the stream is
   * read; cancelling it ends its work.
   *
   * @param options Which name to keep, the platform and the size of chunks.
   * @returns The archive. It errors with an {@linkcode EngineError} when it is not whole.
   * @throws {TypeError} when the image does not have the name; ask {@linkcode EngineImage.reload}
   * for new ones.
   */
  save({ named = false, ...options }: SaveImageOptions = {}): ByteStream {
    return saveImages(this.#client, [this.#nameFor(named)], options);
  }

  /**
   * Gives the image one more name.
   *
   * @param name The name, such as `site:dev`; `latest` where there is no tag.
   * @param options The tag, where it is not in the name.
   * @returns The name as Docker shows it.
   * @throws {InvalidReferenceError} when it is no name.
   */
  tag(name: string, options: TagOptions = {}): Promise<string> {
    return tagImage(this.#client, this.id, name, options);
  }

  /**
   * Removes the image by its ID.
   *
   * @param options Whether to remove it though it has several names or is used.
   * @returns The names and images that are gone.
   * @throws {ConflictError} when something is in the way.
   */
  remove(options: RemoveOptions = {}): Promise<RemoveResult> {
    return removeImage(this.#client, this.id, options);
  }

  /**
   * Asks the engine about the image again.
   *
   * @param options A signal.
   * @throws {ImageNotFoundError} when it is gone.
   */
  async reload({ signal }: CallOptions = {}): Promise<void> {
    this.#attrs = await inspectImage(this.#client, this.id, { signal });
  }

  /**
   * Writes the image for people.
   *
   * @returns Its names, or its short ID.
   */
  toString(): string {
    return this.tags.length === 0 ? this.shortID : this.tags.join(", ");
  }

  #nameFor(named: boolean | string): string {
    if (named === false) return this.id;
    if (named === true) return this.tags[0] ?? this.id;
    if (this.tags.includes(named)) return named;
    throw new TypeError(
      `Cannot save image ${this.shortID} as ${JSON.stringify(named)}: its names are ` +
        `${this.tags.join(", ") || "none"}; reload() finds new ones`,
    );
  }
}

/** Asks for an image and makes its handle. */
export async function getImage(
  client: EngineClient,
  name: string,
  options: InspectOptions = {},
): Promise<EngineImage> {
  return make(client, await inspectImage(client, name, options));
}
