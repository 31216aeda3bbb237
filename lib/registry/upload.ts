import { readAll } from "../bytes/read_all.ts";
import { openSource } from "../bytes/source.ts";
import { verified, verifyBytes } from "../bytes/verify.ts";
import type { Bytes, ByteSource } from "../model/bytes.ts";
import type { CallOptions } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { digestAlgorithm } from "../model/digest.ts";
import { type LadingError, NotFoundError, RegistryError, UploadError } from "../model/errors.ts";
import { type Answer, discard } from "./_answer.ts";
import { hasBlob } from "./blobs.ts";
import { sleep } from "./clock.ts";
import { pushScopes, quotedBlob, type RepositoryContext } from "./_context.ts";
import { expectStored } from "./_digest_header.ts";
import { answerError } from "./errors.ts";
import { redactURL } from "../model/redact.ts";
import { checkLocation } from "./redirect.ts";
import type { Call, RequestBody } from "./request.ts";
import { backoff, isTemporary } from "./retry.ts";
import { bytesBody, UploadBody } from "./_upload_body.ts";

/**
 * Content up to this size is read into memory before it is sent: then it has a length on every
 * runtime, and it can be sent again.
 */
export const MAX_BUFFERED_BYTES: number = 1024 * 1024;

/** How often an upload is started anew when it fails for a moment. */
const MAX_RESTARTS = 3;

/** What is sent: bytes, or a source that is read while it goes out. */
type Payload = { readonly bytes: Bytes } | { readonly source: ByteSource };

/** One upload of one blob. */
interface Upload {
  readonly context: RepositoryContext;
  readonly target: Descriptor;
  readonly payload: Payload;
  readonly action: string;
  readonly options: CallOptions;
}

/**
 * Uploads a blob whole: a POST opens a session, a PUT carries the content (distribution-spec,
 * monolithic upload). Whether the registry has it already is the caller's question.
 *
 * The content is verified on the way out. A failure that may pass starts a new session, when the
 * content can be sent again: bytes, functions, and streams up to 1 MiB.
 *
 * @param context The repository.
 * @param target What the content is.
 * @param content The content; a stream is cancelled when it is not read to its end.
 * @param options A signal.
 * @throws {DigestMismatchError} when the content, or what the registry stored, has another digest.
 * @throws {SizeMismatchError} when the content has another size.
 * @throws {UploadError} when the registry does not take it.
 */
export async function uploadBlob(
  context: RepositoryContext,
  target: Descriptor,
  content: ByteSource,
  options: CallOptions,
): Promise<void> {
  digestAlgorithm(target.digest);
  const action = `push ${quotedBlob(context, target.digest)}`;
  try {
    options.signal?.throwIfAborted();
    const payload = await payloadOf(context, target, content, action, options);
    await uploadPayload({ context, target, payload, action, options });
  } finally {
    if (content instanceof ReadableStream && !content.locked) content.cancel().catch(() => {});
  }
}

async function uploadPayload(upload: Upload): Promise<void> {
  const { context, payload, options } = upload;
  const { clock, policy } = context.client;
  for (let attempt = 0;; attempt++) {
    const session = await openSession(upload);
    try {
      return await uploadTo(upload, session);
    } catch (error) {
      options.signal?.throwIfAborted();
      if (!isWorthAnother(error)) throw error;
      // A PUT whose answer was lost may have been stored (fault F19).
      if (await isStored(upload)) return;
      const isReplayable = "bytes" in payload || typeof payload.source === "function";
      if (!isReplayable || attempt === MAX_RESTARTS) throw error;
      await sleep(clock, backoff(policy, attempt), options.signal);
    }
  }
}

/** Decides whether the content is sent from memory. */
async function payloadOf(
  { client }: RepositoryContext,
  target: Descriptor,
  content: ByteSource,
  action: string,
  { signal }: CallOptions,
): Promise<Payload> {
  const { streamingUpload, maxRequestBytes = Infinity } = client.traits;
  if (target.size > maxRequestBytes) {
    throw new UploadError(
      `Cannot ${action}: its ${target.size} bytes are more than the ${maxRequestBytes} that a ` +
        "request may have here",
      { status: 0, method: "PUT", url: client.endpoint.origin, offset: 0 },
    );
  }
  if (content instanceof Uint8Array) {
    verifyBytes(content, target);
    return { bytes: content };
  }
  if (target.size > MAX_BUFFERED_BYTES && streamingUpload !== false) return { source: content };
  const stream = verified(await openSource(content), target);
  return { bytes: await readAll(stream, { maxBytes: target.size, what: target.digest, signal }) };
}

