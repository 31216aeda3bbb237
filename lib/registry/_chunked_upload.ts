import { createResumableHasher } from "../hash/create_hasher.ts";
import type { ResumableHasher } from "../hash/hasher.ts";
import { encodeBase64 } from "../model/base64.ts";
import type { Bytes } from "../model/bytes.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { type DigestAlgorithm, formatDigest } from "../model/digest.ts";
import { type LadingError, UploadError } from "../model/errors.ts";
import { redactURL } from "../model/redact.ts";
import { type Answer, discard } from "./_answer.ts";
import type { RepositoryContext } from "./_context.ts";
import { bytesBody } from "./upload_body.ts";
import {
  isLostSession,
  isPassing,
  refusalIn,
  uploadError,
  type UploadPlace,
} from "./_upload_error.ts";
import { ShortSteps } from "./_short_steps.ts";
import { pauseAfter } from "./_upload_pause.ts";
import { expectBlob, isStored } from "./_upload_finish.ts";
import { bytesIn, isGood, type Sent, UploadSession } from "./_upload_session.ts";
import { restoreUpload, type UploadState } from "./upload_state.ts";

/** The bytes of a chunk where nobody says otherwise: GHCR takes no more (ocx-sh/ocx#237). */
export const CHUNK_BYTES: number = 4 * 1024 * 1024;

/** The most bytes that are held for a chunk, whatever a registry wants. */
export const MAX_CHUNK_BYTES: number = 64 * 1024 * 1024;

/** Chunks that are refused as too large get no smaller than this. */
const MIN_CHUNK_BYTES = 256 * 1024;

/** How often the same bytes are sent without the registry getting any further. */
const MAX_STALLS = 3;

/** Answers to the first chunk of registries that take none (skopeo#1101, regclient#75). */
export const CHUNKS_REFUSED: ReadonlySet<number> = new Set([400, 404, 405, 416, 501]);

/** Answers that leave open what the registry has. */
const DOUBTFUL: ReadonlySet<number> = new Set([404, 409, 416]);

/** What an upload in chunks is made of. */
export interface ChunkedSetup {
  readonly context: RepositoryContext;
  readonly action: string;
  readonly algorithm: DigestAlgorithm;
  readonly chunkBytes?: number | undefined;
  /** The digest, where it is known before the end. */
  readonly digest?: string | undefined;
  /** Is told each time that the registry has more. */
  readonly moved?: ((state: UploadState) => void | Promise<void>) | undefined;
}

/** Where an upload starts from. */
interface Start {
  readonly session: UploadSession;
  readonly hasher: ResumableHasher;
  readonly offset: number;
  /** The bytes behind the offset that the registry has already, though nobody has hashed them. */
  readonly ahead: number;
  readonly ignoresRange: boolean;
}

/** What came of a request to the session. */
type Outcome =
  | { readonly answer: Answer; readonly has: number | undefined; readonly failure?: undefined }
  | {
    readonly failure: LadingError;
    readonly status: number;
    readonly has?: number | undefined;
  };

/**
 * The states between opening an upload and its end, chunk by chunk: what a registry has is hashed
 * and let go; what it may not have is held, one chunk, and sent again after it was asked.
 */
export class ChunkedUpload {
  readonly #setup: ChunkedSetup;
  readonly #hasher: ResumableHasher;
  #session: UploadSession;
  #offset: number;
  #ahead: number;
  #ignoresRange: boolean;
  #largest: number;
  #buffer: Bytes | undefined;
  #filled = 0;
  /** Where the chunk starts that was taken without the registry getting any further. */
  #stalledAt: number | undefined;
  #reopened = 0;
  readonly #steps = new ShortSteps();
  #digest: string | undefined;
  /**
   * Why the upload cannot go on, if so. `lost`: the registry does not know it any more; `refused`: it
   * takes no chunks, or has not put them together.
   */
  fate: "lost" | "refused" | undefined;

  private constructor(setup: ChunkedSetup, start: Start) {
    this.#setup = setup;
    this.#hasher = start.hasher;
    this.#session = start.session;
    this.#offset = start.offset;
    this.#ahead = start.ahead;
    this.#ignoresRange = start.ignoresRange;
    this.#largest = setup.chunkBytes ?? CHUNK_BYTES;
  }

