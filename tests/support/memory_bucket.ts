// A bucket in memory that behaves as Cloudflare R2 says of its own (Workers API reference, limits).
import { concatBytes } from "../../lib/bytes/concat.ts";
import { digestBytes } from "../../lib/hash/digest_bytes.ts";
import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";
import type {
  Bucket,
  BucketGetOptions,
  BucketListOptions,
  BucketObject,
  BucketObjectBody,
  BucketPage,
  BucketPutOptions,
} from "../../lib/store/mod.ts";

const MAX_KEY_BYTES = 1024;
const MAX_METADATA_BYTES = 8192;
const MAX_DELETED_KEYS = 1000;

interface Stored extends BucketObject {
  readonly bytes: Bytes;
}

/** What a test does to a bucket. */
export interface MemoryBucketOptions {
  /** The most keys of a page; R2 has 1,000, and less of them where they have metadata. */
  readonly pageSize?: number;
  /** Is told each call before it is made; what it throws, the call fails with. */
  readonly before?: (method: string, key: string) => void | Promise<void>;
}

/** A bucket in memory. */
export class MemoryBucket implements Bucket {
  /** Everything that is there, in no order. */
  readonly objects: Map<string, Stored> = new Map();
  /** The calls that were made: `put names/a`. */
  readonly calls: string[] = [];
  readonly #pageSize: number;
  readonly #before: (method: string, key: string) => void | Promise<void>;

  constructor({ pageSize = 1000, before = () => {} }: MemoryBucketOptions = {}) {
    this.#pageSize = pageSize;
    this.#before = before;
  }

  /** The keys, in order. */
  keys(prefix = ""): string[] {
    return [...this.objects.keys()].filter((key) => key.startsWith(prefix)).sort();
  }

  async head(key: string): Promise<BucketObject | null> {
    await this.#called("head", key);
    return described(this.objects.get(key));
  }

  async get(key: string, { range }: BucketGetOptions = {}): Promise<BucketObjectBody | null> {
    await this.#called("get", key);
    const stored = this.objects.get(key);
    if (stored === undefined) return null;
    const { offset, length } = range ?? { offset: 0, length: stored.size };
    if (range !== undefined && (offset >= stored.size || length === 0)) {
      throw new Error("get: The requested range is not satisfiable (10039)");
    }
    let at = offset;
    const end = Math.min(offset + length, stored.size);
    const body: ByteStream = new ReadableStream<Bytes>({
      pull(controller) {
        if (at >= end) return controller.close();
        controller.enqueue(stored.bytes.slice(at, Math.min(at + 4096, end)));
        at += 4096;
      },
    }, { highWaterMark: 0 });
    return { ...described(stored) as BucketObject, body };
  }

  async put(
    key: string,
    value: Bytes | ByteStream,
    options: BucketPutOptions = {},
  ): Promise<BucketObject | null> {
    await this.#called("put", key);
    const { sha256, sha512, httpMetadata = {}, customMetadata = {}, onlyIf } = options;
    if (sha256 !== undefined && sha512 !== undefined) {
      throw new TypeError("You cannot specify multiple hashing algorithms.");
    }
    if (size(customMetadata) > MAX_METADATA_BYTES) {
      throw new Error(
        "put: Your metadata headers exceed the maximum allowed metadata size (10012)",
      );
    }
    const bytes = value instanceof Uint8Array ? value.slice() : await readWhole(value);
    for (const [algorithm, hex] of [["sha256", sha256], ["sha512", sha512]] as const) {
      if (hex === undefined || digestBytes(algorithm, bytes) === `${algorithm}:${hex}`) continue;
      throw new Error(`put: The ${algorithm} checksum you specified did not match (10037)`);
    }
    const there = this.objects.get(key);
    if (onlyIf !== undefined && "etagMatches" in onlyIf) {
      if (there?.etag !== onlyIf.etagMatches) return null;
    } else if (onlyIf !== undefined && there !== undefined) return null;
    const etag = digestBytes("sha256", bytes).slice(7, 39);
    const about = { key, size: bytes.byteLength, etag, uploaded: new Date() };
    const stored = { ...about, httpMetadata, customMetadata, bytes };
    this.objects.set(key, stored);
    return described(stored);
  }

  async delete(keys: string[]): Promise<void> {
    if (keys.length > MAX_DELETED_KEYS) throw new Error("delete: Too many keys (10020)");
    for (const key of keys) await this.#called("delete", key);
    for (const key of keys) this.objects.delete(key);
  }

  async list({ prefix = "", cursor = "", include = [] }: BucketListOptions = {}): Promise<
    BucketPage
  > {
    await this.#called("list", prefix);
    const keys = this.keys(prefix).filter((key) => key > cursor);
    const page = keys.slice(0, this.#pageSize);
    const objects = page.map((key) => {
      const { customMetadata, ...object } = described(this.objects.get(key)) as BucketObject;
      const wanted = include.includes("customMetadata") && customMetadata !== undefined;
      return wanted ? { ...object, customMetadata } : object;
    });
    const last = page.at(-1);
    return page.length < keys.length && last !== undefined
      ? { objects, truncated: true, cursor: last }
      : { objects, truncated: false };
  }

  async #called(method: string, key: string): Promise<void> {
    this.calls.push(`${method} ${key}`);
    if (new TextEncoder().encode(key).byteLength > MAX_KEY_BYTES) {
      throw new Error(`${method}: The specified object name is not valid (10020)`);
    }
    await this.#before(method, key);
  }
}

function described(stored: Stored | undefined): BucketObject | null {
  if (stored === undefined) return null;
  const { bytes: _, ...object } = stored;
  return object;
}

async function readWhole(stream: ByteStream): Promise<Bytes> {
  const chunks: Bytes[] = [];
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return concatBytes(chunks);
    chunks.push(value);
  }
}

function size(metadata: Readonly<Record<string, string>>): number {
  return new TextEncoder().encode(Object.entries(metadata).flat().join("")).byteLength;
}
