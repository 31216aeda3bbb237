import { iterate } from "../bytes/iterate.ts";
import { readAll } from "../bytes/read_all.ts";
import { withSignal } from "../bytes/signal.ts";
import { isReplayable, openSource } from "../bytes/source.ts";
import { digestMismatch, sizeMismatch, verified, verifyBytes } from "../bytes/verify.ts";
import type { ByteSource, ByteStream } from "../model/bytes.ts";
import type { CallOptions } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { digestAlgorithm } from "../model/digest.ts";
import { DigestMismatchError, SizeMismatchError } from "../model/errors.ts";
import { checkChunkBytes } from "./blob_upload.ts";
import { CHUNK_BYTES, ChunkedUpload, CHUNKS_REFUSED, MAX_CHUNK_BYTES } from "./_chunked_upload.ts";
import { quotedBlob, type RepositoryContext } from "./_context.ts";
import { EarlySession } from "./_early_session.ts";
import { isLostSession, isPassing, refusalIn } from "./_upload_error.ts";
import { isStored } from "./_upload_finish.ts";
import { pauseAfter } from "./_upload_pause.ts";
import { sendRest } from "./_upload_rest.ts";
import { UploadSession } from "./_upload_session.ts";
import type { UploadState } from "./upload_state.ts";

/**
 * Content up to this size is read into memory before it is sent: then it has a length on every
 * runtime, and it can be sent again.
 */
export const MAX_BUFFERED_BYTES: number = 1024 * 1024;

/** How often an upload is started anew when it fails for a moment. */
const MAX_RESTARTS = 3;

/** Answers to a request that has more bytes than a server takes, or too many to come without a length. */
const TOO_LARGE: ReadonlySet<number> = new Set([411, 413]);

/** How a blob is uploaded. */
export interface UploadOptions {
  /**
   * Sends the content in chunks of so many bytes, each in a request of its own that can be sent again.
   * `Infinity` sends it in one streamed PATCH, as skopeo does. By default content goes out in one PUT,
   * and in chunks of 4 MiB where it is more than a request may have, or where requests cannot be
   * streamed.
   */
  readonly chunkBytes?: number | undefined;
  /**
   * Is told where the upload stands, first when it is opened and then after each chunk, and is waited
   * for: what it has stored, another process goes on from. The upload is sent in chunks then, and an
   * upload that fails or is aborted is kept by the registry for that.
   */
  readonly onState?: ((state: UploadState) => void | Promise<void>) | undefined;
  /** Goes on where another upload of the same content has ended, unless the registry forgot it. */
  readonly state?: UploadState | undefined;
  /**
   * Opens the content at an offset, so that what the registry has need not be read again. Without it
   * the content is opened as ever and read up to there.
   */
  readonly openAt?: ((offset: number) => ByteStream | Promise<ByteStream>) | undefined;
}

/** Options of `Repository.push`. */
export interface PushOptions extends CallOptions {
  /** How a blob is uploaded; manifests are sent whole. */
  readonly upload?: UploadOptions | undefined;
}

/**
 * Uploads a blob (distribution-spec, pushing blobs). Whether the registry has it already is the
 * caller's question.
 *
 * The content is verified on the way out. A failure that may pass continues the session where the
 * registry stands, or starts a new one, when the content can be read again: bytes, functions, and
 * streams up to 1 MiB. An upload that is given up is cancelled.
 *
 * @param context The repository.
 * @param target What the content is.
 * @param content The content; a stream is cancelled when it is not read to its end.
 * @param options How to send it, and a signal.
 * @param opened A session that is open already; it is used, or given back.
 * @throws {DigestMismatchError} when the content, or what the registry stored, has another digest.
 * @throws {SizeMismatchError} when the content has another size.
 * @throws {UploadError} when the registry does not take it.
 */
export async function uploadBlob(
  context: RepositoryContext,
  target: Descriptor,
  content: ByteSource,
  options: PushOptions,
  opened?: UploadSession,
): Promise<void> {
  const { signal, upload = {} } = options;
  let unused = opened;
  let early: EarlySession | undefined;
  try {
    digestAlgorithm(target.digest);
    if (upload.chunkBytes !== Infinity) checkChunkBytes(upload.chunkBytes);
    const action = `push ${quotedBlob(context, target.digest)}`;
    signal?.throwIfAborted();
    if (upload.state?.digest !== undefined && upload.state.digest !== target.digest) {
      throw new TypeError(`Cannot ${action}: the state is of ${upload.state.digest}`);
    }
    const way = wayOf(context, target, content, upload);
    if (opened === undefined && isReadBefore(context, target, content, way)) {
      early = new EarlySession(context, action, signal);
    }
    const source = await sourceOf(context, target, content, way, signal);
    const setup = { context, target, action, signal, options: upload };
    // What another upload has begun goes on in its own session.
    const session = upload.state === undefined ? await early?.take() ?? opened : undefined;
    early = undefined;
    if (session !== undefined) unused = undefined;
    await new Upload(setup, source, way, session).run();
  } finally {
    early?.giveBack();
    unused?.cancel();
    if (content instanceof ReadableStream && !content.locked) content.cancel().catch(() => {});
  }
}

