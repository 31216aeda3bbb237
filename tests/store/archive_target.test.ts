import { test } from "node:test";
import assert from "node:assert/strict";
import { readAll } from "../../lib/bytes/read_all.ts";
import {
  DigestMismatchError,
  InvalidReferenceError,
  NotFoundError,
  PlatformNotFoundError,
  UnsupportedMediaTypeError,
} from "../../lib/model/errors.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import {
  type ArchiveTarget,
  dockerArchive,
  dockerArchiveTarget,
  type FileSystem,
  memoryFileSystem,
  memoryStore,
  ociArchive,
  ociArchiveTarget,
  writeOCIArchive,
} from "../../lib/store/mod.ts";
import { readTar } from "../../lib/tar/mod.ts";
import { streamOf } from "../../lib/bytes/stream_from.ts";
import { randomImage, randomIndex } from "../../lib/testing/mod.ts";
import { copy } from "../../lib/ops/copy.ts";
import {
  describe,
  fetched,
  filesBelow,
  noise,
  pieces,
  pushImage,
  readFile,
  text,
  utf8,
  writeFile,
} from "./content.ts";

const AMD64 = { os: "linux", architecture: "amd64" };
const TARGETS = [
  ["ociArchiveTarget()", ociArchiveTarget],
  ["dockerArchiveTarget()", dockerArchiveTarget],
] as const;

interface ManifestEntry {
  readonly Config: string;
  readonly RepoTags: readonly string[] | null;
  readonly Layers: readonly string[];
}

async function member(archive: Bytes, path: string): Promise<Bytes | undefined> {
  for await (const entry of readTar(streamOf(archive))) {
    if (entry.path === path) return await entry.bytes();
  }
  return undefined;
}

async function manifestJSON(archive: Bytes): Promise<ManifestEntry[]> {
  const raw = await member(archive, "manifest.json");
  assert.ok(raw !== undefined, "there is no manifest.json");
  return JSON.parse(text(raw)) as ManifestEntry[];
}

async function written(make: (fs: FileSystem) => Promise<ArchiveTarget>): Promise<Bytes> {
  const fs = memoryFileSystem();
  const target = await make(fs);
  await target.close();
  assert.deepEqual(await filesBelow(fs, ""), ["app.tar"]);
  return await readFile(fs, "app.tar");
}

