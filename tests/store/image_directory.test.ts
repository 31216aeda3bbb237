import { test } from "node:test";
import assert from "node:assert/strict";
import type { Target } from "../../lib/model/content.ts";
import {
  DigestMismatchError,
  isLadingError,
  NotFoundError,
  SizeMismatchError,
} from "../../lib/model/errors.ts";
import {
  type FileSystem,
  FileSystemError,
  imageDirectory,
  imageDirectoryTarget,
  memoryFileSystem,
} from "../../lib/store/mod.ts";
import { faultyFileSystem } from "./faulty_file_system.ts";
import {
  corpusInMemory,
  describe,
  fetched,
  filesBelow,
  noise,
  OCI_INDEX,
  pieces,
  pushImage,
  readFile,
  text,
  utf8,
  writeFile,
} from "./content.ts";

const VERSION = "Directory Transport Version: 1.1\n";

function hex(digest: string): string {
  return digest.slice("sha256:".length);
}

/** Tells whether nothing is left but what says that the directory may be written to. */
async function isGone(fs: FileSystem): Promise<boolean> {
  if (await fs.stat("x") === undefined) return true;
  return (await filesBelow(fs, "x")).every((file) => file === "x/version" || /\.tmp-/.test(file));
}

/** Writes an image, and gives up when that fails unless the process was killed. */
async function write(fs: FileSystem, seed: number, isKilled = false): Promise<string> {
  const target = imageDirectoryTarget(fs, "x");
  try {
    const image = await pushImage(target, seed);
    await target.tag(image, "app:1");
    await target.close();
    return image.digest;
  } catch (error) {
    if (!isKilled) await target.abort();
    assert.ok(isKilled || await fs.stat("x/manifest.json") !== undefined || await isGone(fs));
    throw error;
  }
}

async function pushIndex(target: Target) {
  const manifests = [await pushImage(target, 1), await pushImage(target, 2)];
  const raw = utf8(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }));
  const index = describe(raw, OCI_INDEX);
  await target.push(index, raw);
  return { index, manifests, raw };
}

test("imageDirectory() reads what skopeo wrote, proved", async () => {
  const fs = await corpusInMemory("made-by-umoci-skopeo/skopeo-dir-v2s2");
  const image = imageDirectory(fs, "layout");
  const descriptor = await image.resolve("");
  const raw = await fetched(image, descriptor);
  const { config, layers } = JSON.parse(text(raw)) as {
    config: ReturnType<typeof describe>;
    layers: ReturnType<typeof describe>[];
  };
  for (const blob of [config, ...layers]) {
    assert.equal((await fetched(image, blob)).byteLength, blob.size);
  }
  assert.deepEqual(await image.resolve(descriptor.digest), descriptor);
  for await (const root of image.roots()) assert.deepEqual(root, { descriptor });
  await assert.rejects(image.resolve("latest"), NotFoundError);
});

test("imageDirectory() knows a manifest of schema 1 by what was signed of it", async () => {
  const fs = await corpusInMemory("made-by-umoci-skopeo/skopeo-dir-v2s1");
  const image = imageDirectory(fs, "layout");
  const descriptor = await image.resolve("");
  const raw = await readFile(fs, "layout/manifest.json");
  assert.notEqual(descriptor.digest, describe(raw).digest);
  assert.deepEqual(await fetched(image, descriptor), raw);
  assert.deepEqual(await image.resolve(descriptor.digest), descriptor);
});

test("imageDirectoryTarget() writes what skopeo writes: files by their digests, and a version", async () => {
  const fs = memoryFileSystem();
  const target = imageDirectoryTarget(fs, "x");
  const { index, manifests, raw } = await pushIndex(target);
  await target.tag(index, "app:1");
  await target.close();
  const files = await filesBelow(fs, "x");
  const blobs: string[] = [];
  for (const manifest of manifests) {
    const { config, layers: [layer] } = JSON.parse(
      text(await readFile(fs, `x/${hex(manifest.digest)}.manifest.json`)),
    );
    blobs.push(hex(config.digest), hex(layer.digest));
  }
  const expected = [
    ...blobs,
    ...manifests.map(({ digest }) => `${hex(digest)}.manifest.json`),
    "manifest.json",
    "version",
  ];
  assert.deepEqual(files, expected.map((name) => `x/${name}`).sort());
  assert.equal(text(await readFile(fs, "x/version")), VERSION);
  assert.deepEqual(await readFile(fs, "x/manifest.json"), raw);
  const image = imageDirectory(fs, "x");
  for (const manifest of manifests) {
    assert.equal((await image.resolve(manifest.digest)).size, manifest.size);
    assert.equal((await fetched(image, manifest)).byteLength, manifest.size);
  }
});

