import { concatBytes } from "../bytes/concat.ts";
import { decodeBase64Url, encodeBase64Url } from "../model/base64.ts";
import type { Bytes } from "../model/bytes.ts";
import { isJSONObject } from "../model/json_object.ts";
import type { ParsedSchema1, Schema1Signature } from "../model/schema1.ts";
import { isSignatureAlgorithm, schemeOf, type SignatureAlgorithm } from "./_jwa.ts";
import { importPublicKey } from "./_public_key.ts";
import { SignatureError, type SignatureReason } from "./signature_error.ts";
import { generateSigningKey, type SigningKey } from "./signing_key.ts";

/** The most signatures that are verified: registries write one. */
const MAX_SIGNATURES = 16;

/** A signature that was verified. */
export interface VerifiedSignature {
  /** The fingerprint of the key, as libtrust writes it. */
  readonly keyID: string;
  /** The algorithm. */
  readonly algorithm: SignatureAlgorithm;
  /** When it was signed (RFC 3339), as the signer says. */
  readonly time: string | undefined;
}

function utf8(text: string): Bytes {
  return new TextEncoder().encode(text);
}

function fail(parsed: ParsedSchema1, reason: SignatureReason, why: string): never {
  const { name, tag } = parsed.value;
  throw new SignatureError(
    `Cannot verify the manifest of ${JSON.stringify(`${name}:${tag}`)}: ${why}`,
    {
      reason,
    },
  );
}

/**
 * Verifies every signature of a manifest of schema 1 (docker/libtrust). What is signed is
 * `payload`, which is all that was parsed; bytes outside of it count for nothing. A signature proves
 * that somebody with the key has made or served the manifest: registries sign with keys of their
 * own, anew for each answer. Whom to trust is for the caller to decide by the IDs of the keys.
 *
 * @param parsed The manifest.
 * @returns The signatures; none when it is not signed.
 * @throws {SignatureError} when one of them is wrong, or of a kind that is not verified: chains of
 * certificates are not.
 */
export async function verifySchema1(parsed: ParsedSchema1): Promise<VerifiedSignature[]> {
  const { signatures } = parsed;
  if (signatures.length > MAX_SIGNATURES) {
    fail(parsed, "unsupported", `it has more than ${MAX_SIGNATURES} signatures`);
  }
  const verified: VerifiedSignature[] = [];
  for (const signature of signatures) verified.push(await verifyOne(parsed, signature));
  return verified;
}

async function verifyOne(
  parsed: ParsedSchema1,
  signature: Schema1Signature,
): Promise<VerifiedSignature> {
  const { alg, jwk, x5c } = signature.header;
  if (x5c !== undefined) {
    fail(
      parsed,
      "unsupported",
      "it is signed with a chain of certificates; only keys are verified",
    );
  }
  if (!isSignatureAlgorithm(alg)) {
    fail(parsed, "unsupported", `it is signed with the algorithm ${JSON.stringify(alg)}`);
  }
  const { key, keyID } = await importPublicKey(jwk, alg) ??
    fail(parsed, "key", `there is no key for ${alg} in the signature`);
  const named = isJSONObject(jwk) ? jwk.kid : undefined;
  if (named !== keyID) fail(parsed, "key", `its key has not the ID that the signature names`);
  const { use, signatureBytes } = schemeOf(alg);
  const bytes = decode(signature.signature) ?? fail(parsed, "invalid", "a signature is no base64");
  const isSized = signatureBytes === undefined || bytes.byteLength === signatureBytes;
  const input = signingInput(signature.protected, parsed.payload);
  if (!isSized || !await crypto.subtle.verify(use, key, bytes, input)) {
    fail(parsed, "invalid", `the signature of the key ${keyID} is not that of the bytes`);
  }
  return { keyID, algorithm: alg, time: timeOf(signature.protected) };
}

function decode(text: string): Bytes | undefined {
  try {
    return decodeBase64Url(text);
  } catch {
    return undefined;
  }
}

/** What a signature is made over (RFC 7515 §5.1). */
function signingInput(protectedHeader: string, payload: Bytes): Bytes {
  return utf8(`${protectedHeader}.${encodeBase64Url(payload)}`);
}

function timeOf(protectedHeader: string): string | undefined {
  const header: unknown = JSON.parse(new TextDecoder().decode(decodeBase64Url(protectedHeader)));
  const time = isJSONObject(header) ? header.time : undefined;
  return typeof time === "string" ? time : undefined;
}

/** Options of {@linkcode signSchema1}. */
export interface SignOptions {
  /** The key; by default a new one for this signature alone. */
  readonly key?: SigningKey | undefined;
  /** The time to write down, in milliseconds since 1970; default now. */
  readonly now?: number | undefined;
}

/** The bytes of JSON white space. */
const SPACES: ReadonlySet<number | undefined> = new Set([0x20, 0x0a, 0x0d, 0x09]);

/** Where the content of a JSON object ends, in front of its closing brace and the space before. */
function endOfContent(payload: Bytes): number {
  const brace = payload.lastIndexOf(0x7d);
  let end = brace;
  while (end > 0 && SPACES.has(payload[end - 1])) end--;
  const isObject = brace > 0 && payload.subarray(brace + 1).every((byte) => SPACES.has(byte));
  if (isObject && payload[end - 1] !== 0x7b) return end;
  throw new TypeError("Cannot sign: the payload is no JSON object with fields");
}

/**
 * Signs the payload of a manifest of schema 1 as libtrust does: the signatures are put in front of
 * the last brace, and the payload around them stays byte for byte.
 *
 * @param payload A JSON object without signatures.
 * @param options The key and the time.
 * @returns The signed manifest.
 * @throws {TypeError} when the payload is no JSON object.
 */
export async function signSchema1(payload: Bytes, options: SignOptions = {}): Promise<Bytes> {
  const { key = await generateSigningKey(), now = Date.now() } = options;
  const end = endOfContent(payload);
  const head = payload.subarray(0, end);
  const tail = payload.subarray(end);
  const time = new Date(now).toISOString().replace(/\.\d+Z$/, "Z");
  const format = { formatLength: end, formatTail: encodeBase64Url(tail), time };
  const protectedHeader = encodeBase64Url(utf8(JSON.stringify(format)));
  const { use } = schemeOf(key.algorithm);
  const input = signingInput(protectedHeader, payload);
  const signature = new Uint8Array(await crypto.subtle.sign(use, key.privateKey, input));
  const signatures = [{
    header: { jwk: key.jwk, alg: key.algorithm },
    signature: encodeBase64Url(signature),
    protected: protectedHeader,
  }];
  const text = JSON.stringify(signatures, null, 3).replaceAll("\n", "\n   ");
  return concatBytes([head, utf8(`,\n   "signatures": ${text}`), tail]);
}