for (const [name, open] of TARGETS) {
  test(`${name} writes archives that read as both formats, digests kept`, async () => {
    const images = await Promise.all([
      randomImage("oci"),
      randomImage("docker", { format: "docker", compression: "none" }),
    ]);
    const bytes = await written(async (fs) => {
      const target = open(fs, "app.tar");
      for (const [i, image] of images.entries()) await image.pushTo(target, `acme/app:${i}`);
      return target;
    });
    const layout = ociArchive(bytes);
    const docker = dockerArchive(bytes);
    for (const [i, image] of images.entries()) {
      const { digest } = await layout.resolve(`acme/app:${i}`);
      assert.equal(digest, image.descriptor.digest);
      assert.equal((await layout.resolve(`docker.io/acme/app:${i}`)).digest, digest);
      for (const { descriptor, bytes } of image.contents) {
        assert.deepEqual(await fetched(layout, descriptor), bytes);
      }
      const presented = await docker.resolve(`acme/app:${i}`);
      const { config, layers } = JSON.parse(text(await fetched(docker, presented)));
      assert.equal(config.digest, image.manifest.config.digest);
      assert.deepEqual(
        layers.map(({ digest }: { digest: string }) => digest),
        image.layers.map(({ descriptor }) => descriptor.digest),
      );
      for (const { descriptor } of image.layers) await fetched(docker, descriptor);
    }
  });

  test(`${name} writes the same bytes in whatever order content came`, async () => {
    const images = await Promise.all(["a", "b", "c"].map((seed) => randomImage(seed)));
    const orders = [[0, 1, 2], [2, 0, 1]];
    const archives = await Promise.all(orders.map((order) =>
      written(async (fs) => {
        const target = open(fs, "app.tar");
        for (const i of order) {
          const image = images[i];
          assert.ok(image !== undefined);
          for (const { descriptor, bytes } of [...image.contents].reverse()) {
            await target.push(descriptor, bytes);
          }
          await target.tag(image.descriptor, `app:${i}`);
        }
        return target;
      })
    ));
    assert.deepEqual(archives[0], archives[1]);
    for await (const entry of readTar(streamOf(archives[0] ?? noise(0, 0)))) {
      assert.deepEqual(
        [entry.mtime, entry.uid, entry.gid, entry.userName],
        [0, 0, 0, ""],
        entry.path,
      );
    }
  });

  test(`${name} shows nothing before it is closed, and replaces what was there`, async () => {
    const fs = memoryFileSystem();
    await writeFile(fs, "dir/app.tar", noise(10, 1));
    const target = open(fs, "dir/app.tar");
    assert.equal((await filesBelow(fs, "")).length, 1, "opening writes nothing");
    const image = await randomImage("one");
    await image.pushTo(target, "app:1");
    assert.deepEqual(await readFile(fs, "dir/app.tar"), noise(10, 1));
    assert.equal((await target.resolve("app:1")).digest, image.descriptor.digest);
    await target.close();
    assert.deepEqual(await filesBelow(fs, ""), ["dir/app.tar"]);
    assert.ok(await ociArchive(fs, "dir/app.tar").resolve("app:1"));
    await target.close();
    await target.abort();
    assert.deepEqual(await filesBelow(fs, ""), ["dir/app.tar"]);
    await assert.rejects(image.pushTo(target, "app:2"), TypeError);
    await assert.rejects(target.resolve("app:1"), TypeError);
  });

  test(`${name} leaves what is there when nothing was tagged`, async () => {
    for (const isPushed of [false, true]) {
      const fs = memoryFileSystem();
      await writeFile(fs, "app.tar", noise(10, 1));
      const target = open(fs, "app.tar");
      const { contents } = await randomImage("one");
      for (const { descriptor, bytes } of isPushed ? contents : []) {
        await target.push(descriptor, bytes);
      }
      await target.close();
      assert.deepEqual(await filesBelow(fs, ""), ["app.tar"]);
      assert.deepEqual(await readFile(fs, "app.tar"), noise(10, 1));
    }
  });

  test(`${name} gives up without a trace, and ends the pushes that are under way`, async () => {
    const fs = memoryFileSystem();
    const target = open(fs, "app.tar");
    await (await randomImage("one")).pushTo(target, "app:1");
    const content = noise(1000, 1);
    let started = () => {};
    const isStarted = new Promise<void>((resolve) => started = resolve);
    const reasons: unknown[] = [];
    const stalled = new ReadableStream<Bytes>({
      pull() {
        started();
        return new Promise(() => {});
      },
      cancel: (reason) => void reasons.push(reason),
    }, { highWaterMark: 0 });
    const pushing = target.push(describe(content), stalled);
    const reason = { stop: "please" };
    const rejected = assert.rejects(pushing, (error) => error === reason);
    await isStarted;
    await target.abort(reason);
    await rejected;
    assert.deepEqual(reasons, [reason]);
    assert.deepEqual(await filesBelow(fs, ""), []);
    assert.deepEqual(await fs.readDirectory(""), []);
    await target.close();
    assert.deepEqual(await fs.readDirectory(""), []);
  });

  test(`${name} gives up when its block is left without closing it`, async () => {
    const fs = memoryFileSystem();
    const target = open(fs, "app.tar");
    await (await randomImage("one")).pushTo(target, "app:1");
    await target[Symbol.asyncDispose]();
    assert.deepEqual(await fs.readDirectory(""), []);
  });

  test(`${name} holds only what was proved`, async () => {
    const fs = memoryFileSystem();
    const target = open(fs, "app.tar");
    const image = await randomImage("one");
    await image.pushTo(target, "app:1");
    const lie = { ...describe(noise(500, 2)), digest: describe(noise(500, 3)).digest };
    await assert.rejects(target.push(lie, noise(500, 2)), DigestMismatchError);
    await target.close();
    const archive = ociArchive(fs, "app.tar");
    assert.equal(await archive.exists(lie), false);
    for (const { descriptor } of image.contents) await fetched(archive, descriptor);
  });

  test(`${name} closes again after it was aborted by a signal`, async () => {
    const fs = memoryFileSystem();
    const target = open(fs, "app.tar");
    await (await randomImage("one")).pushTo(target, "app:1");
    const reason = new Error("stop");
    const controller = new AbortController();
    const closing = target.close({ signal: controller.signal });
    controller.abort(reason);
    await assert.rejects(closing, (error) => error === reason);
    assert.equal(await fs.stat("app.tar"), undefined);
    await target.close();
    assert.deepEqual(await filesBelow(fs, ""), ["app.tar"]);
  });

  test(`${name} says that its directory is not there, and lets go of the content`, async () => {
    const fs = memoryFileSystem();
    const target = open(fs, "absent/app.tar");
    const { stream, cancelled } = pieces(noise(100, 1), 10);
    const reader = stream.getReader();
    await reader.read();
    reader.releaseLock();
    await assert.rejects(target.push(describe(noise(100, 1)), stream), NotFoundError);
    assert.equal(cancelled(), 1);
    assert.deepEqual(await fs.readDirectory(""), []);
  });

  test(`${name} puts nothing over what is no file`, async () => {
    const fs = memoryFileSystem();
    await fs.makeDirectory("app.tar");
    const target = open(fs, "app.tar");
    const image = await randomImage("one");
    await assert.rejects(image.pushTo(target, "app:1"), { reason: "is-directory" });
    await target.abort();
    assert.equal((await fs.readDirectory("")).length, 1);
    await fs.remove("app.tar");
    const again = open(fs, "app.tar");
    await image.pushTo(again, "app:1");
    await again.close();
    assert.deepEqual(await filesBelow(fs, ""), ["app.tar"]);
  });

  test(`${name} lets content wait on another file system`, async () => {
    const fs = memoryFileSystem();
    const other = memoryFileSystem();
    await other.makeDirectory("tmp");
    const temporary = { fileSystem: other, directory: "tmp" };
    const image = await randomImage("one");
    const target = open(fs, "app.tar", { temporary });
    await image.pushTo(target, "app:1");
    assert.deepEqual(await filesBelow(fs, ""), []);
    assert.ok((await filesBelow(other, "tmp")).length > 4);
    await target.close();
    assert.deepEqual(await other.readDirectory("tmp"), []);
    assert.deepEqual(await filesBelow(fs, ""), ["app.tar"]);
  });

  test(`${name} is a target of copy(), from several sources at once`, async () => {
    const source = memoryStore();
    const index = await randomIndex("multi");
    await index.pushTo(source, "multi:1");
    for (const seed of ["a", "b"]) await (await randomImage(seed)).pushTo(source, `${seed}:1`);
    const bytes = await written(async (fs) => {
      const target = open(fs, "app.tar", { platform: AMD64 });
      await Promise.all(["multi:1", "a:1", "b:1"].map((name) => copy(source, name, target)));
      return target;
    });
    const archive = ociArchive(bytes);
    assert.equal((await archive.resolve("multi:1")).digest, index.descriptor.digest);
    for (const { descriptor } of index.contents) await fetched(archive, descriptor);
    const chosen = index.images.find(({ config }) => config.architecture === "amd64");
    const entries = await manifestJSON(bytes);
    const entry = entries.find(({ RepoTags }) => RepoTags?.[0] === "docker.io/library/multi:1");
    assert.equal(entry?.Config, chosen?.manifest.config.digest.replace("sha256:", "blobs/sha256/"));
    assert.equal(entries.length, 3);
  });

  test(`${name} keeps referrers that were pushed by digest alone`, async () => {
    const fs = memoryFileSystem();
    const target = open(fs, "app.tar");
    const image = await randomImage("one");
    await image.pushTo(target, "app:1");
    const note = await pushImage(target, 7, image.descriptor);
    await target.close();
    const archive = ociArchive(fs, "app.tar");
    const found: string[] = [];
    for await (const { digest } of archive.referrers(image.descriptor)) found.push(digest);
    assert.deepEqual(found, [note.digest]);
  });
}