test("imageDirectoryTarget() shows no image before it is closed, and none when it is given up", async () => {
  const fs = memoryFileSystem();
  const target = imageDirectoryTarget(fs, "x");
  const image = await pushImage(target, 1);
  await target.tag(image, "app:1");
  await assert.rejects(imageDirectory(fs, "x").resolve(""), NotFoundError);
  assert.equal((await target.resolve("app:1")).digest, image.digest);
  await target.abort();
  assert.equal(await fs.stat("x"), undefined);
  await assert.rejects(imageDirectory(fs, "x").resolve(""), NotFoundError);
  await assert.rejects(target.push(image, utf8("x")), TypeError);
  const untagged = imageDirectoryTarget(fs, "x");
  await pushImage(untagged, 1);
  await untagged.close();
  assert.equal(await fs.stat("x"), undefined);
});

test("imageDirectoryTarget() puts an image in the place of another, and leaves nothing of that", async () => {
  const fs = memoryFileSystem();
  const first = await write(fs, 1);
  await writeFile(fs, "x/signature-1", utf8("of the first"));
  await writeFile(fs, `x/${hex(first)}.signature-1`, utf8("of the first"));
  const given = imageDirectoryTarget(fs, "x");
  await given.tag(await pushImage(given, 2), "app:1");
  await given.abort();
  assert.equal((await imageDirectory(fs, "x").resolve("")).digest, first);
  assert.ok((await filesBelow(fs, "x")).includes("x/signature-1"));
  assert.equal(await write(fs, 1), first);
  assert.ok((await filesBelow(fs, "x")).includes("x/signature-1"), "it is the same image");
  const second = await write(fs, 2);
  assert.equal((await imageDirectory(fs, "x").resolve("")).digest, second);
  assert.equal((await filesBelow(fs, "x")).length, 4);
});

test("imageDirectoryTarget() keeps the signatures of the manifests that it holds", async () => {
  const fs = memoryFileSystem();
  const target = imageDirectoryTarget(fs, "x");
  const { index, manifests } = await pushIndex(target);
  await target.tag(index, "app:1");
  await target.close();
  const signature = `x/${hex(manifests[0]?.digest ?? "")}.signature-1`;
  await writeFile(fs, signature, utf8("of a manifest"));
  const again = imageDirectoryTarget(fs, "x");
  await again.tag(index, "app:2");
  await again.close();
  assert.ok((await filesBelow(fs, "x")).includes(signature));
});

test("imageDirectoryTarget() refuses a directory with other files, and several images", async () => {
  const unsupported = (error: unknown) =>
    isLadingError(error) && error.code === "UNSUPPORTED_PLACE";
  for (const version of [undefined, "Directory Transport Version: 2.0\n"]) {
    const fs = memoryFileSystem();
    await writeFile(fs, "x/thesis.txt", utf8("precious"));
    if (version !== undefined) await writeFile(fs, "x/version", utf8(version));
    const before = await filesBelow(fs, "x");
    const target = imageDirectoryTarget(fs, "x");
    await assert.rejects(pushImage(target, 1), unsupported);
    await target.abort();
    assert.deepEqual(await filesBelow(fs, "x"), before);
  }
  const fs = memoryFileSystem();
  const target = imageDirectoryTarget(fs, "x");
  await target.tag(await pushImage(target, 1), "app:1");
  await target.tag(await pushImage(target, 2), "app:2");
  await assert.rejects(target.close(), unsupported);
  await target.abort();
  assert.equal(await fs.stat("x"), undefined);
});

test("imageDirectoryTarget() leaves files alone that are not of the transport", async () => {
  const fs = memoryFileSystem();
  await write(fs, 1);
  await writeFile(fs, "x/README", utf8("mine"));
  await write(fs, 2);
  assert.ok((await filesBelow(fs, "x")).includes("x/README"));
});

