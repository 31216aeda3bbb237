import type { ContentSource } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { readAll } from "../bytes/read_all.ts";
import { isLadingError, NotFoundError } from "../model/errors.ts";
import { bytesAnswer, empty, type HeaderFields, streamAnswer } from "./_answer.ts";
import type { Call, Context } from "./_context.ts";
import { deletableTarget } from "./_deleting.ts";
import { digestToFind } from "./_digest_text.ts";
import { etagOf, matchesETag } from "./_etag.ts";
import { parseRange } from "./_range.ts";
import { Refusal } from "./_refusal.ts";

/** Content never changes under its digest. */
const CACHE_CONTROL = "max-age=31536000, immutable";

/**
 * Content up to this size, most configs among it, is proved before the answer starts, and keeps its
 * Content-Length where a runtime takes it from streams (Bun.serve).
 */
export const SMALL_BYTES: number = 64 * 1024;

/** Answers GET and HEAD of a blob. */
export async function getBlob(
  context: Context,
  call: Call,
  repository: string,
  text: string,
): Promise<Response> {
  return await answerBlob(context.target, call, await findBlob(context, repository, text));
}

/**
 * Answers GET and HEAD with a blob that the repository holds (distribution-spec §pulling blobs, RFC
 * 9110 §14).
 */
export async function answerBlob(
  source: ContentSource,
  { request, method }: Call,
  blob: Descriptor,
): Promise<Response> {
  const headers: HeaderFields = {
    "docker-content-digest": blob.digest,
    "etag": etagOf(blob.digest),
    "cache-control": CACHE_CONTROL,
    "accept-ranges": "bytes",
    "content-type": "application/octet-stream",
  };
  const known = request.headers.get("if-none-match");
  if (known !== null && matchesETag(known, blob.digest)) return empty(304, headers);
  if (method === "HEAD") {
    if (!await source.exists(blob)) throw unknownBlob(blob.digest);
    return empty(200, { ...headers, "content-length": String(blob.size) });
  }
  const condition = request.headers.get("if-range");
  const isWhole = condition !== null && condition.trim() !== etagOf(blob.digest);
  const range = isWhole ? undefined : parseRange(request.headers.get("range"), blob.size);
  const body = await source.fetch(blob, range === undefined ? {} : { range })
    .catch((error) => {
      throw isLadingError(error) && error instanceof NotFoundError
        ? unknownBlob(blob.digest)
        : error;
    });
  const { start, end } = range ?? { start: 0, end: blob.size - 1 };
  const length = end - start + 1;
  const status = range === undefined ? 200 : 206;
  const fields = range === undefined
    ? headers
    : { ...headers, "content-range": `bytes ${start}-${end}/${blob.size}` };
  if (length > SMALL_BYTES) return streamAnswer(status, body, length, fields);
  return bytesAnswer(status, await readAll(body, { maxBytes: length }), fields);
}

/** Answers DELETE of a blob: the repository holds it no longer. */
export async function deleteBlob(
  context: Context,
  repository: string,
  text: string,
): Promise<Response> {
  const target = deletableTarget(context);
  return await context.changes.run(async () => {
    const blob = await findBlob(context, repository, text);
    const { shelves, guard } = context;
    await shelves.lookUpAll();
    await shelves.drop(repository, blob.digest, "blob");
    await guard.remove(blob.digest, () => shelves.isHeld(blob.digest), async () => {
      if (!await shelves.isHeldByOthers(blob.digest)) await target.delete(blob);
    });
    return empty(202);
  });
}

async function findBlob(
  context: Context,
  repository: string,
  text: string,
): Promise<Descriptor> {
  const digest = digestToFind(text);
  const blob = digest === undefined ? undefined : await context.shelves.blob(repository, digest);
  if (blob === undefined) throw unknownBlob(text);
  return blob;
}

/** Says that a blob is not there. */
export function unknownBlob(digest: string): Refusal {
  return new Refusal(404, "BLOB_UNKNOWN", "the repository holds no such blob", {
    detail: { digest },
  });
}
