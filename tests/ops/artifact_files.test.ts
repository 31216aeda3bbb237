import { test } from "node:test";
import assert from "node:assert/strict";
import {
  DigestMismatchError,
  NotFoundError,
  UnsafePathError,
  UnsupportedMediaTypeError,
} from "../../lib/model/errors.ts";
import { fetchArtifact, pushArtifact, saveArtifact } from "../../lib/ops/mod.ts";
import {
  type FileSystem,
  FileSystemError,
  memoryFileSystem,
  memoryStore,
} from "../../lib/store/mod.ts";
import { randomImage, randomIndex } from "../../lib/testing/mod.ts";

const TYPE = "application/vnd.test.files";
const utf8 = (text: string) => new TextEncoder().encode(text);

async function withFiles(...names: (string | undefined)[]) {
  const store = memoryStore();
  const files = names.map((title, at) => ({ content: utf8(`content ${at}`), title }));
  const descriptor = await pushArtifact(store, files, {
    artifactType: TYPE,
    reference: "files:1",
    annotations: { made: "here" },
  });
  return { store, descriptor, artifact: await fetchArtifact(store, "files:1") };
}

async function textOf(fs: FileSystem, path: string): Promise<string> {
  const file = await fs.open(path);
  try {
    return new TextDecoder().decode(await file.read(0, file.size));
  } finally {
    await file.close();
  }
}

async function write(fs: FileSystem, path: string, text: string): Promise<void> {
  const file = await fs.create(path);
  await file.write(utf8(text));
  await file.close();
}

async function failure(work: Promise<unknown>): Promise<unknown> {
  return await work.then(() => assert.fail("it should have failed"), (error) => error);
}

test("what pushArtifact() stored, fetchArtifact() tells and saveArtifact() writes", async () => {
  const { store, descriptor, artifact } = await withFiles("a.txt", "sub/b.txt", undefined, "");
  assert.equal(artifact.descriptor.digest, descriptor.digest);
  assert.equal(artifact.descriptor.artifactType, TYPE);
  assert.equal(artifact.descriptor.annotations?.["made"], "here");
  assert.equal(artifact.subject, undefined);
  const fs = memoryFileSystem();
  const { saved, leftOut } = await saveArtifact(artifact, fs, "new/dir");
  assert.deepEqual(saved.map(({ path }) => path), ["a.txt", "sub/b.txt"]);
  assert.equal(leftOut.length, 2);
  assert.equal(await textOf(fs, "new/dir/a.txt"), "content 0");
  assert.equal(await textOf(fs, "new/dir/sub/b.txt"), "content 1");
  assert.deepEqual((await fs.readDirectory("new/dir")).map(({ name }) => name).sort(), [
    "a.txt",
    "sub",
  ]);
  await assert.rejects(fetchArtifact(store, "none:1"), NotFoundError);
});

test("fetchArtifact() tells the subject, and leaves out the content that stands for none", async () => {
  const store = memoryStore();
  const image = await randomImage("subject");
  await image.pushTo(store, "app:1");
  const subject = image.descriptor;
  const { digest } = await pushArtifact(store, [], { artifactType: TYPE, subject });
  const artifact = await fetchArtifact(store, digest);
  assert.equal(artifact.subject?.digest, subject.digest);
  assert.deepEqual(artifact.files, []);
  const layers = await fetchArtifact(store, "app:1");
  assert.equal(layers.files.length, image.layers.length, "an image has files without names");
});

test("fetchArtifact() takes one platform of an index, and no index", async () => {
  const store = memoryStore();
  const index = await randomIndex("artifacts");
  await index.pushTo(store, "app:1");
  assert.ok(await failure(fetchArtifact(store, "app:1")) instanceof UnsupportedMediaTypeError);
  const platform = { os: "linux", architecture: "arm64" };
  const { descriptor } = await fetchArtifact(store, "app:1", { platform });
  assert.ok(index.index.manifests.some(({ digest }) => digest === descriptor.digest));
});

test("saveArtifact() writes nothing when one name is unsafe, or comes twice", async () => {
  const names = ["../up", "a/../../b", "/", ".", "c:\\windows", "a\0b", "good"];
  for (const name of names) {
    const { artifact } = await withFiles("good", name);
    const fs = memoryFileSystem();
    const error = await failure(saveArtifact(artifact, fs, "dir"));
    assert.ok(error instanceof UnsafePathError, name);
    assert.equal(await fs.stat("dir"), undefined, name);
  }
});

test("saveArtifact() takes an absolute name as one below the directory", async () => {
  const { artifact } = await withFiles("/etc/motd");
  const fs = memoryFileSystem();
  await saveArtifact(artifact, fs, "dir");
  assert.equal(await textOf(fs, "dir/etc/motd"), "content 0");
});

test("saveArtifact() follows no link below the directory", async () => {
  const { artifact } = await withFiles("link/file", "file");
  const fs = memoryFileSystem();
  await fs.makeDirectory("outside");
  await fs.makeDirectory("dir");
  await fs.symlink("../outside", "dir/link");
  const error = await failure(saveArtifact(artifact, fs, "dir", { existing: "replace" }));
  assert.ok(error instanceof UnsafePathError);
  assert.deepEqual(await fs.readDirectory("outside"), []);
  await fs.remove("dir/link");
  await write(fs, "outside/target", "as it was");
  await fs.symlink("../outside/target", "dir/file");
  await saveArtifact(artifact, fs, "dir", { existing: "replace" });
  assert.equal(await textOf(fs, "outside/target"), "as it was");
  assert.equal((await fs.stat("dir/file", { followLinks: false }))?.type, "file");
});

