import { InvalidManifestError } from "./errors.ts";
import { type Fail, parseJSON } from "./_json.ts";
import { isJSONObject, type JSONObject } from "./json_object.ts";
import { checkKind, kindOfShape, kindOfType } from "./_manifest_kind.ts";
import { guessManifestType } from "./_manifest_type.ts";
import {
  type ArtifactManifest,
  type ImageManifest,
  MAX_MANIFEST_BYTES,
  type ParsedManifest,
} from "./manifest.ts";
import type { ImageIndex } from "./image_index.ts";
import { ownBytes, shownInput } from "./_raw.ts";
import { judgeArtifactManifest, judgeImageIndex, judgeImageManifest } from "./_manifest_schema.ts";
import { ARTIFACT_SHAPE, INDEX_SHAPE, MANIFEST_SHAPE, tidy } from "./_shape.ts";
import { readSchema1 } from "./_read_schema1.ts";

/** Types that say nothing: servers send them when they know no better. */
const GENERIC_TYPES: ReadonlySet<string> = new Set([
  "",
  "application/json",
  "application/octet-stream",
  "binary/octet-stream",
  "text/plain",
]);

const TYPED = {
  image: [MANIFEST_SHAPE, judgeImageManifest],
  index: [INDEX_SHAPE, judgeImageIndex],
  artifact: [ARTIFACT_SHAPE, judgeArtifactManifest],
} as const;

/** Makes the error of everything that is wrong with a manifest. */
export function manifestFail(raw: Uint8Array): Fail {
  return (reason, position) => {
    throw new InvalidManifestError(`Cannot parse manifest: ${reason}`, {
      input: shownInput(raw),
      position,
    });
  };
}

/** Parses the bytes of a manifest to a JSON object, within all limits. */
export function parseManifestJSON(raw: Uint8Array, fail: Fail): JSONObject {
  const document = parseJSON(raw, MAX_MANIFEST_BYTES, fail);
  return isJSONObject(document) ? document : fail("not a JSON object");
}

/** The type a document was announced with, without parameters; `undefined` when it says nothing. */
function announcedType(mediaType: string | undefined): string | undefined {
  const [type = ""] = (mediaType ?? "").split(";");
  const bare = type.trim().toLowerCase();
  return GENERIC_TYPES.has(bare) ? undefined : bare;
}

/** The type the document names itself. */
function ownType(document: JSONObject, fail: Fail): string | undefined {
  const { mediaType } = document;
  if (mediaType === undefined || mediaType === null || mediaType === "") return undefined;
  return typeof mediaType === "string" ? mediaType : fail("mediaType: not a string");
}

/** Parses a manifest of any kind. */
export function readManifest(raw: Uint8Array, announced?: string): ParsedManifest {
  const fail = manifestFail(raw);
  const document = parseManifestJSON(raw, fail);
  const own = ownType(document, fail);
  const declared = announcedType(announced);
  const mediaType = own ?? declared ?? guessManifestType(document);
  const announcedKind = kindOfType(declared ?? "");
  // A type of another project still has the shape of a manifest or an index: it can be copied.
  const kind = kindOfType(mediaType ?? "") ?? announcedKind ?? kindOfShape(document);
  // As containerd, and not stricter: layouts of Docker manifests announced as OCI are around.
  if (announcedKind !== undefined && announcedKind !== kind) {
    fail(`its media type is ${mediaType}, but it was announced as ${declared}`);
  }
  checkKind(document, kind, fail);
  if (kind === undefined || mediaType === undefined) return fail("unknown type of manifest");
  if (kind === "schema1") return readSchema1(raw, document, fail);
  const [shape, judge] = TYPED[kind];
  tidy(document, shape, fail, true);
  if (document.mediaType === "") delete document.mediaType;
  const problem = judge(document, "");
  if (problem !== undefined) fail(problem);
  const bytes = ownBytes(raw);
  const value: unknown = document;
  switch (kind) {
    case "image":
      return { kind, raw: bytes, mediaType, value: value as ImageManifest };
    case "index":
      return { kind, raw: bytes, mediaType, value: value as ImageIndex };
    case "artifact":
      return { kind, raw: bytes, mediaType, value: value as ArtifactManifest };
  }
}