  /** Starts an upload, in a session of its own unless one is given. */
  static async start(
    setup: ChunkedSetup,
    signal: AbortSignal | undefined,
    session?: UploadSession,
  ): Promise<ChunkedUpload> {
    const upload = new ChunkedUpload(setup, {
      session: session ?? await UploadSession.open(setup.context, setup.action, signal),
      hasher: createResumableHasher(setup.algorithm),
      offset: 0,
      ahead: 0,
      ignoresRange: false,
    });
    await setup.moved?.(upload.state());
    return upload;
  }

  /**
   * Continues an upload.
   *
   * @returns The upload; `undefined` when the registry has lost bytes that it had.
   * @throws {TypeError} when the state is none, or of another repository.
   */
  static async resume(
    setup: Omit<ChunkedSetup, "algorithm">,
    state: unknown,
    signal: AbortSignal | undefined,
  ): Promise<ChunkedUpload | undefined> {
    const restored = restoreUpload(setup.context, state, setup.action);
    const { session, hasher, state: { offset, ignoresRange = false } } = restored;
    const whole = { ...setup, algorithm: hasher.algorithm };
    const has = await session.received(signal);
    if (offset === 0 && (has === undefined || has <= 1)) {
      // `0-0` may be one byte that nobody has hashed; a new session costs nothing.
      if (has !== undefined) session.cancel();
      return await ChunkedUpload.start(whole, signal);
    }
    if (has === undefined || has < offset && !ignoresRange) return undefined;
    const ahead = ignoresRange ? 0 : has - offset;
    const start = { session, hasher, offset, ahead, ignoresRange };
    const upload = new ChunkedUpload(whole, start);
    await whole.moved?.(upload.state());
    return upload;
  }

  /** The bytes that the registry has. */
  get offset(): number {
    return this.#offset;
  }

