import { mapConcurrent } from "../bytes/map_concurrent.ts";
import type { CallOptions } from "../model/content.ts";
import type { Bytes } from "../model/bytes.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { isLadingError, NotFoundError, RegistryError } from "../model/errors.ts";
import type { ImageIndex } from "../model/image_index.ts";
import { parseManifest } from "../model/parse_manifest.ts";
import { MEDIA_TYPE_OCI_INDEX } from "../model/media_types.ts";
import { redactURL } from "../model/redact.ts";
import { type Referrer, referrerOf } from "../model/referrer.ts";
import { MANIFEST_TYPES } from "./accept.ts";
import { contentType, discard } from "./_answer.ts";
import { sleep } from "./clock.ts";
import { pushScopes, quotedName, type RepositoryContext } from "./_context.ts";
import { answerError } from "./errors.ts";
import { getManifest, hasManifest, readBody } from "./manifests.ts";
import { putManifest } from "./push_manifest.ts";
import { referrersTag } from "./referrers.ts";
import { backoff } from "./retry.ts";
import { sendDelete } from "./_send_delete.ts";
import { inTurn } from "./_turns.ts";
import { refusalIn } from "./_upload_error.ts";
import { isGood } from "./_upload_session.ts";

/** How many entries are looked for together. */
const CONCURRENCY = 4;

/** How often the tag is written when others write it at the same time. */
const MAX_WRITES = 6;

/** The longest wait for others who have read the list before it was written. */
const MAX_SETTLE_MS = 1000;

/** What stands under the tag of the referrers of a manifest. */
interface Found {
  readonly manifests: readonly Descriptor[];
  readonly index?: { readonly value: ImageIndex; readonly digest: string } | undefined;
  /** The strong entity tag, where the registry sends one. */
  readonly etag?: string | undefined;
}

/** Changes a list; gives `undefined` when it is as it should be. */
type Change = (manifests: readonly Descriptor[]) => readonly Descriptor[] | undefined;

/** Tells what the bytes of a manifest, which were parsed when it was pushed, speak about. */
export function referrerIn(raw: Bytes, target: Descriptor): Referrer | undefined {
  return referrerOf(parseManifest(raw, target.mediaType), target);
}

/** Tells what a manifest in the registry speaks about. */
export async function storedReferrer(
  context: RepositoryContext,
  { digest }: Descriptor,
  options: CallOptions,
): Promise<Referrer | undefined> {
  try {
    const { parsed, descriptor } = await getManifest(context, { text: digest, digest }, options);
    return referrerOf(parsed, descriptor);
  } catch (error) {
    if (isLadingError(error)) return undefined;
    throw error;
  }
}

/**
 * Lists a manifest among the referrers of its subject, in a registry without the referrers API
 * (distribution-spec, referrers tag schema).
 *
 * @throws {RegistryError} when the tag cannot be written, or others keep overwriting it.
 */
export async function keepReferrer(
  context: RepositoryContext,
  { subject, descriptor }: Referrer,
  options: CallOptions,
): Promise<void> {
  const { client } = context;
  client.emit({
    type: "fallback",
    registry: client.endpoint.name,
    reason: "it has no referrers API; the tag of the referrers is written",
  });
  const wanted = shownBy(descriptor);
  await changeTag(context, subject.digest, (manifests) => {
    const own = manifests.filter(({ digest }) => digest === descriptor.digest);
    // One without type and annotations, as older clients wrote it, is put right (cosign#4641).
    if (own.length === 1 && own.every((entry) => shownBy(entry) === wanted)) return undefined;
    return [...without(manifests, descriptor), descriptor];
  }, options);
}

/** Takes a manifest that was deleted off the referrers of its subject; an empty tag goes too. */
export async function dropReferrer(
  context: RepositoryContext,
  { subject, descriptor }: Referrer,
  options: CallOptions,
): Promise<void> {
  await changeTag(context, subject.digest, (manifests) => {
    const others = without(manifests, descriptor);
    return others.length === manifests.length ? undefined : others;
  }, options);
}

/** What an entry says beside its digest, in an order of its own. */
function shownBy({ artifactType, annotations = {} }: Descriptor): string {
  return JSON.stringify([artifactType, Object.entries(annotations).sort()]);
}

function without(manifests: readonly Descriptor[], { digest }: Descriptor): Descriptor[] {
  return manifests.filter((other) => other.digest !== digest);
}

/**
 * Writes the tag until readings show the change. Where the registry heeds conditions nobody's entry is
 * lost. Where it does not (distribution), another writer who has read the list before may still write
 * his over it: the tag is read again at once, and once more when he has had time to. A writer who
 * takes longer than that between his reading and his writing is not noticed; who pushes the same
 * manifest again puts it right.
 */
