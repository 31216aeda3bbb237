import { readAll } from "../bytes/read_all.ts";
import { digestBytes } from "../hash/digest_bytes.ts";
import type { Bytes } from "../model/bytes.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { InvalidManifestError, isLadingError, LimitExceededError } from "../model/errors.ts";
import { parseManifest } from "../model/parse_manifest.ts";
import { isForeignLayerType } from "../model/media_types.ts";
import { isTag } from "../model/reference.ts";
import { empty } from "./_answer.ts";
import type { Call, Context } from "./_context.ts";
import { algorithmOf, digestToStore } from "./_digest_text.ts";
import { matchesETag } from "./_etag.ts";
import { type ManifestEntry, manifestEntry } from "./_manifest_entry.ts";
import { isDigestReference, keepUnnamed } from "./_manifests.ts";
import { Refusal } from "./_refusal.ts";
import type { RepositoryTag } from "./_repository_names.ts";
import { RequestBody } from "./_request_body.ts";

/** The most tags of one push by digest: far more than the ten that the specification asks for. */
const MAX_TAGS = 100;

/** Answers PUT of a manifest (distribution-spec §pushing manifests). */
export async function putManifest(
  context: Context,
  { request, url }: Call,
  repository: string,
  reference: string,
): Promise<Response> {
  const body = new RequestBody(request);
  try {
    const isByDigest = isDigestReference(reference);
    const tags = isByDigest ? [...new Set(url.searchParams.getAll("tag"))] : [reference];
    checkTags(context, repository, tags);
    const expected = isByDigest ? digestToStore(reference) : undefined;
    const raw = await readManifestBody(body, context.maxManifestBytes);
    const digest = digestBytes(algorithmOf(expected ?? "") ?? "sha256", raw);
    if (expected !== undefined && digest !== expected) {
      throw new Refusal(400, "DIGEST_INVALID", "the manifest has another digest", {
        detail: { expected, actual: digest },
      });
    }
    const entry = parse(raw, digest, request.headers.get("content-type"));
    await context.changes.run(async () => {
      const judged = isByDigest
        ? undefined
        : await checkConditions(context, request, repository, reference);
      await checkChildren(context, repository, entry);
      await store(context, repository, entry, raw);
      if (isByDigest) {
        context.shelves.claim(digest);
        await context.target.tag(plain(entry.descriptor), digest);
      }
      for (const tag of tags) {
        await writeTag(context, { repository, tag }, plain(entry.descriptor), judged);
      }
    });
    return empty(201, {
      "location": `/v2/${repository}/manifests/${digest}`,
      "docker-content-digest": digest,
      ...(entry.subject === undefined ? {} : { "oci-subject": entry.subject }),
      ...(isByDigest && tags.length > 0 ? { "oci-tag": tags.join(", ") } : {}),
    });
  } catch (error) {
    body.cancel();
    throw error;
  }
}

function checkTags(context: Context, repository: string, tags: readonly string[]): void {
  if (tags.length > MAX_TAGS) {
    throw new Refusal(414, "UNSUPPORTED", `at most ${MAX_TAGS} tags can be pushed at once`);
  }
  for (const tag of tags) {
    if (isTag(tag) && context.names.referencesOf({ repository, tag }).length > 0) continue;
    throw new Refusal(400, "TAG_INVALID", "the tag is none", {
      detail: { tag: tag.slice(0, 256) },
    });
  }
}

async function readManifestBody(body: RequestBody, maxBytes: number): Promise<Bytes> {
  try {
    // Refused before the first byte where the client says so, and while it streams where not.
    if (body.length === undefined || body.length <= maxBytes) {
      return await readAll(body.stream(), { maxBytes, what: "the manifest" });
    }
  } catch (error) {
    if (body.hasFailed) throw new Refusal(400, "MANIFEST_INVALID", "the body ended early");
    if (!isLadingError(error) || !(error instanceof LimitExceededError)) throw error;
  }
  throw new Refusal(413, "MANIFEST_INVALID", `a manifest may have at most ${maxBytes} bytes`);
}

