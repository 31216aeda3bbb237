import { test } from "node:test";
import assert from "node:assert/strict";
import {
  DigestMismatchError,
  InvalidDigestError,
  InvalidManifestError,
  NotFoundError,
  UnsafePathError,
} from "../../lib/model/errors.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import type { Target } from "../../lib/model/content.ts";
import type { Descriptor } from "../../lib/model/descriptor.ts";
import { copy } from "../../lib/ops/mod.ts";
import {
  collectGarbage,
  type FileSystem,
  memoryFileSystem,
  memoryStore,
  ociLayout,
} from "../../lib/store/mod.ts";
import {
  describe,
  fetched,
  filesBelow,
  noise,
  OCI_INDEX,
  OCI_MANIFEST,
  pushImage,
  readFile,
  referrer,
  text,
  utf8,
  writeFile,
} from "./content.ts";

const HOUR = 60 * 60 * 1000;
const NOW = { minAgeMs: 0 };

const pathOf = (digest: string): string => `x/blobs/${digest.replace(":", "/")}`;

/** Makes what is there as old as something is that was written two days ago. */
async function age(fs: FileSystem): Promise<void> {
  for (const path of await filesBelow(fs, "x")) {
    await fs.setAttributes(path, { mtimeMs: Date.now() - 48 * HOUR });
  }
}

/** Stores a document, and gives its descriptor. */
async function pushJSON(target: Target, value: unknown, mediaType: string): Promise<Descriptor> {
  const raw = utf8(JSON.stringify(value));
  const descriptor = describe(raw, mediaType);
  await target.push(descriptor, raw);
  return descriptor;
}

async function pushNoise(target: Target, seed: number): Promise<Descriptor> {
  const blob = noise(500, seed);
  await target.push(describe(blob), blob);
  return describe(blob);
}

async function pushIndex(target: Target, manifests: readonly Descriptor[]): Promise<Descriptor> {
  return await pushJSON(target, { schemaVersion: 2, mediaType: OCI_INDEX, manifests }, OCI_INDEX);
}

/** The digests of the blobs that are there. */
async function blobsOf(fs: FileSystem): Promise<string[]> {
  const paths = (await filesBelow(fs, "x")).filter((path) => path.startsWith("x/blobs/"));
  return paths.map((path) => path.slice("x/blobs/".length).replace("/", ":"));
}

/** Checks that a store has all of an image of `pushImage()`. */
async function checkImage(target: Target, manifest: Descriptor): Promise<void> {
  const { config, layers } = JSON.parse(text(await fetched(target, manifest))) as {
    config: Descriptor;
    layers: Descriptor[];
  };
  for (const blob of [config, ...layers]) await fetched(target, blob);
}

test("collectGarbage() deletes what a name led to before, and keeps what others lead to", async () => {
  const fs = memoryFileSystem();
  const layout = ociLayout(fs, "x");
  const [kept, unnamed, gone] = [
    await pushImage(layout, 1),
    await pushImage(layout, 2),
    await pushImage(layout, 3),
  ];
  await layout.tag(kept, "a");
  await layout.tag(unnamed, unnamed.digest);
  await layout.tag(gone, "b");
  await layout.untag("b");
  const index = await readFile(fs, "x/index.json");
  const before = await blobsOf(fs);
  const plan = await collectGarbage(fs, "x", { ...NOW, isDryRun: true });
  assert.deepEqual(await blobsOf(fs), before);
  const result = await collectGarbage(fs, "x", NOW);
  assert.deepEqual(result, plan);
  assert.equal(result.deleted.length, 3);
  // A manifest goes before what it is made of.
  assert.equal(result.deleted[0]?.digest, gone.digest);
  assert.equal(result.bytesDeleted, result.deleted.reduce((sum, { size }) => sum + size, 0));
  assert.deepEqual([result.kept, result.young, result.leftovers], [6, 0, []]);
  const left = await blobsOf(fs);
  assert.equal(left.length, 6);
  const lengths = await Promise.all(left.map((digest) => readFile(fs, pathOf(digest))));
  assert.equal(result.bytesKept, lengths.reduce((sum, { length }) => sum + length, 0));
  await checkImage(layout, kept);
  await checkImage(layout, unnamed);
  assert.deepEqual(await readFile(fs, "x/index.json"), index);
  assert.deepEqual((await filesBelow(fs, "x")).slice(6), ["x/index.json", "x/oci-layout"]);
  assert.deepEqual((await collectGarbage(fs, "x", NOW)).deleted, []);
});

