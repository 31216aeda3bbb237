import type { Fail } from "./_json.ts";
import { isJSONObject } from "./json_object.ts";

/**
 * The fields of a document that lading knows: `true` for a plain value, `"map"` for free keys, a
 * shape for an object or for each element of an array.
 */
export interface Shape {
  readonly [field: string]: true | "map" | Shape;
}

/** OCI image-spec, image-index.md. */
export const PLATFORM_SHAPE: Shape = {
  os: true,
  architecture: true,
  variant: true,
  "os.version": true,
  "os.features": true,
};

/** OCI image-spec, descriptor.md. */
export const DESCRIPTOR_SHAPE: Shape = {
  mediaType: true,
  digest: true,
  size: true,
  urls: true,
  annotations: "map",
  data: true,
  artifactType: true,
  platform: PLATFORM_SHAPE,
};

const COMMON: Shape = {
  schemaVersion: true,
  mediaType: true,
  artifactType: true,
  subject: DESCRIPTOR_SHAPE,
  annotations: "map",
};

/** OCI image-spec, manifest.md. */
export const MANIFEST_SHAPE: Shape = {
  ...COMMON,
  config: DESCRIPTOR_SHAPE,
  layers: DESCRIPTOR_SHAPE,
};

/** OCI image-spec, image-index.md. */
export const INDEX_SHAPE: Shape = { ...COMMON, manifests: DESCRIPTOR_SHAPE };

/** The artifact manifest of the release candidates of image-spec 1.1. */
export const ARTIFACT_SHAPE: Shape = { ...COMMON, blobs: DESCRIPTOR_SHAPE };

/** The form in which Go's JSON reader compares keys: `K` (U+212A) is a `k`, `ſ` (U+017F) an `s`. */
function fold(key: string): string {
  return key.toLowerCase().toUpperCase();
}

/**
 * Refuses keys that Go's JSON reader takes for a known one because it ignores case: with
 * `{"layers": […], "Layers": […]}` it would see other layers than we do.
 */
function refuseCaseVariants(value: object, shape: Shape, fail: Fail): void {
  const known = new Map(Object.keys(shape).map((field) => [fold(field), field]));
  for (const key of Object.keys(value)) {
    const field = known.get(fold(key));
    if (field !== undefined && field !== key) {
      fail(`the key ${JSON.stringify(key)} can be read as ${JSON.stringify(field)}`);
    }
  }
}

/**
 * Puts a parsed document in order, in place: known fields that are `null` are taken out, which is
 * how Go writes what is absent; maps with free keys lose their prototype, so that
 * `labels.constructor` is what the document says and nothing else. The rest is left as it is.
 */
export function tidy(value: unknown, shape: Shape, fail: Fail, areCasesChecked: boolean): void {
  if (Array.isArray(value)) {
    for (const item of value) {
      if (Array.isArray(item)) fail("an array where an object is expected");
      tidy(item, shape, fail, areCasesChecked);
    }
    return;
  }
  if (!isJSONObject(value)) return;
  if (areCasesChecked) refuseCaseVariants(value, shape, fail);
  for (const [field, kind] of Object.entries(shape)) {
    if (!Object.hasOwn(value, field)) continue;
    const item = value[field];
    if (item === null) delete value[field];
    else if (kind === "map") Object.setPrototypeOf(item, null);
    else if (kind !== true) tidy(item, kind, fail, areCasesChecked);
  }
}