function parse(raw: Bytes, digest: string, contentType: string | null): ManifestEntry {
  const mediaType = contentType?.split(";")[0]?.trim().toLowerCase() ?? "";
  try {
    const parsed = parseManifest(raw, mediaType === "" ? undefined : mediaType);
    if (parsed.kind === "schema1") {
      throw new Refusal(400, "MANIFEST_INVALID", "manifests of schema 1 cannot be pushed");
    }
    return manifestEntry({ digest, size: raw.byteLength }, parsed);
  } catch (error) {
    if (!isLadingError(error) || !(error instanceof InvalidManifestError)) throw error;
    throw new Refusal(400, "MANIFEST_INVALID", error.message);
  }
}

/** What a tag stood for when the conditions of a request were found to hold. */
interface Judged {
  readonly digest: string | undefined;
}

/**
 * Checks `If-Match` and `If-None-Match` against the tag: how clients avoid lost updates.
 *
 * @returns What they were checked against; `undefined` where there are none.
 */
async function checkConditions(
  context: Context,
  request: Request,
  repository: string,
  tag: string,
): Promise<Judged | undefined> {
  const wanted = request.headers.get("if-match");
  const unwanted = request.headers.get("if-none-match");
  if (wanted === null && unwanted === null) return undefined;
  const current = (await context.shelves.tagged({ repository, tag }))?.digest;
  const isMet = (wanted === null || matchesETag(wanted, current)) &&
    (unwanted === null || !matchesETag(unwanted, current));
  if (!isMet) throw notMet(current);
  return { digest: current };
}

function notMet(current: string | undefined): Refusal {
  return new Refusal(412, "DENIED", "the tag is not what the condition says", {
    detail: { digest: current ?? null },
  });
}

/** Checks that the repository holds what the manifest is made of. The subject may be missing. */
async function checkChildren(
  context: Context,
  repository: string,
  { children }: ManifestEntry,
): Promise<void> {
  if (context.allowSparse) return;
  for (const child of children) {
    // A foreign layer is where its URLs say; nobody has to push it.
    if (isForeignLayerType(child.mediaType) || (child.urls?.length ?? 0) > 0) continue;
    const held = await context.shelves.content(repository, child.digest);
    const isNamedNext = true;
    if (held !== undefined && await context.target.exists(held, { isNamedNext })) continue;
    throw new Refusal(
      400,
      "MANIFEST_BLOB_UNKNOWN",
      "the manifest names content that the repository does not hold: push that first",
      { detail: { digest: child.digest } },
    );
  }
}

async function store(
  context: Context,
  repository: string,
  entry: ManifestEntry,
  raw: Bytes,
): Promise<void> {
  const { digest } = entry.descriptor;
  await context.guard.keep(digest, async () => {
    await context.target.push(plain(entry.descriptor), raw);
    await context.shelves.holdManifest(repository, entry);
  });
}

async function writeTag(
  context: Context,
  name: RepositoryTag,
  descriptor: Descriptor,
  judged: Judged | undefined,
): Promise<void> {
  const { shelves, names, target } = context;
  const previous = await shelves.tagged(name);
  const [reference, ...others] = names.referencesOf(name);
  if (reference === undefined || previous?.digest === descriptor.digest) return;
  shelves.noteTag(name, descriptor);
  if (judged !== undefined && target.repositories !== undefined && others.length === 0) {
    // Another handler may have written the tag since the conditions were checked.
    const isMet = await target.repositories.retag(reference, judged.digest, descriptor);
    if (!isMet) throw notMet((await shelves.tagged(name))?.digest);
  } else {
    await target.tag(descriptor, reference);
  }
  if (previous !== undefined) await keepUnnamed(context, previous);
}

/** A root is stored without what lists of referrers add. */
function plain({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}