test("collectGarbage() follows indexes in indexes, and what they list that is no manifest", async () => {
  const fs = memoryFileSystem();
  const layout = ociLayout(fs, "x");
  const image = await pushImage(layout, 1);
  const cached = await pushNoise(layout, 2);
  const inner = await pushIndex(layout, [image, cached]);
  const missing = describe(utf8("a blob that is not there"), OCI_MANIFEST);
  await layout.tag(await pushIndex(layout, [inner, missing]), "a");
  await pushIndex(layout, [image]);
  const { deleted, kept } = await collectGarbage(fs, "x", NOW);
  assert.deepEqual([deleted.length, kept], [1, 6]);
  await checkImage(layout, image);
});

test("collectGarbage() keeps what refers to an image, listed or not, and what refers to that", async () => {
  const fs = memoryFileSystem();
  const layout = ociLayout(fs, "x");
  const image = await pushImage(layout, 1);
  await layout.tag(image, "a");
  const signature = await pushImage(layout, 2, image);
  const ofSignature = await pushImage(layout, 3, signature);
  const result = await collectGarbage(fs, "x", NOW);
  assert.deepEqual([result.deleted, result.kept], [[], 9]);
  await checkImage(layout, ofSignature);
  // With the image goes what speaks about it; what is listed is no garbage.
  await layout.tag(ofSignature, ofSignature.digest);
  await layout.untag("a");
  assert.equal((await collectGarbage(fs, "x", NOW)).deleted.length, 6);
  await checkImage(layout, ofSignature);
  assert.equal(await layout.exists(image), false);
});

test("collectGarbage() keeps all that a manifest of an unknown kind names by a digest", async () => {
  const fs = memoryFileSystem();
  const layout = ociLayout(fs, "x");
  const part = await pushNoise(layout, 1);
  const image = await pushImage(layout, 2);
  const parts = { deep: [{ of: part.digest, note: `see ${image.digest}.` }] };
  const strange = await pushJSON(layout, parts, "application/vnd.example.bundle+json");
  // It looks like a manifest, and has more than one has.
  const extra = await pushNoise(layout, 3);
  const alike = await pushJSON(
    layout,
    { schemaVersion: 2, config: part, layers: [], more: extra.digest },
    "application/vnd.example.manifest+json",
  );
  await layout.tag(strange, "strange");
  await layout.tag(await pushIndex(layout, [alike]), "alike");
  await pushNoise(layout, 4);
  const { deleted } = await collectGarbage(fs, "x", NOW);
  assert.deepEqual(
    deleted,
    [describe(noise(500, 4))].map(({ digest, size }) => ({ digest, size })),
  );
  await checkImage(layout, image);
  assert.deepEqual(await fetched(layout, extra), noise(500, 3));
});

test("collectGarbage() keeps the layers of schema 1, and those of other forms of Docker's manifests", async () => {
  const fs = memoryFileSystem();
  const layout = ociLayout(fs, "x");
  const layer = await pushNoise(layout, 1);
  const old = await pushJSON(layout, {
    schemaVersion: 1,
    name: "a/b",
    tag: "1",
    architecture: "amd64",
    fsLayers: [{ blobSum: layer.digest }],
    history: [{ v1Compatibility: '{"id":"a"}' }],
  }, "application/vnd.docker.distribution.manifest.v1+json");
  await layout.tag(old, "old");
  const other = await pushNoise(layout, 2);
  // Nobody can read it as the manifest that it says to be, but what it names is plain.
  const odd = await pushJSON(layout, { layers: other.digest }, OCI_MANIFEST);
  await layout.tag(odd, "odd");
  assert.deepEqual((await collectGarbage(fs, "x", NOW)).deleted, []);
});

