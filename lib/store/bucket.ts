import type { Bytes, ByteStream } from "../model/bytes.ts";

/** What a bucket knows about an object. */
export interface BucketObject {
  /** The key. */
  readonly key: string;
  /** The length of the whole object in bytes. */
  readonly size: number;
  /** Tells apart what was written under the key. */
  readonly etag: string;
  /** When it was written. */
  readonly uploaded: Date;
  /** The header fields that were written with it; where they were asked for. */
  readonly httpMetadata?: { readonly contentType?: string };
  /** The metadata that was written with it; where it was asked for. */
  readonly customMetadata?: Readonly<Record<string, string>>;
}

/** An object of a bucket with its content. */
export interface BucketObjectBody extends BucketObject {
  /** The content, or the range that was asked for. */
  readonly body: ByteStream;
}

/** Options of {@linkcode Bucket.get}. */
export interface BucketGetOptions {
  /** Gets only these bytes. */
  range?: { offset: number; length: number };
}

/** Options of {@linkcode Bucket.put}. At most one digest is given. */
export interface BucketPutOptions {
  /** The SHA-256 of the content in hexadecimal digits; other content is refused. */
  sha256?: string;
  /** The SHA-512 of the content in hexadecimal digits; other content is refused. */
  sha512?: string;
  /** Header fields to keep with the object. */
  httpMetadata?: { contentType: string };
  /** Metadata to keep with the object. */
  customMetadata?: Record<string, string>;
  /** Writes only over this object, or where there is none (`*`); else the call gives `null`. */
  onlyIf?: { etagMatches: string } | { etagDoesNotMatch: "*" };
}

/** Options of {@linkcode Bucket.list}. */
export interface BucketListOptions {
  /** Lists only keys that begin with this. */
  prefix?: string;
  /** Goes on where a page ended. */
  cursor?: string;
  /** Lists these too, on smaller pages. */
  include?: "customMetadata"[];
}

/** A page of a list. */
export interface BucketPage {
  /** The objects, in the order of their keys. */
  readonly objects: readonly BucketObject[];
  /** Whether there are more. */
  readonly truncated: boolean;
  /** Where the next page begins; there if there are more. */
  readonly cursor?: string;
}

/**
 * What {@linkcode bucketStore} needs of a bucket. The `R2Bucket` that a Worker is given is one as it
 * is; for other object stores it is the interface to implement. What is written must be there, whole,
 * for everybody who asks once the call has ended, in lists too, and nothing of it before.
 */
export interface Bucket {
  /**
   * Looks an object up.
   *
   * @param key The key.
   * @returns The object, or `null` when there is none.
   */
  head(key: string): Promise<BucketObject | null>;
  /**
   * Opens an object.
   *
   * @param key The key.
   * @param options The range.
   * @returns The object, or `null` when there is none.
   */
  get(key: string, options?: BucketGetOptions): Promise<BucketObjectBody | null>;
  /**
   * Writes an object, over one that is there.
   *
   * @param key The key, of at most 1,024 bytes.
   * @param value The content. A stream has a known length, as `FixedLengthStream` gives it, where the
   * runtime has that class.
   * @param options What the content must be, and what is kept with it.
   * @returns The object, or `null` when the condition does not hold.
   */
  put(
    key: string,
    value: Bytes | ByteStream,
    options?: BucketPutOptions,
  ): Promise<BucketObject | null>;
  /**
   * Removes objects; absent ones are no error.
   *
   * @param keys The keys, at most 1,000.
   */
  delete(keys: string[]): Promise<void>;
  /**
   * Lists objects by their keys.
   *
   * @param options Which ones.
   * @returns A page of at most 1,000.
   */
  list(options?: BucketListOptions): Promise<BucketPage>;
}
