import { decodeBase64 } from "./base64.ts";
import type { Descriptor } from "./descriptor.ts";
import { LadingError } from "./errors.ts";
import type { ImageConfig } from "./image_config.ts";
import { parseImageConfig } from "./parse_image_config.ts";
import type { ImageIndex } from "./image_index.ts";
import { parseImageIndex } from "./parse_image_index.ts";
import { parseJSON } from "./_json.ts";
import { isJSONObject } from "./json_object.ts";
import type { ImageManifest } from "./manifest.ts";
import { parseImageManifest } from "./parse_manifest.ts";
import { MAX_MANIFEST_BYTES } from "./manifest.ts";
import { manifestFail } from "./_read_manifest.ts";
import { MEDIA_TYPE_OCI_EMPTY } from "./media_types.ts";
import { judgeDescriptor } from "./_manifest_schema.ts";
import { DESCRIPTOR_SHAPE, tidy } from "./_shape.ts";

/** The documents of the OCI image-spec. */
export type SpecDocument = "descriptor" | "manifest" | "index" | "config" | "layout";

// RFC 6838 §4.2, as the image-spec's schema has it.
const MEDIA_TYPE_REGEXP =
  /^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}$/;

// RFC 3986 §4.3: an absolute URI starts with its scheme.
const URI_REGEXP = /^[A-Za-z][A-Za-z0-9+.-]*:[\x21-\x7e]+$/;

// RFC 3339 §5.6.
const DATE_TIME_REGEXP = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)$/;

function* typeProblems(mediaType: string | undefined, field: string): Generator<string> {
  if (mediaType !== undefined && !MEDIA_TYPE_REGEXP.test(mediaType)) {
    yield `${field}: ${JSON.stringify(mediaType)} is no media type (RFC 6838)`;
  }
}

function isContentOf(data: string, size: number): boolean {
  try {
    return decodeBase64(data).length === size;
  } catch {
    return false;
  }
}

function* descriptorProblems(descriptor: Descriptor, at: string): Generator<string> {
  yield* typeProblems(descriptor.mediaType, `${at}mediaType`);
  yield* typeProblems(descriptor.artifactType, `${at}artifactType`);
  for (const url of descriptor.urls ?? []) {
    if (!URI_REGEXP.test(url)) yield `${at}urls: ${JSON.stringify(url)} is no URI (RFC 3986)`;
  }
  if (descriptor.data !== undefined && !isContentOf(descriptor.data, descriptor.size)) {
    yield `${at}data: not the base64 of ${descriptor.size} bytes`;
  }
}

function* listProblems(descriptors: readonly Descriptor[], at: string): Generator<string> {
  for (const [index, item] of descriptors.entries()) {
    yield* descriptorProblems(item, `${at}.${index}.`);
  }
}

function* commonProblems(value: ImageManifest | ImageIndex): Generator<string> {
  yield* typeProblems(value.artifactType, "artifactType");
  if (value.subject !== undefined) yield* descriptorProblems(value.subject, "subject.");
}

function* manifestProblems(value: ImageManifest): Generator<string> {
  yield* commonProblems(value);
  yield* descriptorProblems(value.config, "config.");
  yield* listProblems(value.layers, "layers");
  if (value.layers.length === 0) yield "layers: there should be at least one";
  if (value.config.mediaType === MEDIA_TYPE_OCI_EMPTY && value.artifactType === undefined) {
    yield "artifactType: required when the config is empty";
  }
}

function* indexProblems(value: ImageIndex): Generator<string> {
  yield* commonProblems(value);
  yield* listProblems(value.manifests, "manifests");
}

function* configProblems(value: ImageConfig): Generator<string> {
  for (const variable of value.config?.Env ?? []) {
    if (!/^[^=]+=/.test(variable)) yield `config.Env: ${JSON.stringify(variable)} has no value`;
  }
  if (value.rootfs.type !== "layers") yield 'rootfs.type: not "layers"';
  const dates = [value.created, ...(value.history ?? []).map(({ created }) => created)];
  for (const date of dates) {
    if (date !== undefined && !DATE_TIME_REGEXP.test(date)) {
      yield `created: ${JSON.stringify(date)} is no date and time (RFC 3339)`;
    }
  }
}

function* problemsOf(document: SpecDocument, raw: Uint8Array): Generator<string> {
  if (document === "manifest") return yield* manifestProblems(parseImageManifest(raw).value);
  if (document === "index") return yield* indexProblems(parseImageIndex(raw).value);
  if (document === "config") return yield* configProblems(parseImageConfig(raw).value);
  const fail = manifestFail(raw);
  const value = parseJSON(raw, MAX_MANIFEST_BYTES, fail);
  if (!isJSONObject(value)) return yield "not a JSON object";
  if (document === "layout") {
    if (typeof value.imageLayoutVersion !== "string") yield "imageLayoutVersion: not a string";
    return;
  }
  tidy(value, DESCRIPTOR_SHAPE, fail, true);
  const problem = judgeDescriptor(value, "");
  if (problem !== undefined) yield problem;
  else yield* descriptorProblems(value as unknown as Descriptor, "");
}

/**
 * Lists where a document departs from the OCI image-spec. The parsers take more than this: what
 * other tools wrote has to stay readable. Digests are not computed, other documents not fetched.
 *
 * @param document What the document is to be.
 * @param raw Its bytes.
 * @returns What is wrong, in words; nothing when the document conforms.
 */
export function specProblems(document: SpecDocument, raw: Uint8Array): string[] {
  const problems: string[] = [];
  try {
    for (const problem of problemsOf(document, raw)) problems.push(problem);
  } catch (error) {
    if (!(error instanceof LadingError)) throw error;
    problems.push(error.message.slice(error.message.indexOf(": ") + 2));
  }
  return problems;
}