/** `whole`: one PUT. `stream`: one PATCH, then a PUT. `chunks`: several PATCHes, then a PUT. */
type Way = "whole" | "stream" | "chunks";

/** Decides how content is sent, as long as the registry does not want it otherwise. */
function wayOf(
  { client: { traits } }: RepositoryContext,
  { size }: Descriptor,
  content: ByteSource,
  { chunkBytes, state, onState }: UploadOptions,
): Way {
  if (state !== undefined || onState !== undefined) return "chunks";
  if (size > (traits.maxRequestBytes ?? Infinity)) return "chunks";
  const isHeld = content instanceof Uint8Array || size <= CHUNK_BYTES;
  if (traits.streamingUpload === false && !isHeld) return "chunks";
  if (chunkBytes === Infinity) return "stream";
  return chunkBytes === undefined || size <= chunkBytes ? "whole" : "chunks";
}

/** Tells whether content is read and proved before it is sent. */
function isReadBefore(
  { client: { traits } }: RepositoryContext,
  { size }: Descriptor,
  content: ByteSource,
  way: Way,
): boolean {
  if (content instanceof Uint8Array || way === "chunks") return false;
  return size <= MAX_BUFFERED_BYTES || traits.streamingUpload === false;
}

/** Proves content that is in memory, or small enough to be. */
async function sourceOf(
  context: RepositoryContext,
  target: Descriptor,
  content: ByteSource,
  way: Way,
  signal: AbortSignal | undefined,
): Promise<ByteSource> {
  if (content instanceof Uint8Array) {
    verifyBytes(content, target);
    return content;
  }
  const isRead = isReadBefore(context, target, content, way);
  return isRead ? await readHeld(target, content, signal) : content;
}

async function readHeld(
  target: Descriptor,
  content: ByteSource,
  signal: AbortSignal | undefined,
): Promise<ByteSource> {
  const stream = verified(await openSource(content), target);
  return await readAll(stream, { maxBytes: target.size, what: target.digest, signal });
}

/** What an upload is made of. */
interface Setup {
  readonly context: RepositoryContext;
  readonly target: Descriptor;
  readonly action: string;
  readonly signal: AbortSignal | undefined;
  readonly options: UploadOptions;
}

/** The upload of one blob: from a way and a session to the next until the registry has it. */
class Upload {
  readonly #setup: Setup;
  #source: ByteSource;
  #way: Way;
  /** The session of an upload that is not in chunks, and the bytes that it has. */
  #session: UploadSession | undefined;
  #offset = 0;
  #chunks: ChunkedUpload | undefined;
  #state: UploadState | undefined;
  #isTooLarge = false;

  constructor(setup: Setup, source: ByteSource, way: Way, session: UploadSession | undefined) {
    this.#setup = setup;
    this.#source = source;
    this.#way = way;
    this.#session = session;
    this.#state = setup.options.state;
  }

  /** Uploads the blob, or gives the session back. */
  async run(): Promise<void> {
    const { signal, options } = this.#setup;
    try {
      for (let failures = 0;; failures++) {
        try {
          return await this.#attempt();
        } catch (error) {
          signal?.throwIfAborted();
          if (await this.#recover(error, failures)) return;
        }
      }
    } catch (error) {
      const isWrong = error instanceof DigestMismatchError || error instanceof SizeMismatchError;
      const isKept = options.onState !== undefined || options.state !== undefined;
      if (!isKept || isWrong) this.#cancel();
      throw error;
    }
  }

  async #attempt(): Promise<void> {
    const { context, action, signal, target } = this.#setup;
    if (this.#way === "chunks") return await this.#sendChunks();
    this.#session ??= await UploadSession.open(context, action, signal);
    if (target.size > this.#session.limits.max) {
      this.#way = "chunks";
      return await this.#sendChunks();
    }
    await sendRest(this.#session, {
      ...{ context, target, action, signal },
      source: this.#source,
      offset: this.#offset,
      isStreamed: this.#way === "stream",
    });
  }

