import { freeChunk } from "../bytes/lineage.ts";
import { createHasher } from "../hash/create_hasher.ts";
import type { Hasher } from "../hash/hasher.ts";
import type { ByteSource } from "../model/bytes.ts";
import { type DigestAlgorithm, formatDigest } from "../model/digest.ts";
import type { SharedUpload } from "../model/shared_registry.ts";
import { Refusal } from "./_refusal.ts";
import type { RequestBody } from "./_request_body.ts";
import type { UploadSpool, UploadStore } from "./upload_store.ts";
import { randomUUID } from "./_uuid.ts";

/**
 * One upload: the bytes so far, their number and their running hash. An upload that is shared with
 * other handlers has no running hash: nobody sees all of its bytes before they are stored.
 */
export class UploadSession {
  readonly id: string;
  readonly repository: string;
  readonly algorithm: DigestAlgorithm;
  readonly #store: UploadStore;
  readonly #shared: SharedUpload | undefined;
  readonly #hasher: Hasher | undefined;
  #spool: UploadSpool | undefined;
  #body: RequestBody | undefined;
  #isClosed = false;
  #offset = 0;
  /** When something was last heard of it, in milliseconds since 1970. */
  lastUsed: number = Date.now();

  constructor(
    repository: string,
    algorithm: DigestAlgorithm,
    store: UploadStore,
    shared?: { readonly id: string; readonly upload: SharedUpload },
  ) {
    this.id = shared?.id ?? randomUUID();
    this.repository = repository;
    this.algorithm = algorithm;
    this.#store = store;
    this.#shared = shared?.upload;
    this.#spool = shared?.upload;
    this.#offset = shared?.upload.size ?? 0;
    this.#hasher = shared === undefined ? createHasher(algorithm) : undefined;
  }

  /** How many bytes have arrived. */
  get offset(): number {
    return this.#offset;
  }

  /** Whether a body is being received. */
  get isBusy(): boolean {
    return this.#body !== undefined;
  }

  /** The header fields that tell where the upload stands (distribution-spec §pushing a blob). */
  get headers(): Readonly<Record<string, string>> {
    return {
      "location": `/v2/${this.repository}/blobs/uploads/${this.id}`,
      // There is no way to write an empty range: `0-0` also means the first byte.
      "range": `0-${Math.max(this.#offset - 1, 0)}`,
      "docker-upload-uuid": this.id,
    };
  }

  /** Lets one request at a time work on the upload. */
  async receive<Result>(body: RequestBody, work: () => Promise<Result>): Promise<Result> {
    if (this.#body !== undefined) {
      throw new Refusal(409, "BLOB_UPLOAD_INVALID", "another request is writing to this upload", {
        headers: this.headers,
      });
    }
    this.#body = body;
    try {
      return await work();
    } finally {
      this.#body = undefined;
      this.lastUsed = Date.now();
      if (this.#isClosed) await this.#free();
    }
  }

  /**
   * Appends a body. What arrived before a failure stays: the upload can go on behind it.
   *
   * @param body The bytes.
   * @param end Where the chunk ends; bytes past it are refused.
   */
  async append(body: RequestBody, end: number): Promise<void> {
    try {
      await this.#appendAll(body, end);
    } finally {
      await this.#share();
    }
    this.#assertOpen();
  }

  async #appendAll(body: RequestBody, end: number): Promise<void> {
    for (let chunk; (chunk = await body.read()) !== undefined;) {
      this.#assertOpen();
      const rest = end - this.#offset;
      const wanted = chunk.byteLength > rest ? chunk.subarray(0, rest) : chunk;
      if (wanted.byteLength > 0) {
        this.#spool ??= await this.#store.create();
        await this.#spool.append(wanted);
        this.#hasher?.update(wanted);
        this.#offset += wanted.byteLength;
        this.lastUsed = Date.now();
      }
      // Where it is shared, appending has copied them.
      if (this.#shared !== undefined && body.ownsChunks) freeChunk(chunk);
      // What is left of the body would be read for nothing: the refusal comes at once.
      if (this.#shared?.isAlone === false) return;
      if (wanted !== chunk) {
        throw new Refusal(400, "SIZE_INVALID", "the body is longer than its range", {
          headers: this.headers,
        });
      }
    }
  }

  /** Lets other handlers go on behind what arrived here. */
  async #share(): Promise<void> {
    if (this.#shared === undefined || await this.#shared.flush()) return;
    throw new Refusal(409, "BLOB_UPLOAD_INVALID", "another request is writing to this upload");
  }

  /**
   * Gives the digest of what arrived, in the algorithm of the upload, and ends the running hash;
   * `undefined` where there is none.
   */
  digest(): string | undefined {
    return this.#hasher && formatDigest(this.algorithm, this.#hasher.digest());
  }

  /** Gives what arrived. */
  async source(): Promise<ByteSource> {
    return await this.#spool?.source() ?? new Uint8Array(0);
  }

  /** Ends the upload and frees what it holds, as soon as nobody writes to it. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#body === undefined) await this.#free();
    else this.#body.cancel();
  }

  async #free(): Promise<void> {
    const spool = this.#spool;
    this.#spool = undefined;
    await spool?.remove();
  }

  #assertOpen(): void {
    if (!this.#isClosed) return;
    throw new Refusal(404, "BLOB_UPLOAD_UNKNOWN", "the upload was cancelled");
  }
}
