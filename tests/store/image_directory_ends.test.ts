/** How a directory that is written to ends: closed, given up, aborted, and what stays of it. */
import { test } from "node:test";
import assert from "node:assert/strict";
import { NotFoundError, SizeMismatchError } from "../../lib/model/errors.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import type { Descriptor } from "../../lib/model/descriptor.ts";
import {
  imageDirectory,
  type ImageDirectoryTarget,
  imageDirectoryTarget,
  memoryFileSystem,
} from "../../lib/store/mod.ts";
import { describe, fetched, filesBelow, noise, pushImage, utf8, writeFile } from "./content.ts";

async function drain(items: AsyncIterable<unknown>): Promise<void> {
  const iterator = items[Symbol.asyncIterator]();
  while (!(await iterator.next()).done);
}

function callsOf(target: ImageDirectoryTarget, image: Descriptor, signal?: AbortSignal) {
  const blob = utf8("a blob");
  return {
    exists: () => target.exists(image, { signal }),
    fetch: () => target.fetch(image, { signal }),
    push: () => target.push(describe(blob), blob, { signal }),
    resolve: () => target.resolve(image.digest, { signal }),
    tag: () => target.tag(image, "v2", { signal }),
    roots: () => drain(target.roots({ signal })),
  };
}

test("imageDirectoryTarget() begins nothing once the signal of a call has aborted", async () => {
  const fs = memoryFileSystem();
  const target = imageDirectoryTarget(fs, "x");
  const image = await pushImage(target, 1);
  const before = await filesBelow(fs, "");
  const reason = new Error("enough");
  const signal = AbortSignal.abort(reason);
  const calls = { ...callsOf(target, image, signal), close: () => target.close({ signal }) };
  for (const [name, call] of Object.entries(calls)) {
    await assert.rejects(call, (error: unknown) => error === reason, name);
  }
  assert.deepEqual(await filesBelow(fs, ""), before);
  await target.tag(image, "v1");
  await target.close();
  await fetched(imageDirectory(fs, "x"), image);
});

test("imageDirectoryTarget() takes no more calls after its end, whichever it was", async () => {
  for (const end of ["close", "abort"] as const) {
    const fs = memoryFileSystem();
    const target = imageDirectoryTarget(fs, "x");
    const image = await pushImage(target, 1);
    await target.tag(image, "v1");
    await target[end]();
    const left = await filesBelow(fs, "");
    for (const [name, call] of Object.entries(callsOf(target, image))) {
      await assert.rejects(call, /it is closed/, `${name} after ${end}`);
    }
    await target.close();
    await target.abort();
    assert.deepEqual(await filesBelow(fs, ""), left);
    assert.equal(left.length > 0, end === "close");
  }
});

test("imageDirectoryTarget() that is given up ends the pushes that are under way", async () => {
  const fs = memoryFileSystem();
  const target = imageDirectoryTarget(fs, "x");
  const bytes = noise(100_000, 3);
  let isCancelled = false;
  let isAsked = () => {};
  const asked = new Promise<void>((resolve) => isAsked = resolve);
  const silent = new ReadableStream<Bytes>({
    pull: () => {
      isAsked();
      return new Promise(() => {});
    },
    cancel: () => void (isCancelled = true),
  });
  const reason = new Error("enough");
  const push = assert.rejects(
    target.push(describe(bytes), silent),
    (error: unknown) => error === reason,
  );
  await asked;
  await target.abort(reason);
  await push;
  assert.ok(isCancelled);
  assert.deepEqual(await filesBelow(fs, ""), []);
  assert.equal(await fs.stat("x"), undefined);
});

test("imageDirectoryTarget() waits for the pushes that are under way before it closes", async () => {
  const fs = memoryFileSystem();
  const target = imageDirectoryTarget(fs, "x");
  const image = await pushImage(target, 1);
  await target.tag(image, "v1");
  const bytes = noise(1000, 3);
  let give = () => {};
  const late = new ReadableStream<Bytes>({
    pull: (controller) =>
      new Promise((resolve) =>
        give = () => {
          controller.enqueue(bytes.slice());
          controller.close();
          resolve();
        }
      ),
  }, { highWaterMark: 0 });
  const push = target.push(describe(bytes), late);
  let isClosed = false;
  const close = target.close().then(() => isClosed = true);
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve, 0));
  assert.equal(isClosed, false);
  give();
  await push;
  await close;
  assert.deepEqual(
    await fetched(imageDirectory(fs, "x"), image),
    await fetched(
      imageDirectory(fs, "x"),
      await imageDirectory(fs, "x").resolve(""),
    ),
  );
});

test("imageDirectoryTarget() that is given up keeps a file that somebody else put there", async () => {
  const fs = memoryFileSystem();
  const target = imageDirectoryTarget(fs, "x");
  await pushImage(target, 1);
  await writeFile(fs, "x/readme", utf8("mine"));
  await target.abort();
  assert.deepEqual((await filesBelow(fs, "x")).map((name) => name.split("/").at(-1)).sort(), [
    "readme",
    "version",
  ]);
});

test("imageDirectoryTarget() that is given up leaves an empty directory that was there", async () => {
  const fs = memoryFileSystem();
  await fs.makeDirectory("x");
  const target = imageDirectoryTarget(fs, "x");
  await pushImage(target, 1);
  await target.abort();
  assert.equal((await fs.stat("x"))?.type, "directory");
});

test("imageDirectoryTarget() tags nothing that is absent or of another size", async () => {
  const fs = memoryFileSystem();
  const target = imageDirectoryTarget(fs, "x");
  const image = await pushImage(target, 1);
  await assert.rejects(target.tag({ ...image, size: image.size + 1 }, "v1"), SizeMismatchError);
  const absent = describe(utf8("absent"), image.mediaType);
  await assert.rejects(target.tag(absent, "v1"), NotFoundError);
  await target.close();
  assert.equal(await fs.stat("x"), undefined);
});
