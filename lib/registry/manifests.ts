import { readAll } from "../bytes/read_all.ts";
import type { Bytes } from "../model/bytes.ts";
import type { CallOptions, ResolveOptions } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { digestAlgorithm } from "../model/digest.ts";
import { AuthenticationError, DigestMismatchError, LimitExceededError } from "../model/errors.ts";
import { MAX_MANIFEST_BYTES, type ParsedManifest } from "../model/manifest.ts";
import { parseManifest } from "../model/parse_manifest.ts";
import { isIndexType, isManifestType, isSchema1Type } from "../model/media_types.ts";
import { MANIFEST_TYPES, SINGLE_TYPES } from "./accept.ts";
import { type Answer, contentLength, contentType, discard, isEncoded } from "./_answer.ts";
import { contentOf } from "./_content_encoding.ts";
import { pullScopes, pushScopes, quotedName, type RepositoryContext } from "./_context.ts";
import { contradicts, isWebPage, namedDigest } from "./_digest_header.ts";
import { answerError, failureOf, notARegistry } from "./errors.ts";
import { type ManifestName, manifestName } from "./_manifest_name.ts";

/** A manifest as a registry gave it, verified. */
export interface Manifest {
  /** The bytes as they were received; for schema 1 with the signatures. */
  readonly raw: Bytes;
  /** What the bytes are: their digest and number, and their media type. */
  readonly descriptor: Descriptor;
  /** What the bytes say. */
  readonly parsed: ParsedManifest;
}

/** Options of reading a manifest. */
export interface ManifestOptions extends CallOptions {
  /** The media types to ask for; default all. A registry may convert to what is asked for. */
  readonly accept?: readonly string[] | undefined;
}

/** Tells whether content is stored as a manifest, not as a blob. */
export function isManifest({ mediaType }: Descriptor): boolean {
  return isIndexType(mediaType) || isManifestType(mediaType) || isSchema1Type(mediaType);
}

function manifestURL({ client, name }: RepositoryContext, reference: string): URL {
  return client.url(`/v2/${name}/manifests/${reference}`);
}

/** Whether a registry may have misread the list of types it was offered. */
async function isMisread(context: RepositoryContext, answer: Answer): Promise<boolean> {
  if (answer.status === 200) return isSchema1Type(contentType(answer.headers));
  if (answer.status === 406 || answer.status === 415) return true;
  if (answer.status !== 404 && answer.status !== 400) return false;
  const { diagnostics } = await failureOf(answer, context.client.clock);
  return diagnostics.some(({ message }) => /accept header/i.test(message));
}

/**
 * Asks for a manifest, with all types in one Accept header. Old registries do not split the header
 * and answer with schema 1 (containerd#5632): they are asked again for one type at a time.
 */
async function ask(
  context: RepositoryContext,
  method: "GET" | "HEAD",
  reference: string,
  options: ManifestOptions & { readonly scopes?: readonly string[]; readonly action?: string },
): Promise<Answer> {
  const { client } = context;
  const {
    accept = MANIFEST_TYPES,
    signal,
    scopes = pullScopes(context),
    action = `pull ${quotedName(context, reference)}`,
  } = options;
  const send = (types: readonly string[]): Promise<Answer> =>
    client.send({
      action,
      method,
      url: manifestURL(context, reference),
      scopes,
      lane: "metadata",
      headers: { accept: types.join(", ") },
      signal,
    });
  const answer = await send(accept);
  // What is asked for by digest is never converted.
  if (reference.includes(":") || !await isMisread(context, answer)) return answer;
  // The place of an answer that is kept would be missing for the others.
  if (answer.status === 200) discard(answer);
  else await failureOf(answer, client.clock);
  for (const type of SINGLE_TYPES.filter((type) => accept.length > 1 && accept.includes(type))) {
    const other = await send([type]);
    if (other.status === 200 && !isSchema1Type(contentType(other.headers))) {
      client.emit({
        type: "fallback",
        registry: client.endpoint.name,
        reason: `it does not understand a list of media types; asked for ${type} alone`,
      });
      return other;
    }
    discard(other);
  }
  return answer.status === 200 ? await send(accept) : answer;
}

/** Reads the body of a manifest: at most 4 MiB, decoded where the runtime has not done it. */
export async function readBody(answer: Answer, what: string, signal?: AbortSignal): Promise<Bytes> {
  const announced = contentLength(answer.headers);
  if (announced !== undefined && announced > MAX_MANIFEST_BYTES) {
    discard(answer);
    throw new LimitExceededError(
      `Cannot read ${what}: its ${announced} bytes are more than the limit of ${MAX_MANIFEST_BYTES}`,
      { limit: MAX_MANIFEST_BYTES, unit: "bytes" },
    );
  }
  const content = await contentOf(answer.body, answer.headers);
  return await readAll(content, { maxBytes: MAX_MANIFEST_BYTES, what, signal });
}

