import { test } from "node:test";
import assert from "node:assert/strict";
import { readAll } from "../../lib/bytes/read_all.ts";
import { openSource } from "../../lib/bytes/source.ts";
import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";
import { NotFoundError } from "../../lib/model/errors.ts";
import type { SharedUpload } from "../../lib/model/shared_registry.ts";
import { bucketStore } from "../../lib/store/mod.ts";
import { MemoryBucket } from "../support/memory_bucket.ts";
import { describe, fetched, noise, utf8 } from "./content.ts";

const MIB = 1024 * 1024;

/** An upload as another handler finds it. */
async function found(bucket: MemoryBucket): Promise<SharedUpload> {
  return await bucketStore(bucket).uploads.find("a/b", "1") ?? assert.fail("it is not there");
}

async function contentOf(upload: SharedUpload): Promise<Bytes> {
  return await readAll(await openSource(await upload.source()), { maxBytes: 64 * MIB });
}

test("an upload has each byte of what was appended, in chunks small and large", async () => {
  const bucket = new MemoryBucket();
  const content = noise(9 * MIB, 1);
  const upload = await bucketStore(bucket).uploads.begin("a/b", "1");
  let at = 0;
  for (const length of [1, 65_535, 1, 100_000, 3 * MIB, 8 * MIB]) {
    await upload.append(content.slice(at, at + length));
    at = Math.min(at + length, content.length);
    assert.equal(upload.size, at);
  }
  assert.equal(await upload.flush(), true);
  for (const whoever of [upload, await found(bucket)]) {
    assert.equal(whoever.size, content.length);
    assert.deepEqual(await contentOf(whoever), content);
  }
});

test("no bytes are no part of an upload: others go on where it stands", async () => {
  const bucket = new MemoryBucket();
  await bucketStore(bucket).uploads.begin("a/b", "1");
  for (const part of ["", "hel", "", "lo", ""]) {
    const upload = await found(bucket);
    await upload.append(utf8(part));
    assert.equal(await upload.flush(), true, part);
  }
  assert.deepEqual(await contentOf(await found(bucket)), utf8("hello"));
});

test("a piece of an upload that is gone is an error that names it", async () => {
  const bucket = new MemoryBucket();
  const upload = await bucketStore(bucket).uploads.begin("a/b", "1");
  await upload.append(utf8("hello"));
  await upload.flush();
  const [key = ""] = bucket.keys("uploads/1/");
  await bucket.delete([key]);
  const error = await contentOf(upload).catch((error: unknown) => error);
  assert.ok(error instanceof NotFoundError);
  assert.ok(error.message.includes(key), error.message);
});

test("memory that a bucket gives out and keeps is left to it", async () => {
  const kept = noise(100_000, 4);
  class Sharing extends MemoryBucket {
    override async get(key: string) {
      const object = await super.get(key);
      if (object === null || !key.startsWith("uploads/")) return object;
      const body: ByteStream = new ReadableStream<Bytes>({
        pull(controller) {
          controller.enqueue(kept);
          controller.close();
        },
      }, { highWaterMark: 0 });
      return { ...object, body };
    }
  }
  const store = bucketStore(new Sharing());
  const upload = await store.uploads.begin("a/b", "1");
  await upload.append(noise(100_000, 4));
  await upload.flush();
  const blob = describe(noise(100_000, 4));
  await store.push(blob, await upload.source());
  assert.deepEqual(kept, noise(100_000, 4));
  assert.deepEqual(await fetched(store, blob), kept);
});
