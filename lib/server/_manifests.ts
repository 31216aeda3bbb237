import { readAll } from "../bytes/read_all.ts";
import type { ContentSource } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { isLadingError, NotFoundError } from "../model/errors.ts";
import { MAX_MANIFEST_BYTES } from "../model/manifest.ts";
import { isTag } from "../model/reference.ts";
import { accepts } from "./_accept.ts";
import { bytesAnswer, empty, type HeaderFields } from "./_answer.ts";
import type { Call, Context } from "./_context.ts";
import { deletableTarget } from "./_deleting.ts";
import { digestToFind } from "./_digest_text.ts";
import { etagOf, matchesETag } from "./_etag.ts";
import { Refusal } from "./_refusal.ts";

/** Answers GET and HEAD of a manifest. */
export async function getManifest(
  context: Context,
  call: Call,
  repository: string,
  reference: string,
): Promise<Response> {
  const descriptor = await findManifest(context, repository, reference);
  return await answerManifest(context.target, call, reference, descriptor);
}

/**
 * Answers GET and HEAD with a manifest that the repository holds (distribution-spec §pulling
 * manifests).
 */
export async function answerManifest(
  source: ContentSource,
  { request, method }: Call,
  reference: string,
  descriptor: Descriptor,
): Promise<Response> {
  const accept = request.headers.get("accept");
  if (!isDigestReference(reference) && !accepts(accept, descriptor.mediaType)) {
    throw new Refusal(
      404,
      "MANIFEST_UNKNOWN",
      `the manifest is of the type ${descriptor.mediaType}, which the Accept header excludes`,
    );
  }
  const headers: HeaderFields = {
    "docker-content-digest": descriptor.digest,
    "etag": etagOf(descriptor.digest),
    "content-type": descriptor.mediaType,
    // The answer to a tag changes; caches ask again with the ETag.
    "cache-control": "no-cache",
    "vary": "accept",
  };
  const known = request.headers.get("if-none-match");
  if (known !== null && matchesETag(known, descriptor.digest)) return empty(304, headers);
  if (method === "HEAD") {
    if (!await source.exists(descriptor)) throw unknownManifest(reference);
    return empty(200, { ...headers, "content-length": String(descriptor.size) });
  }
  return bytesAnswer(200, await readManifest(source, descriptor, reference), headers);
}

/** Answers DELETE: a tag goes alone, a digest with every tag that points at it. */
export async function deleteManifest(
  context: Context,
  repository: string,
  reference: string,
): Promise<Response> {
  deletableTarget(context);
  return await context.changes.run(async () => {
    const descriptor = await findManifest(context, repository, reference);
    if (isDigestReference(reference)) await removeManifest(context, repository, descriptor);
    else await removeTag(context, repository, reference, descriptor);
    return empty(202);
  });
}

/** Tells whether the last part of a manifest's path is meant as a digest. */
export function isDigestReference(reference: string): boolean {
  return reference.includes(":");
}

/** Keeps a manifest that lost a name: it is still there by its digest. */
export async function keepUnnamed(context: Context, descriptor: Descriptor): Promise<void> {
  if (await context.shelves.isRoot(descriptor.digest)) return;
  context.shelves.claim(descriptor.digest);
  await context.target.tag(descriptor, descriptor.digest);
}

async function removeTag(
  context: Context,
  repository: string,
  tag: string,
  descriptor: Descriptor,
): Promise<void> {
  const target = deletableTarget(context);
  const references = context.names.referencesOf({ repository, tag });
  // The layout would otherwise be without the manifest for a moment.
  context.shelves.claim(descriptor.digest);
  await target.tag(descriptor, descriptor.digest);
  for (const reference of references) {
    await target.untag(reference).catch((error) => {
      if (!isLadingError(error) || !(error instanceof NotFoundError)) throw error;
    });
  }
}

async function removeManifest(
  context: Context,
  repository: string,
  descriptor: Descriptor,
): Promise<void> {
  const target = deletableTarget(context);
  const { shelves, guard } = context;
  const { digest } = descriptor;
  await shelves.lookUpAll();
  for (const reference of await shelves.referencesTo(repository, digest)) {
    await target.untag(reference);
  }
  await shelves.drop(repository, digest, "manifest");
  await guard.remove(digest, () => shelves.isHeld(digest), async () => {
    if (!await shelves.isHeldByOthers(digest)) await target.delete(descriptor);
  });
}

async function findManifest(
  context: Context,
  repository: string,
  reference: string,
): Promise<Descriptor> {
  const { shelves } = context;
  let found: Descriptor | undefined;
  if (isDigestReference(reference)) {
    const digest = digestToFind(reference);
    found = digest === undefined ? undefined : await shelves.manifest(repository, digest);
  } else if (isTag(reference)) {
    found = await shelves.tagged({ repository, tag: reference });
  }
  if (found === undefined) throw unknownManifest(reference);
  return found;
}

async function readManifest(
  source: ContentSource,
  descriptor: Descriptor,
  reference: string,
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const body = await source.fetch(descriptor);
    return await readAll(body, { maxBytes: MAX_MANIFEST_BYTES, what: "the manifest" });
  } catch (error) {
    throw isLadingError(error) && error instanceof NotFoundError
      ? unknownManifest(reference)
      : error;
  }
}

/** Says that a manifest is not there. */
export function unknownManifest(reference: string): Refusal {
  return new Refusal(404, "MANIFEST_UNKNOWN", "the repository holds no such manifest", {
    detail: { reference: reference.slice(0, 256) },
  });
}
