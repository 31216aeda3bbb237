/** Content that nobody knows before its end, on its way into a store. */
import { test } from "node:test";
import assert from "node:assert/strict";
import type { ByteStream } from "../../lib/model/bytes.ts";
import type { Target, Uploader } from "../../lib/model/content.ts";
import {
  BucketError,
  bucketStore,
  FileSystemError,
  imageDirectory,
  imageDirectoryTarget,
  memoryFileSystem,
  memoryStore,
  ociArchive,
  ociArchiveTarget,
  ociLayout,
} from "../../lib/store/mod.ts";
import { MemoryBucket } from "../support/memory_bucket.ts";
import { describe, fetched, filesBelow, noise, pieces, pushImage } from "./content.ts";
import { faultyFileSystem } from "./faulty_file_system.ts";

type Place = Target & Uploader;

/** A store, and the names of what lies below it. */
interface Opened {
  readonly place: Place;
  readonly names: () => Promise<string[]>;
}

function onFiles(make: (fs: ReturnType<typeof memoryFileSystem>) => Place): () => Opened {
  return () => {
    const fs = memoryFileSystem();
    return { place: make(fs), names: () => filesBelow(fs, "") };
  };
}

const PLACES: readonly (readonly [string, () => Opened])[] = [
  ["memoryStore()", () => ({ place: memoryStore(), names: () => Promise.resolve([]) })],
  ["ociLayout()", onFiles((fs) => ociLayout(fs, "x"))],
  ["bucketStore()", () => {
    const bucket = new MemoryBucket({ pageSize: 2 });
    const place = bucketStore(bucket, { prefix: "images/" });
    return { place, names: () => Promise.resolve(bucket.keys()) };
  }],
  ["ociArchiveTarget()", onFiles((fs) => ociArchiveTarget(fs, "app.tar"))],
  ["imageDirectoryTarget()", onFiles((fs) => imageDirectoryTarget(fs, "x"))],
];

/** A stream that gives some bytes and then does as it is told. */
function then(end: () => void | Promise<void>): ByteStream {
  let sent = false;
  return new ReadableStream({
    pull(controller) {
      if (sent) return end();
      sent = true;
      controller.enqueue(noise(1000, 2));
    },
  }, { highWaterMark: 0 });
}

const NEVER = new Promise<void>(() => {});

for (const [name, open] of PLACES) {
  test(`${name} takes an upload in any pieces, and tells in the end what it was`, async () => {
    for (const length of [0, 1, 300_000]) {
      const { place } = open();
      const bytes = noise(length, length + 1);
      const upload = await place.startUpload();
      const middle = Math.ceil(length / 3);
      await upload.append(bytes.slice(0, middle));
      await upload.append(new Uint8Array(0));
      await upload.append(() => pieces(bytes.slice(middle), 1000).stream);
      assert.equal(await place.exists(describe(bytes)), false, "it is not there before its end");
      const stored = await upload.finish();
      assert.deepEqual(stored, describe(bytes));
      assert.deepEqual(await fetched(place, stored), bytes);
      await assert.rejects(upload.append(bytes), /the upload is over/);
      await assert.rejects(upload.finish(), TypeError);
      await upload.cancel();
      assert.deepEqual(await fetched(place, stored), bytes);
    }
  });

  test(`${name} keeps its own copy of what an upload was given`, async () => {
    const { place } = open();
    const bytes = noise(100, 3);
    const upload = await place.startUpload();
    const given = bytes.slice();
    await upload.append(given);
    given.fill(0);
    assert.deepEqual(await fetched(place, await upload.finish()), bytes);
  });

  test(`${name} takes an upload of what is there already, and stages nothing afterwards`, async () => {
    const { place, names } = open();
    const bytes = noise(5000, 4);
    await place.push(describe(bytes), bytes);
    const before = await names();
    const upload = await place.startUpload();
    await upload.append(bytes);
    assert.deepEqual(await upload.finish(), describe(bytes));
    assert.deepEqual(await names(), before);
    assert.deepEqual(await fetched(place, describe(bytes)), bytes);
  });

  test(`${name} keeps nothing of an upload that is cancelled, also in the middle of a call`, async () => {
    const { place, names } = open();
    await place.push(describe(noise(1, 1)), noise(1, 1));
    const before = await names();
    const idle = await place.startUpload();
    await idle.append(noise(5000, 5));
    await idle.cancel();
    await idle.cancel();
    await assert.rejects(idle.finish(), TypeError);
    const busy = await place.startUpload();
    const waiting = assert.rejects(busy.append(then(() => NEVER)));
    await assert.rejects(busy.append(noise(1, 1)), /it is busy/);
    await busy.cancel();
    await waiting;
    assert.deepEqual(await names(), before);
  });

  test(`${name} gives an upload up when its content fails or the signal aborts`, async () => {
    const { place, names } = open();
    await place.push(describe(noise(1, 1)), noise(1, 1));
    const before = await names();
    const broken = new Error("the network went away");
    const is = (error: unknown) => error === broken;
    const failing = await place.startUpload();
    await assert.rejects(
      failing.append(then(() => {
        throw broken;
      })),
      is,
    );
    await assert.rejects(failing.finish(), /the upload is over/);
    const controller = new AbortController();
    const { signal } = controller;
    const aborted = await place.startUpload({ signal });
    const waiting = assert.rejects(aborted.append(then(() => NEVER), { signal }), is);
    controller.abort(broken);
    await waiting;
    assert.deepEqual(await names(), before);
    await assert.rejects(place.startUpload({ signal }), is);
    const late = await place.startUpload();
    const { stream, cancelled } = pieces(noise(10, 1), 1);
    const reader = stream.getReader();
    await reader.read();
    reader.releaseLock();
    await assert.rejects(late.append(stream, { signal }), is);
    assert.equal(cancelled(), 1, "the content is let go");
    assert.deepEqual(await names(), before);
  });
}

