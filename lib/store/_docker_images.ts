import type { Bytes } from "../model/bytes.ts";
import type { Descriptor } from "../model/descriptor.ts";
import {
  DigestMismatchError,
  InvalidConfigError,
  InvalidManifestError,
  UnsupportedMediaTypeError,
} from "../model/errors.ts";
import { MAX_CONFIG_BYTES } from "../model/image_config.ts";
import { parseImageConfig } from "../model/parse_image_config.ts";
import { MAX_MANIFEST_BYTES } from "../model/manifest.ts";
import {
  MEDIA_TYPE_DOCKER_CONFIG,
  MEDIA_TYPE_DOCKER_LAYER,
  MEDIA_TYPE_DOCKER_LAYER_GZIP,
  MEDIA_TYPE_DOCKER_LAYER_ZSTD,
  MEDIA_TYPE_DOCKER_MANIFEST,
} from "../model/media_types.ts";
import { digestBytes } from "../hash/digest_bytes.ts";
import { type ArchiveFiles, readMember } from "./_archive.ts";
import { madeOf, type RecordedManifests } from "./_recorded_manifests.ts";
import type { FileMember, TarMembers } from "./_tar_members.ts";

/** `manifest.json` names files; an image needs less than 20 KiB in it (containers/image has 1 MiB). */
const MAX_MANIFEST_JSON_BYTES = 1024 * 1024;

/** One image of `manifest.json`. */
export interface ImageEntry {
  /** The path of the config. */
  readonly config: string;
  /** The names of the image, as they are written. */
  readonly tags: readonly string[];
  /** The paths of the layers, base first. */
  readonly layers: readonly string[];
}

/** An image as a manifest. */
export interface PresentedImage {
  readonly descriptor: Descriptor;
  readonly raw: Bytes;
}

/** Reads `manifest.json`; `undefined` when the archive has none. */
export async function readEntries(
  archive: ArchiveFiles,
  members: TarMembers,
): Promise<ImageEntry[] | undefined> {
  const member = members.find("manifest.json");
  if (member === undefined) return undefined;
  const raw = await readMember(archive, member, "manifest.json", MAX_MANIFEST_JSON_BYTES);
  const text = new TextDecoder().decode(raw);
  const fail = (reason: string): never => {
    throw new InvalidManifestError(
      `Cannot read manifest.json of ${archive.place}: ${reason}`,
      { input: text },
    );
  };
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return fail("it is not JSON");
  }
  // Docker writes null for an archive of nothing, and loads it without a word.
  if (document === null) return fail("it lists no image");
  return Array.isArray(document) ? document.map((entry) => readEntry(entry, fail)) : fail(
    "it is no list of images",
  );
}

function readEntry(entry: unknown, fail: (reason: string) => never): ImageEntry {
  if (typeof entry !== "object" || entry === null) return fail("an image is no object");
  const { Config: config, RepoTags: tags, Layers: layers } = entry as Record<string, unknown>;
  if (typeof config !== "string" || config === "") return fail("an image has no Config");
  return { config, tags: strings(tags, "RepoTags", fail), layers: strings(layers, "Layers", fail) };
}

function strings(value: unknown, field: string, fail: (reason: string) => never): string[] {
  if (value === undefined || value === null) return [];
  const isList = Array.isArray(value) && value.every((item) => typeof item === "string");
  return isList ? value : fail(`${field} is no list of strings`);
}

/** What the configs of an archive say of layers, by their files: images may share one. */
export type KnownConfigs = Map<FileMember, Promise<readonly string[]>>;

/**
 * Gives the manifest of an image, over config and layers as they are stored: the one that the archive
 * has, where exactly one is made of them, else one of version 2, schema 2.
 */