function isWorthAnother(error: unknown): boolean {
  if (error instanceof NotFoundError) return isWorthAnother(error.cause);
  if (!(error instanceof RegistryError)) return false;
  const { status, diagnostics } = error;
  // Behind a load balancer without shared state a session is known to one of the servers only.
  const isLost = diagnostics.some(({ code }) => code === "BLOB_UPLOAD_UNKNOWN");
  return status === 0 || isLost || isTemporary({ status, diagnostics });
}

async function isStored({ context, target, options }: Upload): Promise<boolean> {
  try {
    return await hasBlob(context, target, options);
  } catch {
    options.signal?.throwIfAborted();
    return false;
  }
}

async function uploadTo(upload: Upload, session: URL): Promise<void> {
  const { payload, context, target } = upload;
  const watch = context.client.uploadWatch;
  if ("bytes" in payload) {
    return await finish(upload, await put(upload, session, bytesBody(payload.bytes, watch)));
  }
  const body = new UploadBody(payload.source, target, watch);
  try {
    await finish(upload, await put(upload, session, body));
  } catch (error) {
    throw body.failure === undefined ? error : body.failure.error;
  } finally {
    body.close();
  }
}

/** Opens a session; gives where the content goes. */
async function openSession(upload: Upload): Promise<URL> {
  const { context, action, options } = upload;
  const { client, name } = context;
  const url = client.url(`/v2/${name}/blobs/uploads/`);
  const answer = await client.send({
    action,
    method: "POST",
    url,
    scopes: pushScopes(context),
    lane: "metadata",
    signal: options.signal,
  });
  if (answer.status !== 202) throw await uploadError(upload, answer, undefined);
  discard(answer);
  const from = { action, method: "POST", status: answer.status, url: answer.url };
  return checkLocation(answer.headers.get("location"), from, client.redirects);
}

async function put(upload: Upload, session: URL, body: RequestBody): Promise<Answer> {
  const { context, target, action, options } = upload;
  const url = new URL(session);
  const digest = `digest=${encodeURIComponent(target.digest)}`;
  // The query is the registry's state: nothing in it may change.
  url.search = url.search === "" ? `?${digest}` : `${url.search}&${digest}`;
  const call: Call = {
    action,
    method: "PUT",
    url,
    scopes: pushScopes(context),
    lane: "upload",
    headers: { "content-type": "application/octet-stream" },
    body,
    isRepeatable: false,
    signal: options.signal,
  };
  return await context.client.send(call);
}

/** Believes the registry only what it can prove. */
async function finish(upload: Upload, answer: Answer): Promise<void> {
  const { target, context, action } = upload;
  if (answer.status < 200 || answer.status > 299) {
    throw await uploadError(upload, answer, answer.url);
  }
  discard(answer);
  expectStored(answer.headers, target, action);
  // Only 201 says that it is stored; distribution 2.8 stores sha512 under its sha256 alone.
  if (answer.status === 201 && target.digest.startsWith("sha256:")) return;
  if (await hasBlob(context, target, upload.options)) return;
  throw new UploadError(
    `Cannot ${action}: the registry answered ${answer.status}, but does not have it`,
    {
      status: answer.status,
      method: "PUT",
      url: redactURL(answer.url),
      offset: 0,
    },
  );
}

/** The error of a refused upload: missing rights and repositories keep their own class. */
async function uploadError(
  upload: Upload,
  answer: Answer,
  session: URL | undefined,
): Promise<LadingError> {
  const error = await answerError(answer, upload.action, upload.context.client.clock);
  const isPlain = error instanceof RegistryError && error.code === "REGISTRY_ERROR";
  if (!isPlain) return error;
  const { status, method, url, diagnostics, retryAfter } = error;
  return new UploadError(error.message, {
    status,
    method,
    url,
    diagnostics,
    retryAfter,
    offset: 0,
    ...(session === undefined ? {} : { location: redactURL(session) }),
  });
}
