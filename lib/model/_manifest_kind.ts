import type { Fail } from "./_json.ts";
import type { JSONObject } from "./json_object.ts";
import {
  isIndexType,
  isSchema1Type,
  MEDIA_TYPE_DOCKER_MANIFEST,
  MEDIA_TYPE_OCI_ARTIFACT_MANIFEST,
  MEDIA_TYPE_OCI_MANIFEST,
} from "./media_types.ts";

/** The kinds of documents that are stored as manifests. */
export type ManifestKind = "image" | "index" | "artifact" | "schema1";

/** The fields that belong to one kind only; a document with those of two kinds is ambiguous. */
const FIELDS: Readonly<Record<ManifestKind, readonly string[]>> = {
  image: ["config", "layers"],
  index: ["manifests"],
  artifact: ["blobs"],
  schema1: ["fsLayers", "history"],
};

/** The kind that a media type stands for; `undefined` for one that lading does not know. */
export function kindOfType(mediaType: string): ManifestKind | undefined {
  if (mediaType === MEDIA_TYPE_OCI_MANIFEST || mediaType === MEDIA_TYPE_DOCKER_MANIFEST) {
    return "image";
  }
  if (mediaType === MEDIA_TYPE_OCI_ARTIFACT_MANIFEST) return "artifact";
  if (isIndexType(mediaType)) return "index";
  return isSchema1Type(mediaType) ? "schema1" : undefined;
}

function has(document: JSONObject, field: string): boolean {
  return Object.hasOwn(document, field) && document[field] !== null;
}

/** The kind that a document has the fields of; `undefined` when it has those of none. */
export function kindOfShape(document: JSONObject): ManifestKind | undefined {
  if (has(document, "manifests")) return "index";
  if (has(document, "config") || has(document, "layers")) return "image";
  return has(document, "fsLayers") ? "schema1" : undefined;
}

/**
 * Refuses a document that can be read as two kinds (CVE-2021-41190): one whose own media type, or
 * one of whose fields, belongs to another kind than the one it is read as.
 */
export function checkKind(document: JSONObject, kind: ManifestKind | undefined, fail: Fail): void {
  if (kind === undefined) fail("unknown type of manifest");
  const own = typeof document.mediaType === "string" ? kindOfType(document.mediaType) : undefined;
  if (own !== undefined && own !== kind) fail(`its media type is that of an ${own}, not ${kind}`);
  for (const other of ["image", "index", "schema1"] as const) {
    if (other === kind) continue;
    const field = FIELDS[other].find((name) => has(document, name));
    if (field !== undefined) {
      fail(`the field "${field}" does not belong to this type of manifest: it is ambiguous`);
    }
  }
}
