// Cloudflare's own declarations of R2, in short (@cloudflare/workers-types): what is bound to a Worker
// has to be a bucket without a cast.
import { test } from "node:test";
import assert from "node:assert/strict";
import { type Bucket, bucketStore } from "../../lib/store/mod.ts";
import { MemoryBucket } from "../support/memory_bucket.ts";
import { describe, fetched, utf8 } from "./content.ts";

interface R2Conditional {
  etagMatches?: string;
  etagDoesNotMatch?: string;
  uploadedBefore?: Date;
  uploadedAfter?: Date;
  secondsGranularity?: boolean;
}

interface R2HTTPMetadata {
  contentType?: string;
  contentLanguage?: string;
  cacheControl?: string;
  cacheExpiry?: Date;
}

type R2Range =
  | { offset: number; length?: number }
  | { offset?: number; length: number }
  | { suffix: number };

interface R2GetOptions {
  onlyIf?: R2Conditional | Headers;
  range?: R2Range | Headers;
  ssecKey?: ArrayBuffer | string;
}

interface R2PutOptions {
  onlyIf?: R2Conditional | Headers;
  httpMetadata?: R2HTTPMetadata | Headers;
  customMetadata?: Record<string, string>;
  sha256?: (ArrayBuffer | ArrayBufferView) | string;
  sha512?: (ArrayBuffer | ArrayBufferView) | string;
  storageClass?: string;
}

interface R2ListOptions {
  limit?: number;
  prefix?: string;
  cursor?: string;
  delimiter?: string;
  startAfter?: string;
  include?: ("httpMetadata" | "customMetadata")[];
}

interface R2Object {
  readonly key: string;
  readonly version: string;
  readonly size: number;
  readonly etag: string;
  readonly httpEtag: string;
  readonly uploaded: Date;
  readonly httpMetadata?: R2HTTPMetadata;
  readonly customMetadata?: Record<string, string>;
  readonly range?: R2Range;
}

interface R2ObjectBody extends R2Object {
  get body(): ReadableStream;
  get bodyUsed(): boolean;
}

type R2Objects =
  & { objects: R2Object[]; delimitedPrefixes: string[] }
  & ({ truncated: true; cursor: string } | { truncated: false });

type R2Value = ReadableStream | ArrayBuffer | ArrayBufferView | string | null | Blob;

interface R2Bucket {
  head(key: string): Promise<R2Object | null>;
  get(
    key: string,
    options: R2GetOptions & { onlyIf: R2Conditional | Headers },
  ): Promise<R2ObjectBody | R2Object | null>;
  get(key: string, options?: R2GetOptions): Promise<R2ObjectBody | null>;
  put(
    key: string,
    value: R2Value,
    options?: R2PutOptions & { onlyIf: R2Conditional | Headers },
  ): Promise<R2Object | null>;
  put(key: string, value: R2Value, options?: R2PutOptions): Promise<R2Object>;
  delete(keys: string | string[]): Promise<void>;
  list(options?: R2ListOptions): Promise<R2Objects>;
}

function asBucket(bucket: R2Bucket): Bucket {
  return bucket;
}

test("the R2Bucket of a Worker is a Bucket as it is", async () => {
  const store = bucketStore(asBucket(new MemoryBucket() as unknown as R2Bucket));
  const bytes = utf8("hello");
  await store.push(describe(bytes), bytes);
  assert.deepEqual(await fetched(store, describe(bytes)), bytes);
});