export async function presentImage(
  archive: ArchiveFiles,
  { members, recorded, configs }: {
    readonly members: TarMembers;
    readonly recorded: RecordedManifests;
    readonly configs: KnownConfigs;
  },
  entry: ImageEntry,
): Promise<PresentedImage> {
  const config = members.get(entry.config);
  const diffIDs = await diffIDsOf(archive, config, entry.config, configs);
  if (diffIDs.length !== entry.layers.length) {
    throw new InvalidManifestError(
      `Cannot read an image of ${archive.place}: "${entry.config}" speaks of ` +
        `${diffIDs.length} layers, manifest.json of ${entry.layers.length}`,
      { input: entry.config },
    );
  }
  const described = describeMember(config, entry.config, MEDIA_TYPE_DOCKER_CONFIG, archive.place);
  const layers = entry.layers.map((path, i) => {
    return describeLayer(members.get(path), path, diffIDs[i], archive.place);
  });
  const known = recorded.get(madeOf(described, layers));
  if (typeof known === "object") {
    const { descriptor, member } = known;
    const raw = await readMember(archive, member, descriptor.digest, MAX_MANIFEST_BYTES);
    return { raw, descriptor };
  }
  const mediaType = MEDIA_TYPE_DOCKER_MANIFEST;
  const manifest = { schemaVersion: 2, mediaType, config: described, layers };
  const raw = new TextEncoder().encode(JSON.stringify(manifest));
  return {
    raw,
    descriptor: { mediaType, digest: digestBytes("sha256", raw), size: raw.byteLength },
  };
}

/** Reads a config once, also one that is damaged: a list of images may name it very often. */
async function diffIDsOf(
  archive: ArchiveFiles,
  config: FileMember,
  path: string,
  known: KnownConfigs,
): Promise<readonly string[]> {
  const read = async (): Promise<readonly string[]> =>
    parseImageConfig(await readMember(archive, config, path, MAX_CONFIG_BYTES)).value.rootfs
      .diff_ids;
  const diffIDs = known.get(config) ?? read();
  known.set(config, diffIDs);
  try {
    return await diffIDs;
  } catch (error) {
    // What could not be read may be there the next time.
    if (!(error instanceof InvalidConfigError)) known.delete(config);
    throw error;
  }
}

function describeLayer(
  layer: FileMember,
  path: string,
  diffID: string | undefined,
  place: string,
): Descriptor {
  switch (layer.compression) {
    case "gzip":
      return describeMember(layer, path, MEDIA_TYPE_DOCKER_LAYER_GZIP, place);
    case "zstd":
      return describeMember(layer, path, MEDIA_TYPE_DOCKER_LAYER_ZSTD, place);
    case "none": {
      const descriptor = describeMember(layer, path, MEDIA_TYPE_DOCKER_LAYER, place);
      checkDigest(descriptor, diffID, path, place);
      return descriptor;
    }
    default:
      throw new UnsupportedMediaTypeError(
        `Cannot read "${path}" of ${place}: no manifest can have a layer compressed with ` +
          layer.compression,
        { mediaType: `application/x-${layer.compression}` },
      );
  }
}

// Docker 25 and later name files by their digests; older names tell nothing about the content.
const BLOB_REGEXP = /(?:^|\/)blobs\/sha256\/([0-9a-f]{64})$/;

function describeMember(
  { digest = "", size }: FileMember,
  path: string,
  mediaType: string,
  place: string,
): Descriptor {
  const descriptor = { mediaType, size, digest };
  const [, named] = BLOB_REGEXP.exec(path) ?? [];
  checkDigest(descriptor, named === undefined ? undefined : `sha256:${named}`, path, place);
  return descriptor;
}

function checkDigest(
  descriptor: Descriptor,
  expected: string | undefined,
  path: string,
  place: string,
): void {
  if (expected === undefined || expected === descriptor.digest) return;
  throw new DigestMismatchError(
    `Cannot read "${path}" of ${place}: it has the digest ${descriptor.digest}, expected ${expected}`,
    { expected, actual: descriptor.digest, descriptor },
  );
}