test("dockerArchiveTarget() writes names out, and images without one", async () => {
  const bytes = await written(async (fs) => {
    const target = dockerArchiveTarget(fs, "app.tar");
    const one = await randomImage("one");
    for (const name of ["app", "library/app:1", "ghcr.io/acme/app:v2"]) {
      await one.pushTo(target, name);
    }
    assert.equal((await target.resolve("app:latest")).digest, one.descriptor.digest);
    await (await randomImage("two")).pushTo(target);
    return target;
  });
  const entries = await manifestJSON(bytes);
  assert.deepEqual(entries.map(({ RepoTags }) => RepoTags), [null, [
    "docker.io/library/app:1",
    "docker.io/library/app:latest",
    "ghcr.io/acme/app:v2",
  ]]);
});

test("ociArchiveTarget() keeps names as they are; a bare tag is no name for Docker", async () => {
  const bytes = await written(async (fs) => {
    const target = ociArchiveTarget(fs, "app.tar");
    const image = await randomImage("one");
    for (const name of ["v1", "app:1"]) await image.pushTo(target, name);
    return target;
  });
  const { manifests } = JSON.parse(text(await member(bytes, "index.json") ?? noise(0, 0)));
  const annotations = manifests.map((entry: { annotations: object }) => entry.annotations);
  assert.deepEqual(annotations, [
    {
      "io.containerd.image.name": "docker.io/library/app:1",
      "org.opencontainers.image.ref.name": "app:1",
    },
    { "org.opencontainers.image.ref.name": "v1" },
  ]);
  const [entry] = await manifestJSON(bytes);
  assert.deepEqual(entry?.RepoTags, ["docker.io/library/app:1"]);
});