test("collectGarbage() follows a manifest that is there as the data of its descriptor alone", async () => {
  const fs = memoryFileSystem();
  const layout = ociLayout(fs, "x");
  const image = await pushImage(layout, 1);
  const data = btoa(text(await fetched(layout, image)));
  // The others say only that there is one.
  await layout.tag(await pushIndex(layout, [image, { ...image, data }, image]), "a");
  await fs.remove(pathOf(image.digest));
  const { deleted, kept } = await collectGarbage(fs, "x", NOW);
  assert.deepEqual([deleted, kept], [[], 3]);
});

test("collectGarbage() keeps what is young, and all that a young manifest leads to", async () => {
  const fs = memoryFileSystem();
  const layout = ociLayout(fs, "x");
  await layout.tag(await pushImage(layout, 1), "a");
  const [pushed, old] = [await pushImage(layout, 2), await pushImage(layout, 3)];
  await age(fs);
  // The push of an index whose image was there, before its name is written.
  const index = await pushIndex(layout, [pushed]);
  const layer = await pushNoise(layout, 4);
  const { deleted, kept, young, bytesYoung } = await collectGarbage(fs, "x");
  assert.deepEqual([deleted.length, kept, young], [3, 8, 5]);
  assert.ok(bytesYoung > layer.size + index.size);
  assert.equal(await layout.exists(old), false);
  await layout.tag(index, "b");
  await checkImage(layout, pushed);
});

test("a push makes young what it finds, so that its garbage is none until it is named", async () => {
  const fs = memoryFileSystem();
  const layout = ociLayout(fs, "x");
  const image = await pushImage(layout, 1);
  await age(fs);
  const { config, layers: [layer] } = JSON.parse(text(await fetched(layout, image))) as {
    config: Descriptor;
    layers: [Descriptor];
  };
  // As content that is pushed, asked for or uploaded without a name.
  await layout.push(config, await fetched(layout, config));
  assert.equal(await layout.exists(layer, { isNamedNext: true }), true);
  const upload = await layout.startUpload();
  await upload.append(await fetched(layout, image));
  await upload.finish();
  assert.deepEqual((await collectGarbage(fs, "x")).deleted, []);
  await age(fs);
  // To look is not to name.
  assert.equal(await layout.exists(layer), true);
  assert.equal((await collectGarbage(fs, "x")).deleted.length, 3);
});

test("a copy loses nothing to garbage that is collected at any moment", async () => {
  const source = memoryStore();
  const image = await pushImage(source, 1);
  const inner = await pushIndex(source, [image]);
  await source.tag(await pushIndex(source, [inner]), "a");
  let collections = 0;
  for (let at = 0;; at++) {
    const fs = memoryFileSystem();
    await copy(source, "a", ociLayout(fs, "x"));
    await ociLayout(fs, "x").untag("a");
    await age(fs);
    let calls = 0;
    const layout = new Proxy(ociLayout(fs, "x"), {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== "function") return value;
        return async (...args: unknown[]) => {
          if (calls++ === at) {
            collections += (await collectGarbage(fs, "x")).deleted.length > 0 ? 1 : 0;
          }
          return await value.apply(target, args);
        };
      },
    });
    await copy(source, "a", layout);
    if (calls <= at) break;
    await collectGarbage(fs, "x", NOW);
    await checkImage(ociLayout(fs, "x"), image);
    assert.equal((await blobsOf(fs)).length, 5, `before call ${at}`);
  }
  assert.ok(collections > 3, `${collections} collections`);
});

/** A file system that has something done before a call. */
function interrupted(
  fs: FileSystem,
  before: (name: string | symbol, args: readonly unknown[]) => Promise<void>,
): FileSystem {
  return new Proxy(fs, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      return async (...args: unknown[]) => {
        await before(name, args);
        return await value.apply(target, args);
      };
    },
  });
}

test("collectGarbage() lets a blob stay that is made young at the last moment", async () => {
  const fs = memoryFileSystem();
  const layout = ociLayout(fs, "x");
  await layout.tag(await pushImage(layout, 1), "a");
  const blob = await pushNoise(layout, 2);
  await age(fs);
  let isFound = false;
  const late = interrupted(fs, async (name, [from]) => {
    if (name !== "rename" || from !== pathOf(blob.digest)) return;
    isFound = await layout.exists(blob, { isNamedNext: true });
  });
  assert.deepEqual((await collectGarbage(late, "x")).deleted, []);
  assert.ok(isFound);
  assert.deepEqual(await fetched(layout, blob), noise(500, 2));
});

