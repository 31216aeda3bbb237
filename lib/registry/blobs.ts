import { readAll } from "../bytes/read_all.ts";
import { streamOf } from "../bytes/stream_from.ts";
import { through } from "../bytes/through.ts";
import { verified } from "../bytes/verify.ts";
import type { ByteStream } from "../model/bytes.ts";
import type { CallOptions, FetchOptions } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { digestAlgorithm } from "../model/digest.ts";
import {
  AuthenticationError,
  DigestMismatchError,
  NotFoundError,
  RegistryError,
  SizeMismatchError,
} from "../model/errors.ts";
import { type Answer, contentLength, discard } from "./_answer.ts";
import { parseContentRange } from "./_content_range.ts";
import { pullScopes, quotedBlob, type RepositoryContext } from "./_context.ts";
import { isWebPage } from "./_digest_header.ts";
import { type OpenDownload, openDownload } from "./download.ts";
import { answerError } from "./errors.ts";
import { redactURL } from "../model/redact.ts";
import type { Call } from "./request.ts";
import { type Span, spanOf } from "../bytes/span.ts";

/**
 * Blobs up to this size are held back until they are proved, so that a wrong answer can be asked for
 * once more. Configs are smaller; a few of them at a time are no burden.
 */
export const MAX_HELD_BYTES: number = 256 * 1024;

function blobCall(context: RepositoryContext, digest: string, options: CallOptions): Call {
  const { client, name } = context;
  digestAlgorithm(digest);
  return {
    action: `fetch ${quotedBlob(context, digest)}`,
    method: "GET",
    url: client.url(`/v2/${name}/blobs/${digest}`),
    scopes: pullScopes(context),
    lane: "download",
    headers: { accept: "*/*" },
    signal: options.signal,
  };
}

/** Passes on exactly as many bytes as a range has; its digest cannot be checked. */
function exact(stream: ByteStream, target: Descriptor, span: Span): ByteStream {
  const expected = span.end - span.start;
  let total = 0;
  const refuse = (actual: number): never => {
    throw new SizeMismatchError(
      `Cannot read bytes ${span.start}-${span.end - 1} of ${target.digest}: ${actual} bytes came`,
      { expected, actual, descriptor: target },
    );
  };
  return through(stream, {
    chunk(chunk) {
      total += chunk.byteLength;
      return total > expected ? refuse(total) : chunk;
    },
    end() {
      if (total < expected) refuse(total);
    },
  });
}

/**
 * Reads a small blob whole and proves it. One that was put together of pieces and is wrong is asked
 * for once more; one that came in one piece is what the registry has.
 */
async function fetchHeld(
  target: Descriptor,
  open: () => Promise<OpenDownload>,
  signal: AbortSignal | undefined,
  isLast = false,
): Promise<ByteStream> {
  const { stream, isDoubtful } = await open();
  try {
    return streamOf(await readAll(verified(stream, target), { maxBytes: target.size, signal }));
  } catch (error) {
    const isWrong = error instanceof DigestMismatchError || error instanceof SizeMismatchError;
    if (!isWrong || isLast || !isDoubtful()) throw error;
    return await fetchHeld(target, open, signal, true);
  }
}

/**
 * Fetches a blob or a range of it.
 *
 * @throws {NotFoundError} when it is not there.
 * @throws {RangeError} when the range is none, or starts behind the blob.
 */
export async function fetchBlob(
  context: RepositoryContext,
  target: Descriptor,
  options: FetchOptions,
): Promise<ByteStream> {
  const { range, signal } = options;
  const { size, mediaType } = target;
  const call = blobCall(context, target.digest, options);
  if (!Number.isSafeInteger(size) || size < 0) {
    throw new RangeError(`Cannot ${call.action}: ${size} is no size`);
  }
  const span = spanOf(range, size);
  const isGzip = /gzip$/.test(mediaType);
  const open = () => openDownload(context.client, { call, span, size, isGzip });
  if (range === undefined && size <= MAX_HELD_BYTES) return await fetchHeld(target, open, signal);
  const { stream } = await open();
  return range === undefined ? verified(stream, target) : exact(stream, target, span);
}

/** What a registry says of a blob that it has. */
interface FoundBlob {
  /** The number of bytes; absent when the registry does not say. */
  readonly size: number | undefined;
}

function sizeIn(answer: Answer): number | undefined {
  const { headers, status } = answer;
  if (status === 206) return parseContentRange(headers.get("content-range"))?.total;
  return contentLength(headers);
}

/**
 * Looks for a blob. Where HEAD is refused a GET of one byte decides: a signed URL may be good for GET
 * only (moby#50065), and public ECR refuses HEAD (distribution#4383).
 */
async function findBlob(
  context: RepositoryContext,
  digest: string,
  isEmpty: boolean,
  options: CallOptions,
): Promise<FoundBlob | undefined> {
  const { client } = context;
  const call = {
    ...blobCall(context, digest, options),
    action: `look for ${quotedBlob(context, digest)}`,
    lane: "metadata" as const,
  };
  let answer: Answer | undefined;
  try {
    answer = await client.send({ ...call, method: "HEAD" });
  } catch (error) {
    if (!(error instanceof AuthenticationError)) throw error;
  }
  if (answer !== undefined) {
    discard(answer);
    // What storage takes for a page is at worst uploaded once more.
    const isGood = answer.status === 200 && !isWebPage(answer.headers);
    if (isGood) return { size: sizeIn(answer) };
    if (answer.status === 200 || answer.status === 404) return undefined;
    const isRefused = [400, 401, 403, 405, 501].includes(answer.status);
    if (!isRefused) throw await answerError(answer, call.action, client.clock);
  }
  const range: Record<string, string> = isEmpty ? {} : { range: "bytes=0-0" };
  const ranged = await client.send({ ...call, headers: { ...call.headers, ...range } });
  if (ranged.status !== 404 && ranged.status > 299 && ranged.status !== 416) {
    throw await answerError(ranged, call.action, client.clock);
  }
  discard(ranged);
  if (ranged.status === 404) return undefined;
  return { size: ranged.status === 416 ? 0 : sizeIn(ranged) };
}

/** Tells whether a blob is there. */
export async function hasBlob(
  context: RepositoryContext,
  target: Descriptor,
  options: CallOptions,
): Promise<boolean> {
  return await findBlob(context, target.digest, target.size === 0, options) !== undefined;
}

/**
 * Finds out how large a blob is.
 *
 * @throws {NotFoundError} when it is not there.
 * @throws {RegistryError} when the registry does not say.
 */
export async function resolveBlob(
  context: RepositoryContext,
  digest: string,
  options: CallOptions,
): Promise<Descriptor> {
  const blob = quotedBlob(context, digest);
  const found = await findBlob(context, digest, false, options);
  if (found === undefined) throw new NotFoundError(`Cannot find ${blob}: it is not there`);
  if (found.size === undefined) {
    const { url } = blobCall(context, digest, options);
    throw new RegistryError(
      `Cannot find ${blob}: ${url.host} does not say how large it is; fetch it by its descriptor`,
      { status: 200, method: "HEAD", url: redactURL(url) },
    );
  }
  return { mediaType: "application/octet-stream", digest, size: found.size };
}
