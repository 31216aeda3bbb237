import { readAll } from "../bytes/read_all.ts";
import { openSource } from "../bytes/source.ts";
import { verified } from "../bytes/verify.ts";
import { manifestDigest } from "../hash/manifest_digest.ts";
import type { Bytes, ByteSource } from "../model/bytes.ts";
import type { CallOptions } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { digestAlgorithm } from "../model/digest.ts";
import { DigestMismatchError, LimitExceededError, RegistryError } from "../model/errors.ts";
import { MAX_MANIFEST_BYTES } from "../model/manifest.ts";
import { parseManifest } from "../model/parse_manifest.ts";
import { isSchema1Type } from "../model/media_types.ts";
import { parseSchema1 } from "../model/parse_schema1.ts";
import { discard } from "./_answer.ts";
import { pushScopes, quotedName, type RepositoryContext } from "./_context.ts";
import { expectStored, namedDigest } from "./_digest_header.ts";
import { answerError } from "./errors.ts";
import { tagError } from "./_fixed_tag.ts";
import { hasManifest } from "./manifests.ts";
import { redactURL } from "../model/redact.ts";
import { bytesBody } from "./upload_body.ts";

/** Reads the bytes of a manifest that is to be pushed, and proves them. */
export async function readManifestSource(
  target: Descriptor,
  content: ByteSource,
  options: CallOptions,
): Promise<Bytes> {
  digestAlgorithm(target.digest);
  if (target.size > MAX_MANIFEST_BYTES) {
    if (content instanceof ReadableStream) content.cancel().catch(() => {});
    throw new LimitExceededError(
      `Cannot push manifest ${target.digest}: its ${target.size} bytes are more than the limit of ` +
        `${MAX_MANIFEST_BYTES}`,
      { limit: MAX_MANIFEST_BYTES, unit: "bytes" },
    );
  }
  const isSchema1 = isSchema1Type(target.mediaType);
  const stream = await openSource(content);
  const raw = await readAll(isSchema1 ? stream : verified(stream, target), {
    maxBytes: target.size,
    what: target.digest,
    signal: options.signal,
  });
  if (isSchema1) proveSchema1(target, raw);
  return raw;
}

/** The digest of schema 1 is that of the signed bytes, which are a part of all. */
function proveSchema1(target: Descriptor, raw: Bytes): void {
  const { digest: expected } = target;
  const actual = manifestDigest(parseSchema1(raw), digestAlgorithm(expected));
  if (actual === expected) return;
  throw new DigestMismatchError(
    `Cannot push manifest ${expected}: its signed bytes have the digest ${actual}`,
    { expected, actual, descriptor: target },
  );
}

/** Options of {@linkcode putManifest}. */
export interface PutManifestOptions extends CallOptions {
  /** More headers, such as conditions. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** A tag that it gets along with its digest, where the registry knows that. */
  readonly tag?: string | undefined;
}

/**
 * Tells the type that a manifest is stored under: registries insist on the one that it names itself.
 *
 * @throws {InvalidManifestError} when it is none, or of another kind than its descriptor says.
 */
function storedType(raw: Bytes, { mediaType }: Descriptor): string {
  const parsed = parseManifest(raw, mediaType);
  return parsed.kind === "schema1" ? mediaType : parsed.mediaType;
}

/**
 * Stores a manifest under its digest or a tag. The bytes go out as they are: they are its identity.
 *
 * @returns The headers of the answer.
 * @throws {InvalidManifestError} when the bytes are no manifest, or of another kind than announced.
 * @throws {DigestMismatchError} when the registry stored something else.
 * @throws {RegistryError} when it does not take it; the first error code says what is missing.
 */
export async function putManifest(
  context: RepositoryContext,
  reference: string,
  target: Descriptor,
  raw: Bytes,
  options: PutManifestOptions,
): Promise<Headers> {
  const { client, name } = context;
  const action = `push ${quotedName(context, reference)}`;
  const query = options.tag === undefined ? "" : `?tag=${options.tag}`;
  const answer = await client.send({
    action,
    method: "PUT",
    url: client.url(`/v2/${name}/manifests/${reference}${query}`),
    scopes: pushScopes(context),
    lane: "metadata",
    headers: { "content-type": storedType(raw, target), ...options.headers },
    body: bytesBody(raw, client.uploadWatch),
    signal: options.signal,
  });
  if (answer.status < 200 || answer.status > 299) {
    throw tagError(await answerError(answer, action, client.clock));
  }
  discard(answer);
  expectStored(answer.headers, target, action);
  // goharbor/harbor-helm#1833: only 201 says that it is stored; proxies answer 200 and 204. Who names
  // the digest is a registry: there others may have moved the tag meanwhile.
  const { digest } = target;
  const proof = namedDigest(answer.headers) === digest ? digest : reference;
  if (answer.status === 201 || await hasManifest(context, proof, options, digest)) {
    return answer.headers;
  }
  throw new RegistryError(
    `Cannot ${action}: the registry answered ${answer.status}, but does not have it`,
    { status: answer.status, method: "PUT", url: redactURL(answer.url) },
  );
}

/**
 * Gives a manifest a name by storing it once more. Under a tag alone registries file it by its
 * SHA-256, so another digest goes along where they can take both (distribution-spec, end-7b).
 *
 * @throws {RegistryError} when the registry does not take it.
 */
export async function tagManifest(
  context: RepositoryContext,
  tag: string,
  target: Descriptor,
  raw: Bytes,
  { signal }: CallOptions,
): Promise<void> {
  if (!target.digest.startsWith("sha256:")) {
    const headers = await putManifest(context, target.digest, target, raw, { signal, tag });
    const given = headers.get("oci-tag")?.split(",").map((text) => text.trim());
    if (given?.includes(tag)) return;
  }
  await putManifest(context, tag, target, raw, { signal });
}
