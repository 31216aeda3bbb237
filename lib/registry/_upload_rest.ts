import type { ByteSource } from "../model/bytes.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { UploadError } from "../model/errors.ts";
import { redactURL } from "../model/redact.ts";
import { type Answer, discard } from "./_answer.ts";
import type { RepositoryContext } from "./_context.ts";
import type { RequestBody } from "./request.ts";
import { bytesBody, UploadBody } from "./upload_body.ts";
import { uploadError } from "./_upload_error.ts";
import { expectBlob } from "./_upload_finish.ts";
import { bytesIn, isGood, type Sent, type UploadSession } from "./_upload_session.ts";

/** What is left of a blob to be sent. */
export interface Rest {
  readonly context: RepositoryContext;
  readonly target: Descriptor;
  readonly source: ByteSource;
  readonly action: string;
  readonly signal: AbortSignal | undefined;
  /** The bytes that the registry has. */
  readonly offset: number;
  /** Whether the content goes ahead of the PUT that ends the upload, in a PATCH of its own. */
  readonly isStreamed: boolean;
}

/**
 * Sends the rest of a blob in one request, and ends the upload.
 *
 * @throws {UploadError} when the registry does not take it; with status 202 when it took less.
 */
export async function sendRest(session: UploadSession, rest: Rest): Promise<void> {
  const { context, source, target, offset } = rest;
  const watch = context.client.uploadWatch;
  const isEnded = offset === target.size && offset > 0;
  if (isEnded || source instanceof Uint8Array) {
    const body = isEnded || !(source instanceof Uint8Array)
      ? undefined
      : bytesBody(source.subarray(offset), watch);
    return await sendBody(session, rest, body);
  }
  const body = new UploadBody(source, target, watch, offset);
  try {
    await sendBody(session, rest, body);
  } catch (error) {
    throw body.failure === undefined ? error : body.failure.error;
  } finally {
    body.close();
  }
}

async function sendBody(
  session: UploadSession,
  rest: Rest,
  body: RequestBody | undefined,
): Promise<void> {
  const { context, target: { digest, size }, action, signal, offset } = rest;
  const isAhead = rest.isStreamed && body !== undefined;
  if (isAhead) await sendAhead(session, rest, body);
  const last = isAhead ? undefined : body;
  const closing: Sent = {
    method: "PUT",
    digest,
    body: last ?? bytesBody(new Uint8Array(), context.client.uploadWatch, size),
    // A body that is the whole blob has no place in it.
    ...(last === undefined || offset === 0 ? {} : { range: [offset, size - 1] }),
  };
  const answer = await session.send(closing, signal);
  if (!isGood(answer)) throw await refusal(session, rest, answer);
  await expectBlob(context, rest.target, answer, action, { signal });
}

/** Sends content in one PATCH: without a range, as ECR takes it (aws/containers-roadmap#2831). */
async function sendAhead(session: UploadSession, rest: Rest, body: RequestBody): Promise<void> {
  const answer = await session.send({ method: "PATCH", body }, rest.signal);
  if (!isGood(answer)) throw await refusal(session, rest, answer);
  discard(answer);
  const { size } = rest.target;
  const has = bytesIn(answer.headers) ?? size;
  // ocx-sh/ocx#237: an upload was ended of which the registry had a part only.
  if (Math.max(has, 1) === Math.max(size, 1)) return;
  const url = redactURL(session.location);
  throw new UploadError(`Cannot ${rest.action}: the registry has ${has} of ${size} bytes`, {
    ...{ status: answer.status, method: "PATCH", url, offset: has, location: url },
  });
}

function refusal(session: UploadSession, rest: Rest, answer: Answer) {
  const { context: { client: { clock } }, action, offset } = rest;
  return uploadError(answer, { action, clock, offset, location: session.location });
}
