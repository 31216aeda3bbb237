import type { Bytes, ByteStream } from "../model/bytes.ts";
import type { CallOptions, ContentSource } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { InvalidConfigError } from "../model/errors.ts";
import {
  type ImageConfig,
  MAX_CONFIG_BYTES,
  type ParsedImageConfig,
} from "../model/image_config.ts";
import type { ImageManifest, ParsedImageManifest } from "../model/manifest.ts";
import { parseImageConfig } from "../model/parse_image_config.ts";
import { isConfigType } from "../model/media_types.ts";
import type { Platform } from "../model/platform.ts";
import { matchPlatform } from "../model/platform_match.ts";
import { checkConfigType } from "./fetch_config.ts";
import { fetchProved } from "../bytes/fetch_proved.ts";
import type { Image, PlatformMismatch } from "./image.ts";
import { type Layer, openLayer } from "./layer.ts";
import { Memo } from "./_memo.ts";
import { platformOf } from "./platform_of.ts";
import {
  type ImageFileOptions,
  loadRootfs,
  type LoadRootfsOptions,
  type ReadFileOptions,
  type Rootfs,
} from "./rootfs.ts";
import type { RootfsEntry } from "./rootfs_entry.ts";
import { hasProvableTable, type TableUse } from "./toc.ts";

/** What the rest of an image can be read by. */
export interface ImageParts {
  /** What the manifest is. */
  readonly descriptor: Descriptor;
  /** The manifest. */
  readonly parsed: ParsedImageManifest;
  /** Has the manifest, the config and the layers. */
  readonly content: ContentSource;
  /** Gives the config, where another view may have read it. */
  readonly rawConfig?: ((options: CallOptions) => Promise<Bytes>) | undefined;
}

/** The view of an image whose manifest was read, or is worked out when it is asked for. */
export class ImageView implements Image {
  readonly mediaType: string;
  readonly #open: (signal: AbortSignal) => Promise<ImageParts>;
  readonly #wanted: Platform | undefined;
  readonly #parts = new Memo<ImageParts>();
  readonly #rawConfig = new Memo<Bytes>();
  readonly #config = new Memo<ParsedImageConfig>();
  readonly #layers = new Memo<readonly Layer[]>();
  readonly #rootfs = new Map<TableUse, Memo<Rootfs>>();

  constructor(
    mediaType: string,
    open: (signal: AbortSignal) => Promise<ImageParts>,
    wanted?: Platform,
  ) {
    this.mediaType = mediaType;
    this.#open = open;
    this.#wanted = wanted;
  }

  async descriptor(options: CallOptions = {}): Promise<Descriptor> {
    return (await this.#get(options)).descriptor;
  }

  async digest(options: CallOptions = {}): Promise<string> {
    return (await this.descriptor(options)).digest;
  }

  async size(options: CallOptions = {}): Promise<number> {
    const { descriptor, parsed } = await this.#get(options);
    const { config, layers } = parsed.value;
    const sizes = new Map([descriptor, config, ...layers].map((item) => [item.digest, item.size]));
    return [...sizes.values()].reduce((sum, size) => sum + size, 0);
  }

  async rawManifest(options: CallOptions = {}): Promise<Bytes> {
    return (await this.#get(options)).parsed.raw.slice();
  }

  async manifest(options: CallOptions = {}): Promise<ImageManifest> {
    return (await this.#get(options)).parsed.value;
  }

  async content(options: CallOptions = {}): Promise<ContentSource> {
    return (await this.#get(options)).content;
  }

  async rawConfig(options: CallOptions = {}): Promise<Bytes> {
    return (await this.#configBytes(options)).slice();
  }

  async config(options: CallOptions = {}): Promise<ImageConfig> {
    const parsed = await this.#config.get(async (signal) => {
      const { parsed } = await this.#get({ signal });
      checkConfigType(parsed.value.config);
      return parseImageConfig(await this.#configBytes({ signal }));
    }, options.signal);
    return parsed.value;
  }

  async layers(options: CallOptions = {}): Promise<readonly Layer[]> {
    return await this.#layers.get(async (signal) => {
      const { descriptor, content, parsed: { value } } = await this.#get({ signal });
      const { config, layers } = value;
      if (!isConfigType(config.mediaType)) {
        return layers.map((layer) => openLayer(content, layer));
      }
      const diffIDs = (await this.config({ signal })).rootfs.diff_ids;
      if (diffIDs.length !== layers.length) {
        throw new InvalidConfigError(
          `Cannot open the layers of ${descriptor.digest}: the manifest has ` +
            `${layers.length} layers, the config ${diffIDs.length} diffIDs`,
          { input: config.digest },
        );
      }
      return layers.map((layer, index) => openLayer(content, layer, diffIDs[index]));
    }, options.signal);
  }

  async platform(options: CallOptions = {}): Promise<Platform> {
    return platformOf(await this.config(options));
  }

  async platformMismatch(options: CallOptions = {}): Promise<PlatformMismatch | undefined> {
    if (this.#wanted === undefined) return undefined;
    const actual = await this.platform(options);
    return matchPlatform(this.#wanted, actual) ? undefined : { wanted: this.#wanted, actual };
  }

  async rootfs(options: LoadRootfsOptions = {}): Promise<Rootfs> {
    const tables = await this.#tableUse(options);
    const memo = this.#rootfs.get(tables) ?? new Memo<Rootfs>();
    this.#rootfs.set(tables, memo);
    return await memo.get(
      async (signal) => {
        return await loadRootfs(await this.layers({ signal }), { ...options, tables, signal });
      },
      options.signal,
    );
  }

  /** Tells which tables are worth looking for: without any, all trees are the same tree. */
  async #tableUse({ tables = "none", signal }: LoadRootfsOptions): Promise<TableUse> {
    if (tables !== "proved") return tables;
    return (await this.layers({ signal })).some(hasProvableTable) ? tables : "none";
  }

  async *files(options: LoadRootfsOptions = {}): AsyncGenerator<RootfsEntry, void, undefined> {
    yield* (await this.rootfs(options)).entries();
  }

  async readFile(path: string, options: ReadFileOptions & ImageFileOptions = {}): Promise<Bytes> {
    const { tables = "proved", layerIndexes, signal } = options;
    return await (await this.rootfs({ tables, layerIndexes, signal })).readFile(path, options);
  }

  async openFile(path: string, options: ImageFileOptions = {}): Promise<ByteStream> {
    const { tables = "proved", layerIndexes, signal } = options;
    return await (await this.rootfs({ tables, layerIndexes, signal })).openFile(path, options);
  }

  async #configBytes({ signal }: CallOptions): Promise<Bytes> {
    return await this.#rawConfig.get(async (signal) => {
      const { content, parsed: { value: { config } }, rawConfig } = await this.#get({ signal });
      if (rawConfig !== undefined) return await rawConfig({ signal });
      const what = `the config ${config.digest}`;
      return await fetchProved(content, config, { maxBytes: MAX_CONFIG_BYTES, what, signal });
    }, signal);
  }

  async #get({ signal }: CallOptions): Promise<ImageParts> {
    return await this.#parts.get(this.#open, signal);
  }
}