test("saveArtifact() refuses files that are there, unless they are to be replaced", async () => {
  const { artifact } = await withFiles("first", "there");
  const fs = memoryFileSystem();
  await fs.makeDirectory("dir");
  await write(fs, "dir/there", "old");
  const error = await failure(saveArtifact(artifact, fs, "dir"));
  assert.ok(error instanceof FileSystemError && error.reason === "exists");
  assert.equal(await fs.stat("dir/first"), undefined, "nothing is written then");
  await saveArtifact(artifact, fs, "dir", { existing: "replace" });
  assert.equal(await textOf(fs, "dir/there"), "content 1");
});

test("saveArtifact() leaves nothing of a file that is not what it should be", async () => {
  const { artifact } = await withFiles("first", "second");
  const [first, second] = artifact.files;
  assert.ok(first !== undefined && second !== undefined);
  const broken = {
    ...second,
    open: () =>
      Promise.resolve(
        new ReadableStream<Uint8Array<ArrayBuffer>>({
          start(controller) {
            controller.enqueue(utf8("half"));
            const data = { expected: "sha256:a", actual: "sha256:b" };
            controller.error(new DigestMismatchError("Cannot read it: other bytes", data));
          },
        }, { highWaterMark: 0 }),
      ),
  };
  const fs = memoryFileSystem();
  const files = [first, broken];
  const error = await failure(saveArtifact({ ...artifact, files }, fs, "dir"));
  assert.ok(error instanceof DigestMismatchError);
  assert.deepEqual((await fs.readDirectory("dir")).map(({ name }) => name), ["first"]);
});

test("saveArtifact() takes directories away that it made for files that did not come", async () => {
  const { artifact } = await withFiles("a/b/first", "a/second");
  const [first, second] = artifact.files;
  assert.ok(first !== undefined && second !== undefined);
  const gone = { ...first, open: () => Promise.reject(new NotFoundError("Cannot read it")) };
  const fs = memoryFileSystem();
  await fs.makeDirectory("there");
  for (const directory of ["there/new/dir", "new", "./other", "there"]) {
    const error = await failure(saveArtifact({ ...artifact, files: [gone] }, fs, directory));
    assert.ok(error instanceof NotFoundError);
  }
  assert.deepEqual((await fs.readDirectory("")).map(({ name }) => name), ["there"]);
  assert.deepEqual(await fs.readDirectory("there"), []);
  // What has come stays, with the way to it.
  await failure(saveArtifact({ ...artifact, files: [second, gone] }, fs, "there/new"));
  assert.deepEqual((await fs.readDirectory("there/new/a")).map(({ name }) => name), ["second"]);
});

test("saveArtifact() ends with the reason of its signal", async () => {
  const { artifact } = await withFiles("first");
  const reason = new Error("stop");
  const signal = AbortSignal.abort(reason);
  const fs = memoryFileSystem();
  assert.equal(await failure(saveArtifact(artifact, fs, "dir", { signal })), reason);
  assert.equal(await fs.stat("dir"), undefined);
});

test("saveArtifact() writes below directories that are there", async () => {
  const { artifact } = await withFiles("sub/deep/a.txt");
  const fs = memoryFileSystem();
  await fs.makeDirectory("dir/sub", { recursive: true });
  await saveArtifact(artifact, fs, "dir");
  assert.equal(await textOf(fs, "dir/sub/deep/a.txt"), "content 0");
});

test("saveArtifact() writes no file behind the one in which its signal ends it", async () => {
  const { artifact } = await withFiles("first", "second");
  const controller = new AbortController();
  const reason = new Error("stop");
  const memory = memoryFileSystem();
  const fs: FileSystem = new Proxy(memory, {
    get(at, name) {
      const value: unknown = Reflect.get(at, name);
      if (typeof value !== "function") return value;
      if (name === "rename") controller.abort(reason);
      return value.bind(at);
    },
  });
  let opened = 0;
  const files = artifact.files.map((file) => ({
    ...file,
    open: (...args: Parameters<typeof file.open>) => (opened++, file.open(...args)),
  }));
  const { signal } = controller;
  assert.equal(await failure(saveArtifact({ ...artifact, files }, fs, "dir", { signal })), reason);
  assert.deepEqual((await memory.readDirectory("dir")).map(({ name }) => name), ["first"]);
  assert.equal(opened, 1);
});

test("saveArtifact() closes its files, and lets go of content that cannot be written", async () => {
  const { artifact } = await withFiles("first", "second");
  const memory = memoryFileSystem();
  let open = 0;
  let isFull = false;
  const fs: FileSystem = new Proxy(memory, {
    get(at, name) {
      const value: unknown = Reflect.get(at, name);
      if (typeof value !== "function") return value;
      if (name !== "create") return value.bind(at);
      return async (...args: Parameters<FileSystem["create"]>) => {
        if (isFull) throw new FileSystemError("full", { reason: "no-space", path: args[0] });
        const writer = await memory.create(...args);
        open++;
        return new Proxy(writer, {
          get(of, key) {
            if (key === "close") return () => (open--, of.close());
            const member: unknown = Reflect.get(of, key);
            return typeof member === "function" ? member.bind(of) : member;
          },
        });
      };
    },
  });
  await saveArtifact(artifact, fs, "dir");
  assert.equal(open, 0);
  isFull = true;
  let isCancelled = false;
  const files = artifact.files.slice(0, 1).map((file) => ({
    ...file,
    open: () =>
      Promise.resolve(
        new ReadableStream<Uint8Array<ArrayBuffer>>({ cancel: () => void (isCancelled = true) }),
      ),
  }));
  const error = await failure(saveArtifact({ ...artifact, files }, fs, "other"));
  assert.ok(error instanceof FileSystemError);
  assert.ok(isCancelled);
});