test("collectGarbage() begins again when a program that takes no lock lists something", async () => {
  const fs = memoryFileSystem();
  const layout = ociLayout(fs, "x");
  const [first, second] = [await pushImage(layout, 1), await pushImage(layout, 2)];
  await layout.tag(first, "a");
  await age(fs);
  let isListed = false;
  const foreign = interrupted(fs, async (name, [path]) => {
    if (name !== "readDirectory" || !String(path).startsWith("x/blobs/") || isListed) return;
    isListed = true;
    const index = { schemaVersion: 2, manifests: [first, second] };
    await replace(fs, "x/index.json", utf8(JSON.stringify(index)));
  });
  assert.deepEqual((await collectGarbage(foreign, "x")).deleted, []);
  assert.ok(isListed);
  await checkImage(layout, second);
});

test("a name is given to nothing that garbage collection took away before the lock", async () => {
  const fs = memoryFileSystem();
  const layout = ociLayout(fs, "x");
  await layout.tag(await pushImage(layout, 1), "a");
  const old = await pushImage(layout, 2);
  await age(fs);
  let deleted = 0;
  const slow = interrupted(fs, async (name, [, to]) => {
    if (name !== "rename" || to !== "x/index.json.lock" || deleted > 0) return;
    deleted = (await collectGarbage(fs, "x")).deleted.length;
  });
  await assert.rejects(ociLayout(slow, "x").tag(old, "b"), NotFoundError);
  assert.equal(deleted, 3);
  await assert.rejects(layout.resolve("b"), NotFoundError);
});

test("collectGarbage() begins again when its lock was taken for that of a dead one", async () => {
  const fs = memoryFileSystem();
  const layout = ociLayout(fs, "x");
  await layout.tag(await pushImage(layout, 1), "a");
  const second = await pushImage(layout, 2);
  await age(fs);
  let isTaken = false;
  const asleep = interrupted(fs, async (name, [from]) => {
    if (name !== "rename" || !String(from).startsWith("x/blobs/") || isTaken) return;
    isTaken = true;
    // It has moved nothing yet: another writer takes the lock, and the failure tells of it.
    await fs.remove("x/index.json.lock", { recursive: true });
    await layout.tag(second, "b");
    throw new Error("awake again");
  });
  assert.deepEqual((await collectGarbage(asleep, "x")).deleted, []);
  assert.ok(isTaken);
  await checkImage(layout, second);
});

test("collectGarbage() removes old files of writers that came to no end, and tells their bytes", async () => {
  const fs = memoryFileSystem();
  await pushImage(ociLayout(fs, "x"), 1);
  const paths = ["x/.index.json.1-a", "x/.tmp-1-a", "x/blobs/sha256/.tmp-1-a"];
  for (const path of paths) {
    await writeFile(fs, path, noise(10, 1));
    await fs.setAttributes(path, { mtimeMs: Date.now() - 2 * HOUR });
  }
  await writeFile(fs, "x/.tmp-1-b", noise(10, 1));
  await writeFile(fs, "x/other", noise(10, 1));
  const day = await collectGarbage(fs, "x");
  assert.deepEqual([day.leftovers, day.bytesDeleted], [[], 0]);
  const result = await collectGarbage(fs, "x", { minAgeMs: HOUR });
  assert.deepEqual([result.leftovers, result.bytesDeleted], [paths, 30]);
  const left = (await filesBelow(fs, "x")).filter((path) => !path.startsWith("x/blobs/sha256/"));
  assert.deepEqual(left, ["x/.tmp-1-b", "x/index.json", "x/oci-layout", "x/other"]);
});

/** What has to be refused, and how it comes about. */
const REFUSED: Readonly<
  Record<string, readonly [new (...args: never[]) => Error, (fs: FileSystem) => Promise<void>]>