test("imageDirectoryTarget() stays whole when any one operation fails", async () => {
  const before = memoryFileSystem();
  const first = await write(before, 1);
  for (
    const [isNew, isKilled] of [[true, true], [true, false], [false, true], [false, false]] as const
  ) {
    const start = async () => {
      const fs = memoryFileSystem();
      if (!isNew) await write(fs, 1);
      return fs;
    };
    const counting = faultyFileSystem(await start(), 0, "io");
    const second = await write(counting.fs, 2);
    const operations = counting.operations();
    assert.ok(operations > 40, `${operations} operations`);
    let failures = 0;
    for (let n = 1; n <= operations; n++) {
      const memory = await start();
      const faulty = faultyFileSystem(memory, n, "io");
      const message = `${isNew} ${isKilled}, operation ${n}: ${faulty.failed()}`;
      try {
        await write(faulty.fs, 2, isKilled);
      } catch (error) {
        assert.ok(error instanceof FileSystemError, `${message}: ${error}`);
        failures++;
      }
      // What is seen then is whole: the image of before, or the new one.
      const image = imageDirectory(memory, "x");
      const seen = await image.resolve("").catch((error) => {
        assert.ok(isNew && error instanceof NotFoundError, `${message}: ${error}`);
      });
      if (seen !== undefined) {
        assert.ok([first, second].includes(seen.digest), message);
        const { config, layers } = JSON.parse(text(await fetched(image, seen)));
        for (const blob of [config, ...layers]) await fetched(image, blob);
      }
      assert.equal(await write(memory, 2), second, message);
      const files = await filesBelow(memory, "x");
      assert.equal(files.filter((file) => !file.includes(".tmp-")).length, 4, message);
    }
    assert.ok(failures > operations * 0.8, `${failures} of ${operations}`);
  }
});

test("imageDirectoryTarget() refuses content of another digest or size, and keeps nothing of it", async () => {
  const fs = memoryFileSystem();
  const target = imageDirectoryTarget(fs, "x");
  const bytes = noise(5000, 1);
  const flipped = bytes.slice();
  flipped[4999] = (flipped[4999] ?? 0) ^ 1;
  await assert.rejects(target.push(describe(bytes), flipped), DigestMismatchError);
  const longer = pieces(noise(6000, 1), 100);
  await assert.rejects(target.push(describe(bytes), longer.stream), SizeMismatchError);
  assert.equal(longer.cancelled(), 1);
  assert.deepEqual(await filesBelow(fs, "x"), ["x/version"]);
  const reason = { stop: "please" };
  const aborted = target.push(describe(bytes), bytes, { signal: AbortSignal.abort(reason) });
  await assert.rejects(aborted, (error) => error === reason);
  const absent = { ...describe(bytes, OCI_INDEX) };
  await assert.rejects(target.tag(absent, "x"), NotFoundError);
  await target.push(describe(bytes), bytes);
  await assert.rejects(target.tag(describe(bytes), "x"), NotFoundError, "it is no manifest");
});

test("imageDirectory() refuses damage, links and digests that are no file names", async () => {
  const fs = memoryFileSystem();
  const digest = await write(fs, 1);
  const image = imageDirectory(fs, "x");
  const { config } = JSON.parse(text(await fetched(image, await image.resolve(digest))));
  await fs.remove(`x/${hex(config.digest)}`);
  await writeFile(fs, `x/${hex(config.digest)}`, noise(config.size, 1));
  await assert.rejects(fetched(image, config), DigestMismatchError);
  await writeFile(fs, "outside", utf8("secret"));
  await fs.remove(`x/${hex(config.digest)}`);
  await fs.symlink("../outside", `x/${hex(config.digest)}`);
  await assert.rejects(fetched(image, config), NotFoundError);
  for (const bad of ["sha256:../outside", "md5:00", ""]) {
    const code = (error: unknown) => isLadingError(error) && error.code === "INVALID_DIGEST";
    await assert.rejects(image.fetch({ ...config, digest: bad }), code, bad);
  }
  await fs.remove("x/manifest.json");
  await writeFile(fs, "x/manifest.json", utf8("{}"));
  await assert.rejects(image.resolve(""), /its manifest.json is no manifest/);
});