  async #sendChunks(): Promise<void> {
    const { context, action, signal, target, options } = this.#setup;
    const { onState } = options;
    const chunkBytes = options.chunkBytes === Infinity ? undefined : options.chunkBytes;
    const { digest } = target;
    const algorithm = digestAlgorithm(digest);
    const setup = { context, action, algorithm, digest, chunkBytes, moved: onState };
    const state = this.#state;
    const session = this.#session;
    this.#state = this.#session = undefined;
    const upload = (state && await ChunkedUpload.resume(setup, state, signal)) ??
      await ChunkedUpload.start(setup, signal, session);
    this.#chunks = upload;
    await this.#appendTo(upload);
    const sent = await upload.flush(signal);
    if (sent.size !== target.size) throw sizeMismatch(undefined, target, sent.size);
    if (sent.digest !== digest) throw digestMismatch(undefined, target, sent.digest);
    await upload.finish(target, signal);
  }

  /** Sends what the registry does not have yet. */
  async #appendTo(upload: ChunkedUpload): Promise<void> {
    const { signal, target, options: { openAt } } = this.#setup;
    const { offset } = upload;
    const source = this.#source;
    if (source instanceof Uint8Array) return await upload.append(source.subarray(offset), signal);
    if (offset === target.size) return;
    // What the registry has was hashed when it was sent.
    let skipped = openAt === undefined ? 0 : offset;
    let total = offset;
    const stream = await (openAt === undefined ? openSource(source) : openAt(offset));
    for await (const chunk of iterate(withSignal(stream, signal))) {
      const rest = chunk.subarray(Math.min(offset - skipped, chunk.byteLength));
      skipped += chunk.byteLength - rest.byteLength;
      total += rest.byteLength;
      if (total > target.size) throw sizeMismatch(undefined, target, total);
      await upload.append(rest, signal);
    }
  }

  /**
   * Finds another way after a failure.
   *
   * @returns Whether the registry has the blob all the same.
   * @throws The failure when there is none.
   */
  async #recover(failure: unknown, failures: number): Promise<boolean> {
    const { context, signal, target } = this.#setup;
    if (this.#chunks !== undefined) {
      await this.#leaveChunks(this.#chunks, failure, failures);
      return false;
    }
    const session = this.#session;
    const refusal = refusalIn(failure);
    if (session === undefined || refusal === undefined) throw failure;
    const { status, method } = refusal;
    if (TOO_LARGE.has(status) && target.size > CHUNK_BYTES && this.#isReplayable()) {
      this.#isTooLarge = true;
      this.#fallBack("chunks", "it does not take the blob in one request; it is sent in chunks");
      return false;
    }
    const isFirst = method === "PATCH" && this.#offset === 0 && !isLostSession(failure);
    if (isFirst && CHUNKS_REFUSED.has(status) && this.#isReplayable()) {
      this.#fallBack(
        "whole",
        "it does not take a blob ahead of its end; it is sent in one request",
      );
      return false;
    }
    const isShort = method === "PATCH" && status < 300;
    if (!isPassing(failure) && !isShort && status !== 416) throw failure;
    if (await isStored(context, target, { signal })) return true;
    if (!this.#isReplayable() || failures >= MAX_RESTARTS) throw failure;
    await pauseAfter(failure, context.client, failures, signal);
    const has = await session.received(signal) ?? 0;
    // `0-0` may be none; a session that has no bytes is worth nothing.
    const isOpen = has > 1 && has <= target.size;
    this.#offset = isOpen ? has : 0;
    if (!isOpen) this.#session = undefined;
    return false;
  }

  /** Starts over after an upload in chunks that cannot go on. */
  async #leaveChunks(upload: ChunkedUpload, failure: unknown, failures: number): Promise<void> {
    const { context: { client }, signal, target, options } = this.#setup;
    if (upload.fate === undefined || failures >= MAX_RESTARTS) throw failure;
    if (upload.fate === "lost") {
      if (!this.#isReplayable() && options.openAt === undefined) throw failure;
      await pauseAfter(failure, client, failures, signal);
      this.#chunks = undefined;
      return;
    }
    const { streamingUpload = true, maxRequestBytes = Infinity } = client.traits;
    const isHeld = this.#source instanceof Uint8Array;
    const mayBeWhole = !this.#isTooLarge && target.size <= maxRequestBytes &&
      (streamingUpload || isHeld || target.size <= MAX_CHUNK_BYTES);
    if (!mayBeWhole || !this.#isReplayable()) throw failure;
    this.#fallBack("whole", "it does not take chunks; the blob is sent in one request");
    if (!streamingUpload) this.#source = await readHeld(target, this.#source, signal);
  }

  /** Takes another way, in a new session. */
  #fallBack(way: Way, reason: string): void {
    const { client } = this.#setup.context;
    client.emit({ type: "fallback", registry: client.endpoint.name, reason });
    this.#cancel();
    this.#way = way;
    this.#session = this.#chunks = undefined;
    this.#offset = 0;
  }

  /** Gives back what is open; nobody waits for the answer. */
  #cancel(): void {
    (this.#chunks ?? this.#session)?.cancel();
  }

  #isReplayable(): boolean {
    return isReplayable(this.#source);
  }
}