  /** Says where the upload stands. */
  state(): UploadState {
    const { context: { client, name }, digest } = this.#setup;
    const { min, max } = this.#session.limits;
    return {
      version: 1,
      registry: client.endpoint.name,
      repository: name,
      ...(digest === undefined ? {} : { digest }),
      location: this.#session.location.href,
      offset: this.#offset,
      hash: encodeBase64(this.#hasher.exportState()),
      ...(min > 0 ? { minChunkBytes: min } : {}),
      ...(max < Infinity ? { maxChunkBytes: max } : {}),
      ...(this.#ignoresRange ? { ignoresRange: true } : {}),
    };
  }

  /** Takes the next bytes, and sends those that fill chunks. */
  async append(content: Bytes, signal: AbortSignal | undefined): Promise<void> {
    let rest = content;
    while (rest.byteLength > 0) {
      const size = this.#chunkBytes();
      if (this.#filled === 0 && rest.byteLength >= size) {
        await this.#send(rest.subarray(0, size), signal, false);
        rest = rest.subarray(size);
        continue;
      }
      const buffer = this.#room(size);
      const part = rest.subarray(0, buffer.byteLength - this.#filled);
      buffer.set(part, this.#filled);
      this.#filled += part.byteLength;
      rest = rest.subarray(part.byteLength);
      if (this.#filled === buffer.byteLength) await this.#flush(signal, false);
    }
  }

  /** Drops what was taken and not sent. */
  drop(): void {
    this.#filled = 0;
  }

  /** Sends what is left, and gives the number of bytes and their digest. */
  async flush(signal: AbortSignal | undefined): Promise<{ digest: string; size: number }> {
    const { algorithm } = this.#setup;
    await this.#flush(signal, true);
    this.#digest ??= formatDigest(algorithm, this.#hasher.digest());
    return { digest: this.#digest, size: this.#offset };
  }

  /**
   * Ends the upload after everything was sent.
   *
   * @throws {DigestMismatchError} when the registry stored something else.
   * @throws {UploadError} when it does not take it.
   */
  async finish(target: Descriptor, signal: AbortSignal | undefined): Promise<void> {
    const { context, action } = this.#setup;
    const { digest, size } = target;
    const body = bytesBody(new Uint8Array(), context.client.uploadWatch, size);
    for (let tries = 0;; tries++) {
      const outcome = await this.#exchange({ method: "PUT", body, digest }, signal);
      if (outcome.failure === undefined) {
        return await expectBlob(context, target, outcome.answer, action, { signal });
      }
      const { failure, status } = outcome;
      const isOpen = isPassing(failure) || DOUBTFUL.has(status);
      if (isOpen && await isStored(context, target, { signal })) return;
      // The content was proved here, so it is the registry that has not put it together.
      if (status === 400 || status === 416) return this.#end("refused", failure);
      if (!isOpen || tries === MAX_STALLS) throw failure;
      await this.#pause(failure, tries, signal);
      const has = await this.#session.received(signal) ?? -1;
      const isThere = this.#ignoresRange || Math.max(1, has) === Math.max(1, this.#offset);
      if (has < 0 || !isThere) return this.#end("lost", failure);
    }
  }

  /** Gives the upload back. */
  async cancel(): Promise<void> {
    if (this.fate !== "lost") await this.#session.cancel();
  }

  async #flush(signal: AbortSignal | undefined, isLast: boolean): Promise<void> {
    const pending = this.#buffer?.subarray(0, this.#filled);
    this.#filled = 0;
    if (pending !== undefined) await this.#send(pending, signal, isLast);
  }

  /** The memory of a chunk. A size that has shrunk since is seen to when the chunk is sent. */
  #room(size: number): Bytes {
    const buffer = this.#buffer;
    const isEnough = buffer !== undefined && (buffer.byteLength >= size || this.#filled > 0);
    return isEnough ? buffer : this.#buffer = new Uint8Array(size);
  }

  /** How many bytes the next chunk has. */
  #chunkBytes(): number {
    const { traits } = this.#setup.context.client;
    const { min, max } = this.#session.limits;
    const largest = Math.min(max, traits.maxRequestBytes ?? Infinity, MAX_CHUNK_BYTES);
    if (min <= largest) return Math.min(Math.max(this.#largest, min), largest);
    this.fate = "refused";
    throw this.#error(
      `the registry wants chunks of ${min} bytes, more than the ${largest} that are sent at a time`,
    );
  }

  /** Sends bytes until the registry has them, but for a rest that is no chunk for it. */
  async #send(bytes: Bytes, signal: AbortSignal | undefined, isLast: boolean): Promise<void> {
    const known = Math.min(this.#ahead, bytes.byteLength);
    this.#ahead -= known;
    let rest = await this.#confirm(bytes, known);
    for (let stalls = 0; rest.byteLength > 0;) {
      if (!isLast && rest.byteLength < this.#session.limits.min) {
        this.#room(this.#chunkBytes()).set(rest);
        this.#filled = rest.byteLength;
        return;
      }
      const chunk = rest.subarray(0, this.#chunkBytes());
      const taken = await this.#patch(chunk, stalls, signal);
      stalls = taken > 0 ? 0 : stalls + 1;
      rest = await this.#confirm(rest, taken);
      if (taken < chunk.byteLength && this.#steps.isTooShort(taken)) {
        throw this.#error("the registry takes next to nothing of each chunk");
      }
    }
  }

  /** Hashes what the registry has, and gives the rest. */
  async #confirm(bytes: Bytes, count: number): Promise<Bytes> {
    if (count === 0) return bytes;
    this.#hasher.update(bytes.subarray(0, count));
    this.#offset += count;
    this.#stalledAt = undefined;
    await this.#setup.moved?.(this.state());
    return bytes.subarray(count);
  }

  /** Sends a chunk; gives how many of its bytes the registry has then. */
  async #patch(chunk: Bytes, stalls: number, signal: AbortSignal | undefined): Promise<number> {
    const start = this.#offset;
    const end = start + chunk.byteLength;
    const body = bytesBody(chunk, this.#setup.context.client.uploadWatch);
    const sent = { method: "PATCH", body, range: [start, end - 1] } as const;
    const outcome = await this.#exchange(sent, signal);
    const { has } = outcome;
    if (outcome.failure === undefined) {
      if (has === undefined || has === end || this.#ignoresRange) return chunk.byteLength;
      // Aliyun tells the range of the last chunk alone (regclient#627), ECR the same after each
      // (aws/containers-roadmap#2831): after a second time the own count is believed.
      const isOfChunk = start > has && has === chunk.byteLength;
      if (isOfChunk || this.#stalledAt === start && has <= start) return this.#believe(chunk);
      if (isBetween(start, has, end)) return has - start;
      this.#stalledAt = start;
      const failure = this.#error(`the registry took ${end} bytes and has ${has}`);
      return await this.#ask(start, end, stalls, failure, signal);
    }
    const { failure, status } = outcome;
    if (this.#shrink(status, failure.message, chunk.byteLength)) {
      return await this.#patch(chunk.subarray(0, this.#largest), stalls, signal);
    }
    if (status === 416) {
      const isPart = has !== undefined && isBetween(start, has, end);
      if (this.#stalledAt === start && !(isPart && has < end)) return this.#believe(chunk);
      if (isPart) return has - start;
    }
    const isFirst = start === 0 && !isLostSession(failure);
    if (isFirst && CHUNKS_REFUSED.has(status)) return this.#end("refused", failure);
    if (!isPassing(failure) && !DOUBTFUL.has(status)) throw failure;
    if (status !== 416) await this.#pause(failure, stalls, signal);
    return await this.#ask(start, end, stalls, failure, signal);
  }

  /** Asks what the registry has of a chunk; opens a new session as long as that loses nothing. */
  async #ask(
    start: number,
    end: number,
    stalls: number,
    failure: LadingError,
    signal: AbortSignal | undefined,
  ): Promise<number> {
    const has = await this.#session.received(signal);
    if (has !== undefined && isBetween(start, has, end)) return has - start;
    const isStill = has === start || this.#stalledAt === start && has !== undefined && has < start;
    if (isStill) {
      if (stalls === MAX_STALLS) throw failure;
      return 0;
    }
    if (start > 0) return this.#end("lost", failure);
    if (this.#reopened++ === MAX_STALLS) throw failure;
    const { context, action } = this.#setup;
    this.#session = await UploadSession.open(context, action, signal);
    await this.#setup.moved?.(this.state());
    return 0;
  }

  /** Takes a chunk for sent whatever the registry says; the digest decides in the end. */
  #believe(chunk: Bytes): number {
    this.#ignoresRange = true;
    return chunk.byteLength;
  }

  /** Makes chunks smaller that are too large for the registry or for what is in front of it. */
  #shrink(status: number, message: string, size: number): boolean {
    // GHCR: "… larger than the maximum of 4.00MiB".
    const said = status === 416 ? /([\d.]+) ?MiB/.exec(message)?.[1] : undefined;
    if (status !== 413 && said === undefined) return false;
    const wanted = said === undefined ? size / 2 : Number(said) * 1024 * 1024;
    const next = Math.max(MIN_CHUNK_BYTES, this.#session.limits.min, Math.floor(wanted));
    if (!(next < size)) return false;
    this.#largest = next;
    return true;
  }

  /** Sends something, once. What fails for a moment is an outcome, not an error. */
  async #exchange(sent: Sent, signal: AbortSignal | undefined): Promise<Outcome> {
    try {
      const answer = await this.#session.send(sent, signal);
      const { status, headers } = answer;
      const has = bytesIn(headers);
      if (isGood(answer)) {
        discard(answer);
        return { answer, has };
      }
      return { failure: await uploadError(answer, this.#place()), status, has };
    } catch (error) {
      signal?.throwIfAborted();
      const failure = refusalIn(error);
      if (failure === undefined || !isPassing(failure)) throw error;
      return { failure, status: failure.status };
    }
  }

  async #pause(failure: unknown, tries: number, signal: AbortSignal | undefined): Promise<void> {
    await pauseAfter(failure, this.#setup.context.client, tries, signal);
  }

  #place(): UploadPlace {
    const { context: { client: { clock } }, action } = this.#setup;
    return { action, clock, offset: this.#offset, location: this.#session.location };
  }

  #error(reason: string): UploadError {
    const { action, offset, location = this.#session.location } = this.#place();
    const url = redactURL(location);
    const message = `Cannot ${action}: ${reason}`;
    return new UploadError(message, { status: 0, method: "PATCH", url, offset, location: url });
  }

  #end(fate: "lost" | "refused", failure: LadingError): never {
    this.fate = fate;
    throw failure;
  }
}

/** Tells whether a registry has a part of a chunk, or all. `0-0` may be no byte at all. */
function isBetween(start: number, has: number, end: number): boolean {
  return has > start && has <= end && (start > 0 || has > 1);
}
