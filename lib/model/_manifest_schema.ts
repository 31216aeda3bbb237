import type { Descriptor } from "./descriptor.ts";
import { isDigest } from "./digest.ts";
import type { ImageIndex } from "./image_index.ts";
import { type Judge, list, object, optional, that } from "./_judge.ts";
import { isJSONObject } from "./json_object.ts";
import type { ArtifactManifest, ImageManifest } from "./manifest.ts";
import type { Platform } from "./platform.ts";
import type { Schema1Manifest } from "./schema1.ts";

const isText = (value: unknown): value is string => typeof value === "string";

const text: Judge<string> = that(isText, "not a string");
const texts: Judge<readonly string[]> = list(text);

// RFC 6838 §4.2 is narrower. Nothing is done with the type of a layer but comparing it, so what
// other tools wrote is let through as long as it is printable and can stand in a header.
const mediaType: Judge<string> = that(
  (value) => isText(value) && /^[\x21-\x7e][\x20-\x7e]{0,254}$/.test(value),
  "not a media type",
);

const digest: Judge<string> = that((value) => isText(value) && isDigest(value), "not a digest");

const size: Judge<number> = that(
  (value) => Number.isSafeInteger(value) && Number(value) >= 0,
  "not a number of bytes",
);

const textMap: Judge<Readonly<Record<string, string>>> = that(
  (value) => isJSONObject(value) && Object.values(value).every(isText),
  "not an object of strings",
);

/** Judges a {@linkcode Platform}, and that of a config among its other fields. */
export const judgePlatform: Judge<Platform> = object<Platform>({
  os: text,
  architecture: text,
  variant: optional(text),
  "os.version": optional(text),
  "os.features": optional(texts),
});

function version<Version extends number>(wanted: Version): Judge<Version> {
  return that((value) => value === wanted, `not ${wanted}`);
}

/** Judges a {@linkcode Descriptor}. */
export const judgeDescriptor: Judge<Descriptor> = object<Descriptor>({
  mediaType,
  digest,
  size,
  urls: optional(texts),
  annotations: optional(textMap),
  data: optional(text),
  artifactType: optional(text),
  platform: optional(judgePlatform),
});

/** Judges an {@linkcode ImageManifest}. */
export const judgeImageManifest: Judge<ImageManifest> = object<ImageManifest>({
  schemaVersion: version(2),
  mediaType: optional(mediaType),
  artifactType: optional(text),
  config: judgeDescriptor,
  layers: list(judgeDescriptor),
  subject: optional(judgeDescriptor),
  annotations: optional(textMap),
});

/** Judges an {@linkcode ImageIndex}. */
export const judgeImageIndex: Judge<ImageIndex> = object<ImageIndex>({
  schemaVersion: version(2),
  mediaType: optional(mediaType),
  artifactType: optional(text),
  manifests: list(judgeDescriptor),
  subject: optional(judgeDescriptor),
  annotations: optional(textMap),
});

/** Judges an {@linkcode ArtifactManifest}. */
export const judgeArtifactManifest: Judge<ArtifactManifest> = object<ArtifactManifest>({
  mediaType,
  artifactType: optional(text),
  blobs: list(judgeDescriptor),
  subject: optional(judgeDescriptor),
  annotations: optional(textMap),
});

/** Judges a {@linkcode Schema1Manifest}. */
export const judgeSchema1: Judge<Schema1Manifest> = object<Schema1Manifest>({
  schemaVersion: version(1),
  name: text,
  tag: text,
  architecture: text,
  fsLayers: list(object<Schema1Manifest["fsLayers"][number]>({ blobSum: digest })),
  history: list(object<Schema1Manifest["history"][number]>({ v1Compatibility: text })),
});