test("ociLayout() stays whole when any one operation of an upload fails", async () => {
  const bytes = noise(3000, 7);
  const work = async (fs: ReturnType<typeof memoryFileSystem>): Promise<void> => {
    const upload = await ociLayout(fs, "x").startUpload();
    await upload.append(bytes);
    await upload.finish();
  };
  const counting = faultyFileSystem(memoryFileSystem(), 0, "io");
  await work(counting.fs);
  let failures = 0;
  for (let n = 1; n <= counting.operations(); n++) {
    const memory = memoryFileSystem();
    const { fs, failed } = faultyFileSystem(memory, n, "io");
    const error: unknown = await work(fs).catch((error) => error);
    if (error !== undefined) failures++;
    assert.ok(error === undefined || error instanceof FileSystemError, `${failed()}: ${error}`);
    const there = await memory.stat("x") === undefined ? [] : await filesBelow(memory, "x");
    const staged = there.filter((path) => path.includes(".tmp-"));
    assert.deepEqual(staged, [], `${failed()}`);
    await work(memory);
    assert.deepEqual(await fetched(ociLayout(memory, "x"), describe(bytes)), bytes, failed());
  }
  assert.ok(failures > counting.operations() * 0.8, `${failures}`);
});

test("ociLayout() makes its directory anew for an upload where it was taken away", async () => {
  const fs = memoryFileSystem();
  const layout = ociLayout(fs, "x");
  await (await layout.startUpload()).cancel();
  await fs.remove("x", { recursive: true });
  await assert.rejects(layout.startUpload(), FileSystemError);
  const upload = await layout.startUpload();
  await upload.append(noise(10, 1));
  assert.equal(await layout.exists(await upload.finish()), true);
});

test("bucketStore() refuses an upload that somebody else has written to", async () => {
  const bucket = new MemoryBucket();
  const put = bucket.put.bind(bucket);
  bucket.put = async (key, value, options) =>
    options?.onlyIf === undefined ? await put(key, value, options) : null;
  const upload = await bucketStore(bucket).startUpload();
  await upload.append(noise(10, 1));
  await assert.rejects(upload.finish(), BucketError);
  assert.deepEqual(bucket.keys(), []);
});

const WRITERS = [
  {
    name: "ociArchiveTarget()",
    target: (fs: ReturnType<typeof memoryFileSystem>) => ociArchiveTarget(fs, "app.tar"),
    opened: (fs: ReturnType<typeof memoryFileSystem>) => ociArchive(fs, "app.tar"),
  },
  {
    name: "imageDirectoryTarget()",
    target: (fs: ReturnType<typeof memoryFileSystem>) => imageDirectoryTarget(fs, "x"),
    opened: (fs: ReturnType<typeof memoryFileSystem>) => imageDirectory(fs, "x"),
  },
];

for (const { name, target: make, opened } of WRITERS) {
  test(`${name} waits for uploads before it closes`, async () => {
    const fs = memoryFileSystem();
    const target = make(fs);
    const image = await pushImage(target, 1);
    await target.tag(image, "v1");
    const upload = await target.startUpload();
    await upload.append(noise(10, 1));
    let isClosed = false;
    const closing = target.close().then(() => isClosed = true);
    await upload.append(noise(10, 2));
    assert.equal(isClosed, false);
    await upload.finish();
    await closing;
    await fetched(opened(fs), image);
    await assert.rejects(target.startUpload(), /it is closed/);
  });

  test(`${name} gives uploads up when it is given up`, async () => {
    const fs = memoryFileSystem();
    const target = make(fs);
    await pushImage(target, 1);
    const idle = await target.startUpload();
    await idle.append(noise(10, 1));
    const busy = await target.startUpload();
    const waiting = assert.rejects(busy.append(then(() => NEVER)));
    const starting = target.startUpload().then((upload) => upload.append(noise(10, 1)));
    const rejecting = assert.rejects(starting);
    await target.abort(new Error("enough"));
    await Promise.all([waiting, rejecting]);
    await assert.rejects(idle.finish(), /the upload is over/);
    assert.deepEqual(await filesBelow(fs, ""), []);
  });
}
