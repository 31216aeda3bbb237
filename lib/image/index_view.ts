import type { Bytes } from "../model/bytes.ts";
import type { CallOptions, ContentSource } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { ImageIndex } from "../model/image_index.ts";
import type { Platform } from "../model/platform.ts";
import type { Image } from "./image.ts";
import type { LoadImageOptions } from "./load_image.ts";

/**
 * A view of an index: immutable, with the images in it. An index that was edited is one too: nothing
 * of it is stored anywhere before it is pushed.
 */
export interface IndexView {
  /** The media type of the index. */
  readonly mediaType: string;
  /**
   * Gives the descriptor of the index.
   *
   * @param options A signal.
   * @returns The descriptor.
   */
  descriptor(options?: CallOptions): Promise<Descriptor>;
  /**
   * Gives the digest of the index.
   *
   * @param options A signal.
   * @returns The digest.
   */
  digest(options?: CallOptions): Promise<string>;
  /**
   * Gives the index as it is stored.
   *
   * @param options A signal.
   * @returns A copy of the bytes.
   */
  rawManifest(options?: CallOptions): Promise<Bytes>;
  /**
   * Gives what the index says.
   *
   * @param options A signal.
   * @returns The index, unknown fields included.
   */
  manifest(options?: CallOptions): Promise<ImageIndex>;
  /**
   * Gives the place where the index and everything below it can be fetched from by descriptors.
   *
   * @param options A signal.
   * @returns The place; it may have other content too.
   */
  content(options?: CallOptions): Promise<ContentSource>;
  /**
   * Lists the platforms that there are images for, also in indexes in the index. Attestations
   * are none.
   *
   * @param options A signal.
   * @returns The platforms, each once, in the order of the index.
   */
  platforms(options?: CallOptions): Promise<Platform[]>;
  /**
   * Opens the image for a platform.
   *
   * @param options The platform and a signal.
   * @returns The image.
   * @throws {PlatformNotFoundError} when there is none for the platform.
   */
  image(options?: LoadImageOptions): Promise<Image>;
  /**
   * Opens every image, also those in indexes in the index, one after another. Attestations and
   * children that are no manifests of images are left out.
   *
   * @param options A signal.
   * @returns The images.
   */
  images(options?: CallOptions): AsyncGenerator<Image, void, undefined>;
}