/** Proves that bytes are what was asked for, and parses them only then. */
async function prove(
  context: RepositoryContext,
  name: ManifestName,
  answer: Answer,
  raw: Bytes,
): Promise<{ digest: string; parsed: ParsedManifest }> {
  const type = contentType(answer.headers);
  const algorithm = name.digest === undefined ? "sha256" : digestAlgorithm(name.digest);
  const ofBytes = await context.hash(algorithm, raw);
  // The digest of a signed schema 1 is that of its payload, so it has to be parsed before.
  const isPlain = name.digest === undefined || ofBytes === name.digest;
  const parsed = isPlain || isSchema1Type(type) ? parseManifest(raw, type) : undefined;
  const digest = parsed?.kind === "schema1"
    ? await context.hash(algorithm, parsed.payload)
    : ofBytes;
  const what = quotedName(context, name.text);
  if (name.digest === undefined ? contradicts(answer.headers, digest) : digest !== name.digest) {
    const expected = name.digest ?? namedDigest(answer.headers) ?? "";
    throw new DigestMismatchError(
      `Cannot pull ${what}: the manifest has the digest ${digest}, expected ${expected}`,
      { expected, actual: digest },
    );
  }
  const named = name.digest ?? namedDigest(answer.headers);
  // A tag may lead to a digest of SHA-512; one that is wrong says nothing.
  const isKept = named?.startsWith("sha512:") && named === await context.hash("sha512", raw);
  return { digest: isKept ? named : digest, parsed: parsed ?? parseManifest(raw, type) };
}

/** Refuses what is no manifest, before its body is read. */
async function expectManifest(
  { client }: RepositoryContext,
  answer: Answer,
  what: string,
): Promise<void> {
  if (answer.status !== 200) throw await answerError(answer, `pull ${what}`, client.clock);
  if (contentType(answer.headers) !== "text/html") return;
  const { text } = await failureOf(answer, client.clock);
  throw notARegistry(answer, `pull ${what}`, `HTML instead of a manifest: ${text.slice(0, 200)}`);
}

/** Gets a manifest and proves it. */
export async function getManifest(
  context: RepositoryContext,
  name: ManifestName,
  options: ManifestOptions = {},
): Promise<Manifest> {
  const what = quotedName(context, name.text);
  const call = {
    action: `pull ${what}`,
    method: "GET",
    url: manifestURL(context, name.text),
    signal: options.signal,
  };
  const { answer, raw } = await context.client.repeat(call, async () => {
    const answer = await ask(context, "GET", name.text, options);
    await expectManifest(context, answer, what);
    return { answer, raw: await readBody(answer, what, options.signal) };
  });
  const { digest, parsed } = await prove(context, name, answer, raw);
  return {
    raw,
    parsed,
    descriptor: { mediaType: parsed.mediaType, digest, size: raw.byteLength },
  };
}

/** Makes a descriptor of the header of a manifest, when it says all that is needed. */
function headDescriptor(name: ManifestName, answer: Answer): Descriptor | undefined {
  const mediaType = contentType(answer.headers);
  const size = contentLength(answer.headers);
  const named = namedDigest(answer.headers);
  const digest = name.digest ?? named;
  if (digest === undefined || size === undefined || size === 0) return undefined;
  if (isEncoded(answer.headers) || !isManifest({ mediaType, digest, size })) return undefined;
  if (!/^sha(?:256|512):/.test(digest) || contradicts(answer.headers, digest)) return undefined;
  return { mediaType, digest, size };
}

/** The status of a HEAD behind which a GET may do better: not allowed, or not implemented. */
const HEAD_REFUSED: ReadonlySet<number> = new Set([400, 401, 403, 405, 501]);

/**
 * Resolves a manifest by its header alone.
 *
 * @returns The descriptor; `undefined` when only a GET can tell.
 */
export async function headManifest(
  context: RepositoryContext,
  name: ManifestName,
  options: ResolveOptions = {},
): Promise<Descriptor | undefined> {
  const { signal, isPushedNext } = options;
  const scopes = isPushedNext ? pushScopes(context) : pullScopes(context);
  const action = `${isPushedNext ? "push" : "resolve"} ${quotedName(context, name.text)}`;
  let answer: Answer;
  try {
    answer = await ask(context, "HEAD", name.text, { signal, scopes, action });
  } catch (error) {
    if (error instanceof AuthenticationError) return undefined;
    throw error;
  }
  discard(answer);
  if (answer.status === 200) return headDescriptor(name, answer);
  if (HEAD_REFUSED.has(answer.status)) return undefined;
  throw await answerError(answer, action, context.client.clock);
}

/**
 * Tells whether a manifest is there.
 *
 * @param context The repository.
 * @param reference Its digest, or a tag.
 * @param options A signal.
 * @param digest What it has to be; by default any.
 * @throws {RegistryError} when what answers is no registry.
 */
export async function hasManifest(
  context: RepositoryContext,
  reference: string,
  options: CallOptions,
  digest?: string,
): Promise<boolean> {
  const name = manifestName(reference);
  const action = `look for ${quotedName(context, reference)}`;
  const { signal } = options;
  let answer = await ask(context, "HEAD", name.text, { signal, action });
  discard(answer);
  if (HEAD_REFUSED.has(answer.status)) {
    answer = await ask(context, "GET", name.text, { signal, action });
  }
  if (answer.status === 404) {
    discard(answer);
    return false;
  }
  if (answer.status !== 200) throw await answerError(answer, action, context.client.clock);
  discard(answer);
  if (isWebPage(answer.headers)) throw notARegistry(answer, action, "HTML instead of a manifest");
  return digest === undefined || !contradicts(answer.headers, digest);
}
