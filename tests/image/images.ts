import { readAll } from "../../lib/bytes/mod.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import { type Image, loadImage } from "../../lib/image/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import type { ContentStore, Target } from "../../lib/model/content.ts";
import type { Descriptor } from "../../lib/model/descriptor.ts";
import {
  MEDIA_TYPE_OCI_CONFIG,
  MEDIA_TYPE_OCI_INDEX,
  MEDIA_TYPE_OCI_LAYER,
  MEDIA_TYPE_OCI_LAYER_GZIP,
  MEDIA_TYPE_OCI_MANIFEST,
} from "../../lib/model/mod.ts";
import type { Platform } from "../../lib/model/platform.ts";
import { memoryStore } from "../../lib/store/mod.ts";
import { type TarInput, writeTar } from "../../lib/tar/mod.ts";

const text = new TextEncoder();

/** An entry of a layer, written shortly. */
export type Short = string | TarInput;

/** Makes an entry: `dir/`, `file=content`, `link->target`, `name=>hardlink`. */
export function entry(short: Short): TarInput {
  if (typeof short !== "string") return short;
  const [, path = "", mark = "", rest = ""] = /^(.*?)(->|=>|=|$)(.*)$/s.exec(short) ?? [];
  if (mark === "->") return { path, type: "symlink", linkPath: rest };
  if (mark === "=>") return { path, type: "hardlink", linkPath: rest };
  if (path.endsWith("/")) return { path, type: "directory", mode: 0o755 };
  return { path, type: "file", mode: 0o644, body: text.encode(rest) };
}

/** Makes the tar archive of a layer. */
export async function tarOf(entries: readonly Short[]): Promise<Bytes> {
  return await readAll(writeTar(entries.map(entry)), { maxBytes: 1 << 26 });
}

/** Stores content. */
export async function put(
  store: ContentStore,
  mediaType: string,
  content: Uint8Array | object,
): Promise<Descriptor> {
  const bytes = content instanceof Uint8Array
    ? new Uint8Array(content)
    : text.encode(JSON.stringify(content));
  const descriptor = { mediaType, digest: digestBytes("sha256", bytes), size: bytes.length };
  await store.push(descriptor, bytes);
  return descriptor;
}

/** Options of {@linkcode putImage}. */
export interface PutImageOptions {
  readonly platform?: Platform;
  /** What replaces fields of the config. */
  readonly config?: object;
  /** How layers are stored; plain by default. */
  readonly compress?: (tar: Bytes) => Promise<Bytes>;
}

/** Stores an image of tar archives. */
export async function putImage(
  store: Target,
  tars: readonly Bytes[],
  options: PutImageOptions = {},
): Promise<Descriptor> {
  const { platform = { os: "linux", architecture: "amd64" }, compress } = options;
  const layers: Descriptor[] = [];
  for (const tar of tars) {
    const type = compress === undefined ? MEDIA_TYPE_OCI_LAYER : MEDIA_TYPE_OCI_LAYER_GZIP;
    layers.push(await put(store, type, await compress?.(tar) ?? tar));
  }
  const config = await put(store, MEDIA_TYPE_OCI_CONFIG, {
    ...platform,
    config: { Env: ["A=1"] },
    rootfs: { type: "layers", diff_ids: tars.map((tar) => digestBytes("sha256", tar)) },
    ...options.config,
  });
  const manifest = await put(store, MEDIA_TYPE_OCI_MANIFEST, {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE_OCI_MANIFEST,
    config,
    layers,
  });
  return { ...manifest, platform };
}

/** Stores an index. */
export async function putIndex(
  store: Target,
  manifests: readonly Descriptor[],
): Promise<Descriptor> {
  return await put(store, MEDIA_TYPE_OCI_INDEX, {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE_OCI_INDEX,
    manifests,
  });
}

/** Makes an image of archives, or of entries written shortly, one list per layer. */
export async function imageOf(...layers: readonly (Bytes | readonly Short[])[]): Promise<Image> {
  const store = memoryStore();
  const tars: Bytes[] = [];
  for (const layer of layers) tars.push(layer instanceof Uint8Array ? layer : await tarOf(layer));
  return await loadImage(store, await putImage(store, tars));
}

/** Lists the paths of the merged tree; directories end in a slash. */
export async function pathsOf(image: Image): Promise<string[]> {
  const paths: string[] = [];
  for await (const { path, type } of image.files()) {
    paths.push(type === "directory" ? `${path}/` : path);
  }
  return paths;
}

/** Reads a file of an image as text. */
export async function textOf(image: Image, path: string): Promise<string> {
  return new TextDecoder().decode(await image.readFile(path));
}
