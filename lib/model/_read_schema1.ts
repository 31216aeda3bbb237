import { decodeBase64Url } from "./base64.ts";
import type { Bytes } from "./bytes.ts";
import { type Fail, parseJSON } from "./_json.ts";
import { isJSONObject, type JSONObject } from "./json_object.ts";
import { MEDIA_TYPE_DOCKER_SCHEMA1, MEDIA_TYPE_DOCKER_SCHEMA1_SIGNED } from "./media_types.ts";
import { ownBytes } from "./_raw.ts";
import { judgeSchema1 } from "./_manifest_schema.ts";
import type { ParsedSchema1, Schema1Manifest, Schema1Signature } from "./schema1.ts";

/** What a `protected` header says about the signed bytes. */
interface Format {
  readonly length: number;
  readonly tail: string;
}

/** Real ones have about 80 bytes: two numbers, a base64 of three characters and a time. */
const MAX_PROTECTED_BYTES = 4096;

function decode(text: string, what: string, fail: Fail): Bytes {
  try {
    return decodeBase64Url(text);
  } catch {
    return fail(`${what} is not base64`);
  }
}

function isSignature(value: unknown): value is JSONObject & Schema1Signature {
  return isJSONObject(value) && isJSONObject(value.header) &&
    typeof value.signature === "string" && typeof value.protected === "string";
}

function readSignatures(value: unknown, fail: Fail): Schema1Signature[] {
  if (!Array.isArray(value) || value.length === 0) return fail("the signatures are no list");
  return value.map((item: unknown) =>
    isSignature(item)
      ? { header: item.header, signature: item.signature, protected: item.protected }
      : fail("a signature is incomplete")
  );
}

function readFormat(signature: Schema1Signature, fail: Fail): Format {
  const raw = decode(signature.protected, "the protected header of a signature", fail);
  const value = parseJSON(raw, MAX_PROTECTED_BYTES, fail);
  if (!isJSONObject(value)) return fail("a protected header is no JSON object");
  const { formatLength, formatTail } = value;
  return typeof formatLength === "number" && typeof formatTail === "string"
    ? { length: formatLength, tail: formatTail }
    : fail("a protected header has no formatLength and formatTail");
}

/**
 * Puts the signed bytes together: the document was cut before its closing brace, the signatures
 * were put in, and the tail was added again (docker/libtrust, `jsonsign.go`).
 */
function signedBytes(raw: Uint8Array, signatures: readonly Schema1Signature[], fail: Fail): Bytes {
  const formats = signatures.map((signature) => readFormat(signature, fail));
  const [first] = formats;
  if (first === undefined) return fail("there is no signature");
  if (formats.some(({ length, tail }) => length !== first.length || tail !== first.tail)) {
    fail("the signatures are for different bytes");
  }
  const { length } = first;
  if (!Number.isSafeInteger(length) || length <= 0 || length > raw.length) {
    fail("the signed length is not within the document");
  }
  const tail = decode(first.tail, "the tail of the signed bytes", fail);
  const payload = new Uint8Array(length + tail.length);
  payload.set(raw.subarray(0, length));
  payload.set(tail, length);
  return payload;
}

/** Reads the signed bytes, and refuses fields that are in the document but not among them. */
function readPayload(payload: Bytes, document: JSONObject, fail: Fail): JSONObject {
  const value = parseJSON(payload, payload.length, fail);
  if (!isJSONObject(value)) return fail("the signed bytes are no JSON object");
  const extra = Object.keys(document).find((key) =>
    key !== "signatures" && !Object.hasOwn(value, key)
  );
  if (extra !== undefined) fail(`the field ${JSON.stringify(extra)} is not signed`);
  return value;
}

/** Makes the parsed manifest out of a document of schema 1. */
export function readSchema1(raw: Uint8Array, document: JSONObject, fail: Fail): ParsedSchema1 {
  const isSigned = document.signatures !== undefined && document.signatures !== null;
  const signatures = isSigned ? readSignatures(document.signatures, fail) : [];
  const payload = isSigned ? signedBytes(raw, signatures, fail) : ownBytes(raw);
  const value: unknown = isSigned ? readPayload(payload, document, fail) : document;
  const problem = judgeSchema1(value, "");
  if (problem !== undefined) fail(problem);
  return {
    kind: "schema1",
    raw: ownBytes(raw),
    mediaType: isSigned ? MEDIA_TYPE_DOCKER_SCHEMA1_SIGNED : MEDIA_TYPE_DOCKER_SCHEMA1,
    value: value as Schema1Manifest,
    payload,
    signatures,
  };
}
