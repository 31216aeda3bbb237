import { iterate } from "../bytes/iterate.ts";
import { withSignal } from "../bytes/signal.ts";
import { openSource } from "../bytes/source.ts";
import type { ByteSource } from "../model/bytes.ts";
import type { CallOptions } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { type DigestAlgorithm, digestAlgorithm } from "../model/digest.ts";
import { DigestMismatchError, UploadError } from "../model/errors.ts";
import { redactURL } from "../model/redact.ts";
import { ChunkedUpload } from "./_chunked_upload.ts";
import { quotedBlob, type RepositoryContext } from "./_context.ts";
import type { UploadState } from "./upload_state.ts";

/** Options of `Repository.resumeUpload`. */
export interface ResumeUploadOptions extends CallOptions {
  /**
   * The bytes of a chunk; default 4 MiB. A registry that wants more, up to 64 MiB, or takes less, gets
   * that.
   */
  readonly chunkBytes?: number | undefined;
}

/** Options of `Repository.startUpload`. */
export interface StartUploadOptions extends ResumeUploadOptions {
  /** The digest of the content, where it is known before the end: other content is refused. */
  readonly digest?: string | undefined;
  /** The algorithm of the digest where that is not known; default `sha256`. */
  readonly algorithm?: DigestAlgorithm | undefined;
}

/** Refuses chunks of no bytes. */
export function checkChunkBytes(chunkBytes: number | undefined): void {
  if (chunkBytes === undefined) return;
  if (Number.isSafeInteger(chunkBytes) && chunkBytes > 0) return;
  throw new RangeError(`Cannot upload in chunks of ${chunkBytes} bytes: give a positive integer`);
}

/**
 * A blob on its way to a registry, in chunks. Its content may come in pieces, its digest may be
 * unknown until the end, and it can go on in another process from its {@linkcode BlobUpload.state}.
 * Nothing is visible in the registry before {@linkcode BlobUpload.finish}. Memory is one chunk. A chunk
 * that fails for a moment is sent again, from the byte that the registry is at. Made by
 * `Repository.startUpload` and `Repository.resumeUpload`.
 */
export class BlobUpload {
  readonly #upload: ChunkedUpload;
  readonly #digest: string | undefined;
  readonly #action: string;
  /** How much was given, and how much of it is neither lost by an error nor to be given again. */
  #given: number;
  #taken: number;
  #isBusy = false;
  #isOver = false;

  private constructor(
    upload: ChunkedUpload,
    digest: string | undefined,
    action: string,
  ) {
    this.#upload = upload;
    this.#given = this.#taken = upload.offset;
    this.#digest = digest;
    this.#action = action;
  }

  /**
   * Starts an upload.
   *
   * @ignore
   */
  static async start(
    context: RepositoryContext,
    options: StartUploadOptions,
  ): Promise<BlobUpload> {
    const { digest, chunkBytes, signal } = options;
    checkChunkBytes(chunkBytes);
    const algorithm = digest === undefined
      ? options.algorithm ?? "sha256"
      : digestAlgorithm(digest);
    const action = actionOf(context, digest);
    const setup = { context, action, algorithm, digest, chunkBytes };
    return new BlobUpload(await ChunkedUpload.start(setup, signal), digest, action);
  }

  /**
   * Continues an upload.
   *
   * @ignore
   */
  static async resume(
    context: RepositoryContext,
    state: UploadState,
    options: ResumeUploadOptions,
  ): Promise<BlobUpload> {
    const { chunkBytes, signal } = options;
    checkChunkBytes(chunkBytes);
    const { digest } = state;
    const action = actionOf(context, digest);
    const setup = { context, action, digest, chunkBytes };
    const upload = await ChunkedUpload.resume(setup, state, signal);
    if (upload !== undefined) return new BlobUpload(upload, digest, action);
    throw new UploadError(
      `Cannot ${action}: the registry does not have the upload any more; start a new one`,
      {
        status: 404,
        method: "GET",
        url: redactURL(new URL(state.location)),
        offset: 0,
      },
    );
  }

  /** The bytes that the registry has: what was appended behind them may have to be given again. */
  get offset(): number {
    return this.#upload.offset;
  }

  /**
   * Says where the upload stands, as plain JSON. It is out of date after the next chunk.
   *
   * @returns The state, for `Repository.resumeUpload`.
   */
  state(): UploadState {
    return this.#upload.state();
  }

  /**
   * Takes more content, and sends what fills chunks. The rest, less than a chunk, waits in memory for
   * more content or the end. After an error the content goes on at {@linkcode BlobUpload.offset}.
   *
   * @param content The content, from where the last one ended.
   * @param options A signal.
   * @throws {UploadError} when the registry does not take it, or has lost the upload.
   * @throws {TypeError} when the upload is over, or another call is under way.
   */
  async append(content: ByteSource, options: CallOptions = {}): Promise<void> {
    const { signal } = options;
    await this.#run(async () => {
      for await (const chunk of iterate(withSignal(await openSource(content), signal))) {
        this.#taken += chunk.byteLength;
        this.#given = Math.max(this.#given, this.#taken);
        await this.#upload.append(chunk, signal);
      }
    }, signal);
  }

  /**
   * Sends what is left and ends the upload: the blob is in the repository then.
   *
   * @param options A signal.
   * @returns What was uploaded, with `application/octet-stream` as its type.
   * @throws {DigestMismatchError} when the content has another digest than was announced; the upload
   * is given up then.
   * @throws {UploadError} when the registry does not take it.
   * @throws {TypeError} when content that an error has taken away was not appended again.
   */
  async finish(options: CallOptions = {}): Promise<Descriptor> {
    const { signal } = options;
    return await this.#run(async () => {
      if (this.#taken < this.#given) {
        throw new TypeError(
          `Cannot ${this.#action}: an error has cut it off; append it again from ${this.offset}`,
        );
      }
      const { digest, size } = await this.#upload.flush(signal);
      const target = { mediaType: "application/octet-stream", digest, size };
      if (this.#digest !== undefined && digest !== this.#digest) {
        this.#isOver = true;
        await this.#upload.cancel();
        const expected = this.#digest;
        throw new DigestMismatchError(
          `Cannot ${this.#action}: the content has the digest ${digest}`,
          { expected, actual: digest },
        );
      }
      await this.#upload.finish(target, signal);
      this.#isOver = true;
      return target;
    }, signal);
  }

  /** Gives the upload up; its state is worth nothing then. It never fails: registries may refuse. */
  async cancel(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    await this.#upload.cancel();
  }

  async #run<Result>(
    work: () => Promise<Result>,
    signal: AbortSignal | undefined,
  ): Promise<Result> {
    if (this.#isOver || this.#isBusy) {
      throw new TypeError(
        `Cannot ${this.#action}: ${this.#isOver ? "the upload is over" : "it is busy; await it"}`,
      );
    }
    this.#isBusy = true;
    try {
      signal?.throwIfAborted();
      return await work();
    } catch (error) {
      this.#upload.drop();
      this.#taken = this.#upload.offset;
      throw error;
    } finally {
      this.#isBusy = false;
    }
  }
}

function actionOf(context: RepositoryContext, digest: string | undefined): string {
  return digest === undefined
    ? `push a blob to ${JSON.stringify(context.fullName)}`
    : `push ${quotedBlob(context, digest)}`;
}
