import { streamOfChunks } from "../bytes/chunks.ts";
import { inLargePieces } from "../bytes/large_pieces.ts";
import { noteOwnedChunks, ownsChunks } from "../bytes/lineage.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import { isLadingError } from "../model/errors.ts";
import { type Answer, contentLength, discard, isEncoded } from "./_answer.ts";
import { blobContentOf } from "./_content_encoding.ts";
import { parseContentRange } from "./_content_range.ts";
import { sleep } from "./clock.ts";
import { answerError } from "./errors.ts";
import type { Call, Client } from "./request.ts";
import { redactURL } from "../model/redact.ts";
import { ShortSteps } from "./_short_steps.ts";
import { backoff } from "./retry.ts";
import type { Span } from "../bytes/span.ts";

/** How often in a row a download may break off without a single new byte. */
export const MAX_ATTEMPTS_WITHOUT_PROGRESS = 3;

/** A download of content whose size is known. */
export interface Download {
  /** The request, without its range. */
  readonly call: Call;
  /** The part that is wanted. */
  readonly span: Span;
  /** The size of the whole content. */
  readonly size: number;
  /** Whether the content is compressed with gzip, by its media type. */
  readonly isGzip: boolean;
}

/** A body, with the bytes before and behind the part that is wanted. */
interface Body {
  readonly reader: ReadableStreamDefaultReader<Bytes>;
  /** Whether nobody else holds its chunks. */
  readonly ownsChunks: boolean;
  skip: number;
  /** Whether it goes on behind the part. */
  readonly isLonger: boolean;
}

/** A download under way. */
export interface OpenDownload {
  /** The bytes as they come. */
  readonly stream: ByteStream;
  /** Tells whether the bytes may be put together wrongly: it broke off, or came encoded. */
  isDoubtful(): boolean;
}

/**
 * Opens a download. Where a body breaks off, the rest is asked for by a range; nothing is asked for
 * twice, so what the consumer hashes goes on. After three breaks without a new byte it gives up, and
 * where body after body brings next to nothing.
 * The stream may be longer or shorter than wanted when the server says so: it is not verified.
 *
 * @param client The registry.
 * @param download What to get.
 * @returns The stream, and whether it went smoothly.
 * @throws {NotFoundError} when the content is not there.
 */
export async function openDownload(client: Client, download: Download): Promise<OpenDownload> {
  const run = new ResumingDownload(client, download);
  await run.start();
  return { stream: run.stream(), isDoubtful: () => run.isDoubtful };
}

class ResumingDownload {
  readonly #client: Client;
  readonly #download: Download;
  #body: Body | undefined;
  #received = 0;
  /** The size of the whole content, as the server says: where that is less, nothing broke off. */
  #length: number;
  #withoutProgress = 0;
  readonly #steps = new ShortSteps();
  /** Where the body under way began. */
  #begun = 0;
  #breaks = 0;
  /** Whether the server can be trusted with ranges. */
  #hasRanges = true;
  #isEncoded = false;
  /** Whether the consumer owns the chunks. */
  #givesChunks = false;
  /** Whether the consumer wants no more: a body that ends then has not broken off. */
  #isCancelled = false;

  constructor(client: Client, download: Download) {
    this.#client = client;
    this.#download = download;
    this.#length = download.size;
  }

