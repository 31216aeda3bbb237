import { letGo } from "../bytes/source.ts";
import { fixedLength } from "../bytes/fixed_length.ts";
import { watched } from "../bytes/watched.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import { abortable } from "./_abortable.ts";
import type {
  Bucket,
  BucketGetOptions,
  BucketObject,
  BucketObjectBody,
  BucketPutOptions,
} from "./bucket.ts";
import { BucketError } from "./bucket_error.ts";

/** R2 and S3 remove so many objects with one request. */
const MAX_DELETED_KEYS = 1000;

/** The objects of a bucket below a prefix: calls that can be aborted and fail with our errors. */
export class BucketObjects {
  readonly #bucket: Bucket;
  readonly #prefix: string;

  constructor(bucket: Bucket, prefix: string) {
    this.#bucket = bucket;
    this.#prefix = prefix;
  }

  /** Looks an object up. */
  async head(key: string, signal: AbortSignal | undefined): Promise<BucketObject | undefined> {
    const name = this.#prefix + key;
    return await this.#call("read", name, signal, () => this.#bucket.head(name)) ?? undefined;
  }

  /** Opens an object. */
  async get(
    key: string,
    options: BucketGetOptions,
    signal: AbortSignal | undefined,
  ): Promise<BucketObjectBody | undefined> {
    signal?.throwIfAborted();
    const name = this.#prefix + key;
    const opened = this.#call("read", name, undefined, () => this.#bucket.get(name, options));
    try {
      return await abortable(opened, signal) ?? undefined;
    } catch (error) {
      // It may open later, when nobody is there to read it.
      opened.then((late) => late?.body.cancel(error)).catch(() => {});
      throw error;
    }
  }

  /** Writes an object; tells whether the condition, if there is one, did hold. */
  async put(
    key: string,
    value: Bytes,
    options: BucketPutOptions,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const name = this.#prefix + key;
    const write = () => this.#bucket.put(name, value, options);
    return await this.#call("write", name, signal, write) !== null;
  }

  /** Writes an object of so many bytes. The first failure of the content is the one that is told. */
  async putStream(
    key: string,
    content: ByteStream,
    size: number,
    options: BucketPutOptions,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const name = this.#prefix + key;
    let failure: { readonly error: unknown } | undefined;
    const stopping = new AbortController();
    const body = fixedLength(
      watched(content, { moved() {}, error: (error) => failure ??= { error } }),
      size,
      stopping.signal,
    );
    try {
      await this.#call("write", name, signal, () => this.#bucket.put(name, body, options));
    } catch (error) {
      stopping.abort(error);
      // A write that nobody reads would wait for ever.
      void letGo(body, error);
      throw failure === undefined ? error : failure.error;
    }
  }

  /** Removes objects. */
  async delete(keys: readonly string[], signal: AbortSignal | undefined): Promise<void> {
    for (let at = 0; at < keys.length; at += MAX_DELETED_KEYS) {
      const names = keys.slice(at, at + MAX_DELETED_KEYS).map((key) => this.#prefix + key);
      await this.#call("remove", names[0] ?? "", signal, () => this.#bucket.delete(names));
    }
  }

  /** Lists the objects whose keys begin so, in the order of their keys, with their metadata. */
  async *list(
    prefix: string,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<BucketObject, void, undefined> {
    const name = this.#prefix + prefix;
    let cursor: string | undefined;
    do {
      const page = await this.#call("list", name, signal, () =>
        this.#bucket.list({
          prefix: name,
          include: ["customMetadata"],
          ...(cursor === undefined ? {} : { cursor }),
        }));
      for (const object of page.objects) {
        yield { ...pick(object), key: object.key.slice(this.#prefix.length) };
      }
      cursor = page.truncated ? page.cursor : undefined;
    } while (cursor !== undefined);
  }

  async #call<Result>(
    verb: string,
    key: string,
    signal: AbortSignal | undefined,
    work: () => Promise<Result>,
  ): Promise<Result> {
    signal?.throwIfAborted();
    const result = (async () => {
      try {
        return await work();
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause);
        throw new BucketError(
          `Cannot ${verb} ${JSON.stringify(key)} in the bucket: ${reason}`,
          { key, cause },
        );
      }
    })();
    return await abortable(result, signal);
  }
}

/** The properties of an object of R2 are getters of its class. */
function pick({ key, size, etag, uploaded, customMetadata = {} }: BucketObject): BucketObject {
  return { key, size, etag, uploaded, customMetadata };
}
