import { createHasher } from "../hash/create_hasher.ts";
import { streamOfChunks } from "../bytes/chunks.ts";
import { passLineage } from "../bytes/lineage.ts";
import { openSource } from "../bytes/source.ts";
import { verified } from "../bytes/verify.ts";
import { iterate } from "../bytes/iterate.ts";
import type { ByteSource, ByteStream } from "../model/bytes.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { type DigestAlgorithm, formatDigest } from "../model/digest.ts";
import { LimitExceededError } from "../model/errors.ts";
import { isRepositoryName } from "../model/reference.ts";
import { empty } from "./_answer.ts";
import { blobDescriptor, type Call, type Context } from "./_context.ts";
import { algorithmOf, digestToStore } from "./_digest_text.ts";
import { Refusal } from "./_refusal.ts";
import { RequestBody } from "./_request_body.ts";
import type { UploadSession } from "./_upload_session.ts";

/** Answers POST to the uploads of a repository: a mount, a whole blob, or a new upload. */
export async function startUpload(
  context: Context,
  { request, url }: Call,
  repository: string,
): Promise<Response> {
  const query = url.searchParams;
  const mount = query.get("mount");
  if (mount !== null && await tryMount(context, repository, mount, query.get("from"))) {
    return created(repository, mount);
  }
  const digest = query.get("digest");
  if (mount === null && digest !== null) {
    return await storeWhole(context, repository, digestToStore(digest), request);
  }
  const algorithm = query.get("digest-algorithm") ?? algorithmOf(mount ?? "") ?? "sha256";
  if (algorithm !== "sha256" && algorithm !== "sha512") {
    throw new Refusal(400, "DIGEST_INVALID", "the digest algorithm is not supported");
  }
  const session = await context.sessions.start(repository, algorithm);
  const { minChunkBytes } = context;
  return empty(202, {
    ...session.headers,
    ...(minChunkBytes > 0 ? { "oci-chunk-min-length": String(minChunkBytes) } : {}),
  });
}

/** Answers GET: how far the upload is. */
export async function uploadStatus(
  context: Context,
  repository: string,
  id: string,
): Promise<Response> {
  return empty(204, (await context.sessions.find(repository, id)).headers);
}

/** Answers DELETE: the upload is given up. */
export async function cancelUpload(
  context: Context,
  repository: string,
  id: string,
): Promise<Response> {
  await context.sessions.end(await context.sessions.find(repository, id));
  return empty(204);
}

/** Answers PATCH: the next bytes of the upload. */
export async function continueUpload(
  context: Context,
  { request }: Call,
  repository: string,
  id: string,
): Promise<Response> {
  const session = await context.sessions.find(repository, id);
  return await withBody(request, (body) =>
    session.receive(body, async () => {
      await append(context, session, request, body);
      return empty(202, session.headers);
    }));
}

/** Answers PUT: the upload is complete, with or without a last chunk. */
export async function finishUpload(
  context: Context,
  { request, url }: Call,
  repository: string,
  id: string,
): Promise<Response> {
  const session = await context.sessions.find(repository, id);
  const digest = digestToStore(url.searchParams.get("digest"));
  await withBody(request, (body) =>
    session.receive(body, async () => {
      if (session.offset === 0 && body.length !== undefined && body.length > 0) {
        checkRange(session, request, body);
        await storeDirectly(context, repository, digest, body, body.length).catch(async (error) => {
          // After a broken connection nothing is stored, and the upload can start over.
          if (!body.hasFailed) await context.sessions.end(session);
          throw body.hasFailed ? endedEarly(session) : error;
        });
        return await context.sessions.end(session);
      }
      await append(context, session, request, body);
      await storeSpooled(context, session, digest);
    }));
  return created(repository, digest);
}

/** Works on the body of a request; what is left of it when that fails is not waited for. */
async function withBody<Result>(
  request: Request,
  work: (body: RequestBody) => Promise<Result>,
): Promise<Result> {
  const body = new RequestBody(request);
  try {
    return await work(body);
  } catch (error) {
    body.cancel();
    throw error;
  }
}

async function tryMount(
  context: Context,
  repository: string,
  mount: string,
  from: string | null,
): Promise<boolean> {
  const digest = digestToStore(mount);
  if (from !== null && !isRepositoryName(from)) return false;
  if (from === null && !context.allowAnonymousMount) return false;
  return await context.guard.keep(digest, async () => {
    const blob = await context.shelves.blob(repository, digest) ??
      (from === null
        ? await context.shelves.blobAnywhere(digest)
        : await context.shelves.blob(from, digest));
    if (blob === undefined || !await context.target.exists(blob)) return false;
    await context.shelves.holdBlob(repository, blob);
    return true;
  });
}