  get #wanted(): number {
    return this.#download.span.end - this.#download.span.start;
  }

  get isDoubtful(): boolean {
    return this.#breaks > 0 || this.#isEncoded;
  }

  /** Opens the first body; one that breaks while it is opened is resumed like any other. */
  async start(): Promise<void> {
    try {
      await this.#open();
    } catch (error) {
      if (this.#download.call.signal?.aborted || isLadingError(error)) throw error;
      await this.#resume(error);
    }
  }

  async #open(): Promise<void> {
    const { call, span, size } = this.#download;
    const start = span.start + this.#received;
    const isWhole = start === 0 && span.end === size;
    const isRanged = !isWhole && this.#hasRanges;
    // The closed form always: some servers answer 416 to an open end.
    const range = { range: `bytes=${start}-${span.end - 1}` };
    const answer = await this.#client.send({
      ...call,
      headers: { ...call.headers, ...(isRanged ? range : {}) },
      read: (body) => inLargePieces(body, this.#wanted - this.#received),
    });
    if (answer.status === 200) return await this.#take(answer, start);
    if (!isRanged || answer.status !== 206 && answer.status !== 416) {
      throw await answerError(answer, call.action, this.#client.clock);
    }
    const given = parseContentRange(answer.headers.get("content-range"));
    const isRight = answer.status === 206 && given?.start === start && given.end < span.end &&
      (given.total === undefined || given.total === size);
    // A range of an encoding is not a range of the content.
    if (isRight && !isEncoded(answer.headers)) {
      this.#use(answer.body, 0, false);
      return;
    }
    discard(answer);
    this.#client.emit({
      type: "fallback",
      registry: this.#client.endpoint.name,
      reason: `${answer.url.host} does not answer ranges rightly; the whole content is read`,
    });
    this.#hasRanges = false;
    await this.#open();
  }

  /** Takes the whole content, of which the first bytes are not wanted. */
  async #take(answer: Answer, skip: number): Promise<void> {
    if (isEncoded(answer.headers)) {
      this.#isEncoded = true;
      this.#hasRanges = false;
    }
    const content = await blobContentOf(answer.body, answer.headers, this.#download);
    const { span, size } = this.#download;
    this.#length = contentLength(answer.headers) ?? size;
    this.#use(content, skip, span.end < size);
  }

  #use(content: ByteStream, skip: number, isLonger: boolean): void {
    const owns = ownsChunks(content);
    this.#body = { reader: content.getReader(), ownsChunks: owns, skip, isLonger };
  }

  /** Gets the next bytes that are wanted; `undefined` at the end of the body. */
  async #read(body: Body): Promise<Bytes | undefined> {
    const left = this.#wanted - this.#received;
    if (body.isLonger && left === 0) {
      await body.reader.cancel();
      return undefined;
    }
    for (;;) {
      const { done, value } = await body.reader.read();
      if (done) return undefined;
      const skipped = Math.min(body.skip, value.byteLength);
      body.skip -= skipped;
      if (skipped === value.byteLength) continue;
      const chunk = value.subarray(skipped, body.isLonger ? skipped + left : undefined);
      // The consumer may free what it gets; the body that a break brought may be another's.
      return this.#givesChunks && !body.ownsChunks ? chunk.slice() : chunk;
    }
  }

  /** Closes the gap after a break, or gives up. */
  async #resume(cause: unknown): Promise<void> {
    const { call, span } = this.#download;
    const { policy, clock } = this.#client;
    this.#body = undefined;
    const isTooShort = this.#steps.isTooShort(this.#received - this.#begun);
    this.#begun = this.#received;
    for (let error = cause;;) {
      call.signal?.throwIfAborted();
      if (++this.#withoutProgress > MAX_ATTEMPTS_WITHOUT_PROGRESS || isTooShort) {
        const all = new Error(
          `it broke off ${this.#breaks + 1} times, at last after ${this.#received} of ` +
            `${this.#wanted} bytes`,
          { cause: error },
        );
        throw this.#client.unreachable(call, all, 1);
      }
      this.#breaks++;
      const delayMs = this.#withoutProgress === 1 ? 0 : backoff(policy, this.#withoutProgress - 2);
      this.#client.emit({
        type: "retry",
        registry: this.#client.endpoint.name,
        method: call.method,
        url: redactURL(call.url),
        attempt: this.#breaks,
        delayMs,
        reason: `the body broke off after ${span.start + this.#received} bytes`,
      });
      if (delayMs > 0) await sleep(clock, delayMs, call.signal);
      if (this.#isCancelled) return;
      try {
        return await this.#open();
      } catch (failure) {
        // What the registry answers is final; a body that breaks while it is opened is one more.
        if (call.signal?.aborted || isLadingError(failure)) throw failure;
        error = failure;
      }
    }
  }

  async #next(): Promise<Bytes | undefined> {
    for (;;) {
      const body = this.#body;
      if (body === undefined || this.#isCancelled) return undefined;
      let cause: unknown;
      try {
        const chunk = await this.#read(body);
        if (chunk !== undefined) {
          this.#withoutProgress = 0;
          this.#received += chunk.byteLength;
          return chunk;
        }
      } catch (error) {
        const { signal } = this.#download.call;
        if (signal?.aborted) throw signal.reason;
        cause = error;
      }
      const given = Math.min(this.#wanted, this.#length - this.#download.span.start);
      if (this.#isCancelled || this.#received >= given) return undefined;
      await this.#resume(cause);
    }
  }

  stream(): ByteStream {
    const stream = streamOfChunks({
      next: async () => {
        const chunk = await this.#next();
        // What was opened meanwhile is let go.
        if (this.#isCancelled) this.#close().catch(() => {});
        return chunk;
      },
      cancel: async (reason) => {
        this.#isCancelled = true;
        await this.#close(reason);
      },
    });
    this.#givesChunks = this.#body?.ownsChunks === true;
    if (this.#givesChunks) noteOwnedChunks(stream);
    return stream;
  }

  async #close(reason?: unknown): Promise<void> {
    await this.#body?.reader.cancel(reason);
  }
}