async function changeTag(
  context: RepositoryContext,
  subject: string,
  change: Change,
  options: CallOptions,
): Promise<void> {
  const { client: { clock, endpoint, policy }, name } = context;
  const tag = referrersTag(subject);
  let writes = 0;
  /** How long it takes to read the list and to write it. */
  let tookMs = 0;
  const work = async (): Promise<void> => {
    for (;;) {
      const start = clock.now();
      const found = await readTag(context, tag, options);
      const manifests = change(found.manifests);
      if (manifests === undefined) return;
      if (writes === MAX_WRITES) throw overwritten(context, tag);
      if (writes > 0) await sleep(clock, backoff(policy, writes - 1), options.signal);
      await writeTag(context, tag, found, manifests, options);
      writes++;
      tookMs = clock.now() - start;
    }
  };
  for (let before = -1; before < writes;) {
    if (before >= 0) await sleep(clock, Math.min(2 * tookMs, MAX_SETTLE_MS), options.signal);
    before = writes;
    await inTurn(`${endpoint.origin}/${name}:${tag}`, work, options.signal);
  }
}

async function readTag(
  context: RepositoryContext,
  tag: string,
  { signal }: CallOptions,
): Promise<Found> {
  const { client, name } = context;
  const what = quotedName(context, tag);
  const call = { action: `read ${what}`, url: client.url(`/v2/${name}/manifests/${tag}`), signal };
  const scopes = pushScopes(context);
  return await client.repeat({ ...call, method: "GET" }, async () => {
    const headers = { accept: MANIFEST_TYPES.join(", ") };
    const answer = await client.send({ ...call, method: "GET", scopes, lane: "metadata", headers });
    if (answer.status !== 200) {
      const error = await answerError(answer, call.action, client.clock);
      if (error instanceof NotFoundError) return { manifests: [] };
      throw error;
    }
    const raw = await readBody(answer, what, signal);
    const parsed = parseManifest(raw, contentType(answer.headers));
    if (parsed.kind !== "index") {
      throw new RegistryError(
        `Cannot ${call.action}: the tag should have the list of referrers, but has no index`,
        { status: 200, method: "GET", url: redactURL(answer.url) },
      );
    }
    const { value } = parsed;
    const etag = answer.headers.get("etag")?.trim();
    return {
      manifests: value.manifests,
      index: { value, digest: await context.hash("sha256", raw) },
      ...(etag?.startsWith('"') ? { etag } : {}),
    };
  });
}

async function writeTag(
  context: RepositoryContext,
  tag: string,
  found: Found,
  manifests: readonly Descriptor[],
  options: CallOptions,
): Promise<void> {
  const { index, etag } = found;
  if (manifests.length === 0 && index !== undefined) {
    // By its digest: a list that somebody else has written since stays.
    const path = `manifests/${index.digest}`;
    const answer = await sendDelete(context, path, `delete ${quotedName(context, tag)}`, options);
    discard(answer);
    if (isGood(answer) || answer.status === 404) return;
  }
  const mediaType = MEDIA_TYPE_OCI_INDEX;
  const raw = new TextEncoder().encode(
    JSON.stringify({ schemaVersion: 2, mediaType, ...index?.value, manifests }),
  );
  const target = { mediaType, digest: await context.hash("sha256", raw), size: raw.length };
  const headers: Record<string, string> = index === undefined
    ? { "if-none-match": "*" }
    : etag === undefined
    ? {}
    : { "if-match": etag };
  try {
    await putManifest(context, tag, target, raw, { ...options, headers });
  } catch (error) {
    const refusal = refusalIn(error);
    // Somebody was faster: the list is read again.
    if (refusal?.status === 412) return;
    if (!refusal?.diagnostics.some(({ code }) => code === "MANIFEST_BLOB_UNKNOWN")) throw error;
    const present = await presentOf(context, manifests, options);
    if (present.length === manifests.length) throw error;
    await writeTag(context, tag, found, present, options);
  }
}

/** Leaves out what was deleted without the list being told: registries refuse a list with such. */
async function presentOf(
  context: RepositoryContext,
  manifests: readonly Descriptor[],
  { signal }: CallOptions,
): Promise<Descriptor[]> {
  const work = ({ digest }: Descriptor, _: number, signal: AbortSignal) =>
    hasManifest(context, digest, { signal });
  const isThere = await mapConcurrent(manifests, CONCURRENCY, work, { signal });
  return manifests.filter((_, at) => isThere[at]);
}

function overwritten(context: RepositoryContext, tag: string): RegistryError {
  const { client, name } = context;
  return new RegistryError(
    `Cannot write ${quotedName(context, tag)}: others have overwritten it ${MAX_WRITES} times`,
    { status: 0, method: "PUT", url: client.url(`/v2/${name}/manifests/${tag}`).href },
  );
}
