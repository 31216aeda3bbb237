import type { Bytes, ByteStream } from "../model/bytes.ts";
import type { CallOptions, ContentSource } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { ImageConfig } from "../model/image_config.ts";
import type { ImageManifest } from "../model/manifest.ts";
import type { Platform } from "../model/platform.ts";
import type { Layer } from "./layer.ts";
import type { ImageFileOptions, LoadRootfsOptions, ReadFileOptions, Rootfs } from "./rootfs.ts";
import type { RootfsEntry } from "./rootfs_entry.ts";

/** What an image was chosen for, and what its config says instead. */
export interface PlatformMismatch {
  /** What was asked for, or what the index says. */
  readonly wanted: Platform;
  /** What the config says. */
  readonly actual: Platform;
}

/**
 * A view of one image: lazy, immutable, and remembering what it has read. Bytes that it hands out
 * are copies, and are proved against their digests. Layers and files are never held. An image that
 * was edited is one too: what it is made of is worked out when it is asked for, and nothing is
 * stored anywhere before it is pushed.
 */
export interface Image {
  /** The media type of the manifest. */
  readonly mediaType: string;
  /**
   * Gives the descriptor of the manifest.
   *
   * @param options A signal.
   * @returns The descriptor.
   */
  descriptor(options?: CallOptions): Promise<Descriptor>;
  /**
   * Gives the digest of the manifest.
   *
   * @param options A signal.
   * @returns The digest.
   */
  digest(options?: CallOptions): Promise<string>;
  /**
   * Counts the bytes of manifest, config and layers as they are stored, each content once.
   *
   * @param options A signal.
   * @returns The number of bytes.
   */
  size(options?: CallOptions): Promise<number>;
  /**
   * Gives the manifest as it is stored.
   *
   * @param options A signal.
   * @returns A copy of the bytes.
   */
  rawManifest(options?: CallOptions): Promise<Bytes>;
  /**
   * Gives what the manifest says.
   *
   * @param options A signal.
   * @returns The manifest, unknown fields included.
   */
  manifest(options?: CallOptions): Promise<ImageManifest>;
  /**
   * Gives the place where manifest, config and layers can be fetched from by their descriptors.
   *
   * @param options A signal.
   * @returns The place; it may have other content too.
   */
  content(options?: CallOptions): Promise<ContentSource>;
  /**
   * Gives the config as it is stored, of an artifact too; its digest is the image ID.
   *
   * @param options A signal.
   * @returns A copy of the bytes, at most 8 MiB.
   * @throws {NotFoundError} when the config is not there.
   */
  rawConfig(options?: CallOptions): Promise<Bytes>;
  /**
   * Gives what the config says.
   *
   * @param options A signal.
   * @returns The config, unknown fields included.
   * @throws {UnsupportedMediaTypeError} when this is an artifact without an image config.
   * @throws {InvalidConfigError} when the config is damaged.
   */
  config(options?: CallOptions): Promise<ImageConfig>;
  /**
   * Gives the layers, base first. Nothing of them is read yet.
   *
   * @param options A signal.
   * @returns The layers, with the diffIDs of the config when it is one of an image.
   * @throws {InvalidConfigError} when the config has another number of diffIDs than there are
   * layers.
   */
  layers(options?: CallOptions): Promise<readonly Layer[]>;
  /**
   * Gives the platform that the config names.
   *
   * @param options A signal.
   * @returns The platform.
   */
  platform(options?: CallOptions): Promise<Platform>;
  /**
   * Compares the config with the platform that the image was chosen for. Engines run such an image
   * all the same, so this is no error.
   *
   * @param options A signal.
   * @returns Both platforms when they do not match.
   */
  platformMismatch(options?: CallOptions): Promise<PlatformMismatch | undefined>;
  /**
   * Reads the layers and merges their file trees: whiteouts applied, no contents held.
   *
   * @param options A signal and limits.
   * @returns The merged tree; it is read once and remembered.
   */
  rootfs(options?: LoadRootfsOptions): Promise<Rootfs>;
  /**
   * Lists the merged file tree, directories before what is in them, names in the order of their
   * code units.
   *
   * @param options A signal and limits.
   * @returns The entries.
   */
  files(options?: LoadRootfsOptions): AsyncGenerator<RootfsEntry, void, undefined>;
  /**
   * Reads a file of the merged tree into memory. Symbolic links are followed inside of the image.
   * It is fetched as {@linkcode Image.openFile} fetches it.
   *
   * @param path The path, `/etc/os-release`.
   * @param options A limit, 64 MiB by default, which tables of contents to use, and a signal.
   * @returns The content.
   * @throws {NotFoundError} when there is no such file.
   * @throws {LadingError} (`NOT_A_FILE`) when it is a directory, or a device.
   * @throws {LimitExceededError} when it is larger than the limit.
   */
  readFile(path: string, options?: ReadFileOptions & ImageFileOptions): Promise<Bytes>;
  /**
   * Opens a file of the merged tree. Of eStargz and zstd:chunked layers, whose tables of contents
   * the manifest proves, only the tables and what belongs to the file are fetched, and each piece is
   * proved; of gzip layers that have an index, only what lies around the file. Any other layer is read
   * again, and to its end: the stream ends only when the layer is proved. Memory is fixed.
   *
   * @param path The path.
   * @param options Which tables of contents to use, where indexes are kept, and a signal, which also
   * ends the stream.
   * @returns The content.
   * @throws {NotFoundError} when there is no such file.
   * @throws {LadingError} (`NOT_A_FILE`) when it is a directory, or a device.
   */
  openFile(path: string, options?: ImageFileOptions): Promise<ByteStream>;
}