async function storeWhole(
  context: Context,
  repository: string,
  digest: string,
  request: Request,
): Promise<Response> {
  await withBody(request, async (body) => {
    if (body.length !== undefined) {
      return await storeDirectly(context, repository, digest, body, body.length).catch((error) => {
        throw body.hasFailed ? endedEarly() : error;
      });
    }
    const session = await context.sessions.start(repository, algorithmOf(digest) ?? "sha256");
    await session.receive(body, async () => {
      try {
        await append(context, session, request, body);
        await storeSpooled(context, session, digest);
      } finally {
        await context.sessions.end(session);
      }
    });
  });
  return created(repository, digest);
}

/** Stores a body of a known length as it comes, with no copy in between. */
async function storeDirectly(
  context: Context,
  repository: string,
  digest: string,
  body: RequestBody,
  length: number,
): Promise<void> {
  await storeProved(context, repository, blobDescriptor(digest, length), body.stream());
}

/**
 * Stores content, and proves it here, not only in the target: a target that has the content already
 * need not read it, and knowing a digest must not be enough to be given the content.
 */
async function storeProved(
  context: Context,
  repository: string,
  descriptor: Descriptor,
  content: ByteStream,
): Promise<void> {
  const source = verified(content, descriptor);
  const reader = source.getReader();
  const proved = streamOfChunks({
    next: async () => (await reader.read()).value,
    cancel: () => Promise.resolve(),
  });
  passLineage(source, proved);
  await context.guard.keep(descriptor.digest, async () => {
    await context.target.push(descriptor, proved);
    while (!(await reader.read()).done);
    await context.shelves.holdBlob(repository, descriptor);
  });
}

/** Stores what an upload has gathered, and ends the upload whether that works or not. */
async function storeSpooled(
  context: Context,
  session: UploadSession,
  digest: string,
): Promise<void> {
  try {
    const source = await session.source();
    const descriptor = blobDescriptor(digest, session.offset);
    const running = session.digest();
    if (running === undefined) {
      return await storeProved(context, session.repository, descriptor, await openSource(source));
    }
    const algorithm = algorithmOf(digest);
    // A client that did not say which algorithm it would use costs a second read.
    const actual = algorithm === undefined || algorithm === session.algorithm
      ? running
      : await digestOf(source, algorithm);
    if (actual !== digest) {
      throw new Refusal(400, "DIGEST_INVALID", "the content has another digest", {
        detail: { expected: digest, actual },
      });
    }
    await context.guard.keep(digest, async () => {
      await context.target.push(descriptor, source);
      await context.shelves.holdBlob(session.repository, descriptor);
    });
  } finally {
    await context.sessions.end(session);
  }
}

async function digestOf(source: ByteSource, algorithm: DigestAlgorithm): Promise<string> {
  const hasher = createHasher(algorithm);
  for await (const chunk of iterate(await openSource(source))) hasher.update(chunk);
  return formatDigest(algorithm, hasher.digest());
}

async function append(
  context: Context,
  session: UploadSession,
  request: Request,
  body: RequestBody,
): Promise<void> {
  const end = checkRange(session, request, body);
  try {
    await session.append(body, end ?? Infinity);
  } catch (error) {
    if (body.hasFailed) throw endedEarly(session);
    // What does not fit will never fit: the room is given back.
    if (error instanceof LimitExceededError) await context.sessions.end(session);
    throw error;
  }
  if (end !== undefined && session.offset < end) {
    throw new Refusal(400, "SIZE_INVALID", "the body is shorter than its range", {
      headers: session.headers,
    });
  }
}

/**
 * Checks that a chunk is the next one (distribution-spec §pushing a blob in chunks). Docker's form
 * with unit and total is taken too.
 *
 * @returns Where the chunk ends; `undefined` when the client does not say.
 */
function checkRange(
  session: UploadSession,
  request: Request,
  body: RequestBody,
): number | undefined {
  const { headers } = session;
  const text = request.headers.get("content-range");
  if (text === null) return undefined;
  const match = /^(?:bytes[ =])?(\d{1,15})-(\d{1,15})(?:\/(?:\d+|\*))?$/.exec(text.trim());
  const start = Number(match?.[1]);
  const end = Number(match?.[2]) + 1;
  if (match === null || end <= start) {
    throw new Refusal(400, "BLOB_UPLOAD_INVALID", "the content range is none", { headers });
  }
  if (start !== session.offset) {
    throw new Refusal(416, "BLOB_UPLOAD_INVALID", "the chunk is not the next one", { headers });
  }
  if (body.length !== undefined && body.length !== end - start) {
    throw new Refusal(400, "SIZE_INVALID", "content range and content length differ", { headers });
  }
  return end;
}

function endedEarly(session?: UploadSession): Refusal {
  return new Refusal(400, "BLOB_UPLOAD_INVALID", "the body ended early", {
    headers: session?.headers ?? {},
  });
}

function created(repository: string, digest: string): Response {
  return empty(201, {
    "location": `/v2/${repository}/blobs/${digest}`,
    "docker-content-digest": digest,
  });
}