test("lesson 77: a docker archive cannot carry an index, so the platform is chosen explicitly", async () => {
  const index = await randomIndex("multi");
  const fs = memoryFileSystem();
  const s390x = { os: "linux", architecture: "s390x" };
  const foreign = dockerArchiveTarget(fs, "app.tar", { platform: s390x });
  await assert.rejects(index.pushTo(foreign, "app:1"), (error: Error) => {
    assert.ok(error instanceof PlatformNotFoundError);
    assert.deepEqual(error.wanted, s390x);
    assert.equal(error.available.length, 2);
    return true;
  });
  const open = dockerArchiveTarget(fs, "app.tar");
  await assert.rejects(index.pushTo(open, "app:1"), /give a platform, one of linux\/amd64/);
  for (const target of [foreign, open]) await target.close();
  assert.deepEqual(await fs.readDirectory(""), []);
  const oci = await written(async (fs) => {
    const target = ociArchiveTarget(fs, "app.tar");
    await index.pushTo(target, "app:1");
    return target;
  });
  assert.equal(await member(oci, "manifest.json"), undefined);
});

test("dockerArchiveTarget() refuses what Docker cannot load; an OCI archive takes it", async () => {
  const artifact = memoryStore();
  const config = describe(noise(2, 1), "application/vnd.oci.empty.v1+json");
  const raw = utf8(JSON.stringify({
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    artifactType: "application/x.thing",
    config,
    layers: [config],
  }));
  const manifest = describe(raw, "application/vnd.oci.image.manifest.v1+json");
  await artifact.push(config, noise(2, 1));
  await artifact.push(manifest, raw);
  await artifact.tag(manifest, "thing:1");
  const docker = dockerArchiveTarget(memoryFileSystem(), "app.tar");
  await assert.rejects(
    async () => await copy(artifact, "thing:1", docker),
    UnsupportedMediaTypeError,
  );
  const bytes = await written(async (fs) => {
    const target = ociArchiveTarget(fs, "app.tar");
    await copy(artifact, "thing:1", target);
    return target;
  });
  assert.equal((await ociArchive(bytes).resolve("thing:1")).digest, manifest.digest);
  assert.equal(await member(bytes, "manifest.json"), undefined);
  const image = await randomImage("one");
  for (const { descriptor, bytes } of image.contents) {
    if (descriptor.digest !== image.layers[1]?.descriptor.digest) {
      await docker.push(descriptor, bytes);
    }
  }
  await assert.rejects(docker.tag(image.descriptor, "app:1"), NotFoundError);
  for (const { descriptor, bytes } of image.contents) await docker.push(descriptor, bytes);
  for (const name of ["app@sha256:" + "0".repeat(64), "no name", "A:1"]) {
    await assert.rejects(docker.tag(image.descriptor, name), InvalidReferenceError, name);
  }
  await docker.tag(image.descriptor, "app:1");
  await docker.abort();
});

test("writeOCIArchive() gives the bytes of the target, piece by piece", async () => {
  const store = memoryStore();
  const index = await randomIndex("multi");
  await index.pushTo(store);
  const roots = [{ descriptor: index.descriptor, reference: "app:1" }];
  const stream = await readAll(writeOCIArchive(store, roots, { platform: AMD64 }), {
    maxBytes: 1e8,
  });
  const file = await written(async (fs) => {
    const target = ociArchiveTarget(fs, "app.tar", { platform: AMD64 });
    await index.pushTo(target, "app:1");
    return target;
  });
  assert.deepEqual(stream, file);
});
