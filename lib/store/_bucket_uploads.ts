import { iterate } from "../bytes/iterate.ts";
import { inLargePieces } from "../bytes/large_pieces.ts";
import { noteOwnedChunks, ownsChunks } from "../bytes/lineage.ts";
import { streamFrom } from "../bytes/stream_from.ts";
import type { Bytes, ByteSource } from "../model/bytes.ts";
import { LimitExceededError, NotFoundError } from "../model/errors.ts";
import type { SharedUpload, SharedUploads } from "../model/shared_registry.ts";
import type { BucketObjects } from "./_bucket_objects.ts";

/** What the keys of uploads begin with. */
export const UPLOADS = "uploads/";

/**
 * Bytes are gathered to pieces of this size, and held for so long: few requests to the bucket, and
 * five uploads at a time within the 128 MiB of a Worker.
 */
const PIECE_BYTES = 8 * 1024 * 1024;

/** What a buffer begins with: most uploads are configs. */
const FIRST_BYTES = 64 * 1024;

/** The most pieces of an upload: 80 GB in whole pieces, and an end to single bytes. */
const MAX_PIECES = 10_000;

/** No upload takes a day: what is older was given up. */
const STALE_MS = 24 * 60 * 60 * 1000;

const UPLOAD_ID_REGEXP = /^[0-9a-f-]{1,64}$/;

/** Part of an upload: an object that has the offset of its first byte in its key. */
interface Piece {
  readonly key: string;
  readonly offset: number;
  readonly size: number;
}

/** Uploads in a bucket: an object that says whose it is, and one for each piece. */
export class BucketUploads implements SharedUploads {
  readonly #objects: BucketObjects;
  #swept: Promise<void> | undefined;

  constructor(objects: BucketObjects) {
    this.#objects = objects;
  }

  async begin(repository: string, id: string): Promise<SharedUpload> {
    await (this.#swept ??= this.#sweep());
    const key = UPLOADS + id;
    await this.#objects.put(
      key,
      new Uint8Array(0),
      { customMetadata: { repository } },
      undefined,
    );
    return new BucketUpload(this.#objects, key, []);
  }

  async find(repository: string, id: string): Promise<SharedUpload | undefined> {
    if (!UPLOAD_ID_REGEXP.test(id)) return undefined;
    const key = UPLOADS + id;
    const pieces: Piece[] = [];
    let owner: string | undefined;
    for await (const object of this.#objects.list(key, undefined)) {
      if (object.key === key) owner = object.customMetadata?.["repository"];
      if (!object.key.startsWith(`${key}/`)) continue;
      const offset = Number(object.key.slice(key.length + 1));
      pieces.push({ key: object.key, offset, size: object.size });
    }
    return owner === repository ? new BucketUpload(this.#objects, key, pieces) : undefined;
  }

  /** Removes what was given up, once for each store: as much as one request lists and removes. */
  async #sweep(): Promise<void> {
    const oldest = Date.now() - STALE_MS;
    const stale: string[] = [];
    let seen = 0;
    for await (const { key, uploaded } of this.#objects.list(UPLOADS, undefined)) {
      if (uploaded.getTime() < oldest) stale.push(key);
      if (++seen === 1000) break;
    }
    if (stale.length > 0) await this.#objects.delete(stale, undefined);
  }
}

class BucketUpload implements SharedUpload {
  readonly #objects: BucketObjects;
  readonly #key: string;
  readonly #pieces: Piece[];
  /** Everything that was found, also what does not fit. */
  readonly #keys: string[];
  #buffer: Bytes = new Uint8Array(0);
  #filled = 0;
  isAlone = true;

  constructor(objects: BucketObjects, key: string, found: readonly Piece[]) {
    this.#objects = objects;
    this.#key = key;
    this.#keys = [key, ...found.map((piece) => piece.key)];
    this.#pieces = [];
    // Somebody who wrote at the same time may have left pieces that join nothing.
    for (const piece of found) if (piece.offset === this.size) this.#pieces.push(piece);
  }

  get size(): number {
    const { offset, size } = this.#pieces.at(-1) ?? { offset: 0, size: 0 };
    return offset + size + this.#filled;
  }

  async append(chunk: Bytes): Promise<void> {
    for (let at = 0; at < chunk.byteLength;) {
      if (this.#filled === PIECE_BYTES) await this.#writePiece();
      // Bytes behind those of somebody else have no place.
      if (!this.isAlone) return;
      const part = chunk.subarray(at, at + PIECE_BYTES - this.#filled);
      this.#makeRoom(part.byteLength);
      this.#buffer.set(part, this.#filled);
      this.#filled += part.byteLength;
      at += part.byteLength;
    }
  }

  async flush(): Promise<boolean> {
    await this.#writePiece();
    return this.isAlone;
  }

  source(): Promise<ByteSource> {
    return Promise.resolve(() => {
      const stream = streamFrom(this.#read());
      noteOwnedChunks(stream);
      return stream;
    });
  }

  async remove(): Promise<void> {
    this.#buffer = new Uint8Array(0);
    this.#filled = 0;
    await this.#objects.delete(this.#keys, undefined);
  }

  async #writePiece(): Promise<void> {
    if (this.#filled === 0 || !this.isAlone) return;
    if (this.#keys.length > MAX_PIECES) {
      throw new LimitExceededError(
        `Cannot go on with the upload: it has come in more than ${MAX_PIECES} pieces`,
        { limit: MAX_PIECES, unit: "pieces" },
      );
    }
    const size = this.#filled;
    const offset = this.size - size;
    const key = `${this.#key}/${String(offset).padStart(16, "0")}`;
    // Two who append at the same place must not both believe that their bytes are there.
    this.isAlone = await this.#objects.put(
      key,
      this.#buffer.subarray(0, size),
      { onlyIf: { etagDoesNotMatch: "*" } },
      undefined,
    );
    if (!this.isAlone) return;
    this.#filled = 0;
    this.#pieces.push({ key, offset, size });
    this.#keys.push(key);
  }

  #makeRoom(length: number): void {
    const needed = this.#filled + length;
    if (needed <= this.#buffer.byteLength) return;
    const grown = new Uint8Array(
      Math.min(Math.max(needed, 2 * this.#buffer.byteLength, FIRST_BYTES), PIECE_BYTES),
    );
    grown.set(this.#buffer.subarray(0, this.#filled));
    this.#buffer = grown;
  }

  async *#read(): AsyncGenerator<Bytes, void, undefined> {
    for (const { key } of this.#pieces) {
      const object = await this.#objects.get(key, {}, undefined);
      if (object === undefined) {
        throw new NotFoundError(`Cannot read ${JSON.stringify(key)} in the bucket: it is gone`);
      }
      const body = inLargePieces(object.body, object.size);
      const isOwner = ownsChunks(body);
      for await (const chunk of iterate(body)) yield isOwner ? chunk : chunk.slice();
    }
  }
}