> = {
  "there is no index.json": [NotFoundError, (fs) => fs.remove("x/index.json")],
  "index.json is none": [InvalidManifestError, (fs) => replace(fs, "x/index.json", utf8("{}"))],
  "index.json is cut short": [InvalidManifestError, async (fs) => {
    await replace(fs, "x/index.json", (await readFile(fs, "x/index.json")).slice(0, -1));
  }],
  "a manifest that is listed is damaged": [DigestMismatchError, async (fs) => {
    const { digest } = await ociLayout(fs, "x").resolve("a");
    const raw = await readFile(fs, pathOf(digest));
    raw[raw.length - 2] = 0x20;
    await replace(fs, pathOf(digest), raw);
  }],
  "what is listed as a manifest is none": [InvalidManifestError, async (fs) => {
    const layout = ociLayout(fs, "x");
    const blob = noise(100, 9);
    await layout.push(describe(blob), blob);
    await layout.tag({ ...describe(blob), mediaType: OCI_MANIFEST }, "none");
  }],
  "what is listed has a digest that nobody knows": [InvalidDigestError, async (fs) => {
    const manifests = [{ mediaType: OCI_MANIFEST, digest: "blake3:abc", size: 1 }];
    await replace(fs, "x/index.json", utf8(JSON.stringify({ schemaVersion: 2, manifests })));
  }],
  "a manifest that is listed is a link": [UnsafePathError, async (fs) => {
    const { digest } = await ociLayout(fs, "x").resolve("a");
    await fs.rename(pathOf(digest), "elsewhere");
    await fs.symlink("../../../elsewhere", pathOf(digest));
  }],
  "the directory of blobs is a link": [UnsafePathError, async (fs) => {
    await fs.rename("x/blobs", "shared");
    await fs.symlink("../shared", "x/blobs");
  }],
};

async function replace(fs: FileSystem, path: string, bytes: Bytes): Promise<void> {
  await fs.remove(path);
  await writeFile(fs, path, bytes);
}

for (const [what, [Class, spoil]] of Object.entries(REFUSED)) {
  test(`collectGarbage() deletes nothing when ${what}`, async () => {
    const fs = memoryFileSystem();
    const layout = ociLayout(fs, "x");
    await layout.tag(await pushImage(layout, 1), "a");
    await pushImage(layout, 2);
    await spoil(fs);
    const before = await filesBelow(fs, "");
    for (const isDryRun of [true, false]) {
      await assert.rejects(collectGarbage(fs, "x", { ...NOW, isDryRun }), Class);
    }
    assert.deepEqual(await filesBelow(fs, ""), before);
  });
}

test("collectGarbage() keeps no damaged garbage, and makes no layout where none is", async () => {
  const fs = memoryFileSystem();
  const layout = ociLayout(fs, "x");
  await layout.tag(await pushImage(layout, 1), "a");
  const { raw, descriptor } = referrer(await layout.resolve("a"));
  await layout.push(descriptor, raw);
  await replace(fs, pathOf(descriptor.digest), utf8(text(raw).replace("subject", "subjekt")));
  assert.deepEqual((await collectGarbage(fs, "x", NOW)).deleted.map(({ digest }) => digest), [
    descriptor.digest,
  ]);
  await assert.rejects(collectGarbage(fs, "y"), NotFoundError);
  assert.equal(await fs.stat("y"), undefined);
});

test("collectGarbage() ends at its signal, with a layout that is whole", async () => {
  const fs = memoryFileSystem();
  const layout = ociLayout(fs, "x");
  const image = await pushImage(layout, 1);
  await layout.tag(image, "a");
  await pushImage(layout, 2);
  const reason = new Error("enough");
  const isReason = (error: unknown): boolean => error === reason;
  const before = await filesBelow(fs, "x");
  const options = { ...NOW, signal: AbortSignal.abort(reason) };
  await assert.rejects(collectGarbage(fs, "x", options), isReason);
  assert.deepEqual(await filesBelow(fs, "x"), before);
  const controller = new AbortController();
  const collecting = collectGarbage(fs, "x", { ...NOW, signal: controller.signal });
  controller.abort(reason);
  await assert.rejects(collecting, isReason);
  await checkImage(layout, image);
  assert.deepEqual(await filesBelow(fs, "x"), before);
});
