import { test } from "node:test";
import assert from "node:assert/strict";
import { readAll } from "../../lib/bytes/read_all.ts";
import { streamOf } from "../../lib/bytes/stream_from.ts";
import { gunzip } from "../../lib/compress/gunzip.ts";
import { gzip } from "../../lib/compress/gzip.ts";
import { digestBytes } from "../../lib/hash/digest_bytes.ts";
import {
  InvalidManifestError,
  NotFoundError,
  UnsupportedMediaTypeError,
} from "../../lib/model/errors.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import type { Descriptor } from "../../lib/model/descriptor.ts";
import { memoryFileSystem, memoryStore, writeDockerArchive } from "../../lib/store/mod.ts";
import { type DockerArchive, dockerArchive } from "../../lib/store/docker_archive.ts";
import { readTar } from "../../lib/tar/mod.ts";
import { randomImage } from "../../lib/testing/mod.ts";
import { corpusBytes, corpusJSON } from "../support/corpus.ts";
import { fetched, filesBelow, pieces, text, utf8, writeFile } from "./content.ts";
import { storedZstd, tarOf, type TarOfEntry } from "./tar_of.ts";

interface ExpectedImage {
  readonly tags: readonly string[] | null;
  readonly imageID?: string;
  readonly error?: string;
  readonly layers?: readonly { bytes: number; gzip: boolean; diffID: string }[];
}

interface ExpectedArchive {
  readonly archive: string;
  readonly hasManifestJson: boolean;
  readonly manifestJson?: unknown;
  readonly images?: readonly ExpectedImage[];
}

interface Manifest {
  readonly schemaVersion: number;
  readonly mediaType: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

const LAYER = "application/vnd.docker.image.rootfs.diff.tar";
const MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
const SAVED = "made-by-dockerd/docker-20.10-save-two.tar";

async function archives(): Promise<ExpectedArchive[]> {
  const { dockerArchives } = await corpusJSON<{ dockerArchives: ExpectedArchive[] }>(
    "expected/images.json",
  );
  assert.equal(dockerArchives.length, 23);
  return dockerArchives;
}

async function readable(): Promise<ExpectedArchive[]> {
  return (await archives()).filter(({ archive, images }) => {
    return images !== undefined && !archive.endsWith(".xz");
  });
}

/** The ways in which an archive can come. */
const WAYS: readonly (readonly [string, (bytes: Bytes) => DockerArchive])[] = [
  ["bytes", (bytes) => dockerArchive(bytes)],
  ["a stream", (bytes) => dockerArchive(pieces(bytes, 10_007).stream)],
];

async function manifestOf(archive: DockerArchive, reference: string): Promise<Manifest> {
  const descriptor = await archive.resolve(reference);
  return JSON.parse(text(await fetched(archive, descriptor))) as Manifest;
}

async function zipped(bytes: Bytes): Promise<Bytes> {
  return await readAll(gzip(streamOf(bytes)), { maxBytes: 1e8 });
}

async function allDigests(archive: DockerArchive): Promise<string[]> {
  const digests: string[] = [];
  for await (const { descriptor, reference } of archive.roots()) {
    digests.push(`${reference} ${descriptor.digest}`);
  }
  return digests;
}

for (const [way, open] of WAYS) {
  test(`dockerArchive() reads every image of the corpus from ${way}: config, layers and diffIDs`, async () => {
    let layers = 0;
    for (const { archive: path, images = [] } of await readable()) {
      const archive = open(await corpusBytes(path));
      for (const [i, image] of images.entries()) {
        const manifest = await manifestOf(archive, `@${i}`);
        const message = `${path} @${i}`;
        await fetched(archive, manifest.config);
        if (image.error !== undefined) continue;
        assert.equal(manifest.schemaVersion, 2, message);
        assert.equal(manifest.mediaType, MANIFEST, message);
        assert.equal(manifest.config.digest, image.imageID, message);
        assert.equal(manifest.layers.length, image.layers?.length, message);
        for (const [j, expected] of (image.layers ?? []).entries()) {
          const layer = manifest.layers[j];
          assert.ok(layer !== undefined);
          assert.equal(layer.size, expected.bytes, message);
          assert.equal(layer.mediaType, expected.gzip ? `${LAYER}.gzip` : LAYER, message);
          const stored = await fetched(archive, layer);
          const plain = expected.gzip
            ? await readAll(gunzip(streamOf(stored)), { maxBytes: 1e8 })
            : stored;
          assert.equal(digestBytes("sha256", plain), expected.diffID, message);
          layers++;
        }
      }
      await assert.rejects(archive.resolve(`@${images.length}`), NotFoundError, path);
      await archive.close();
    }
    assert.ok(layers > 25, `${layers} layers`);
  });

  test(`dockerArchive() reads names with ./ before them as those without, from ${way}`, async () => {
    const folder = "oras-go/content/oci/testdata";
    const plain = open(await corpusBytes(`${folder}/hello-world.tar`));
    const prefixed = open(await corpusBytes(`${folder}/hello-world-prefixed-path.tar`));
    assert.deepEqual(await allDigests(prefixed), await allDigests(plain));
    const manifest = await manifestOf(prefixed, "hello-world");
    assert.equal((await fetched(prefixed, manifest.layers[0] as Descriptor)).byteLength, 2479);
  });

  test(`dockerArchive() finds images by any spelling of their names in ${way}`, async () => {
    for (const { archive: path, images = [] } of await readable()) {
      const archive = open(await corpusBytes(path));
      const names: (string | undefined)[] = [];
      for await (const { reference } of archive.roots()) names.push(reference);
      assert.deepEqual(
        names,
        images.flatMap<string | undefined>(({ tags }) => tags ?? [undefined]),
        path,
      );
      for (const [i, { tags }] of images.entries()) {
        const { digest } = await archive.resolve(`@${i}`);
        assert.equal((await archive.resolve(digest)).digest, digest);
        for (const tag of tags ?? []) {
          assert.equal((await archive.resolve(tag)).digest, digest, tag);
        }
      }
      if (images.length === 1) assert.ok(await archive.resolve(""), path);
      else await assert.rejects(archive.resolve(""), /say which one/, path);
    }
    const hello = open(await corpusBytes("oras-go/content/oci/testdata/hello-world.tar"));
    const spellings = ["hello-world", "hello-world:latest", "docker.io/library/hello-world:latest"];
    for (const spelling of [...spellings, "library/hello-world", "index.docker.io/hello-world"]) {
      await hello.resolve(spelling);
    }
    for (const reference of ["hello-world:1", "quay.io/hello-world", "@1", "@-1", "@"]) {
      await assert.rejects(hello.resolve(reference), NotFoundError, reference);
    }
  });

  test(`dockerArchive() says what is wrong with ${way} that holds no image`, async () => {
    const failures = [
      ["ggcr/v1/tarball/testdata/null_manifest.tar", InvalidManifestError, /lists no image/],
      ["ggcr/v1/tarball/testdata/no_manifest.tar", NotFoundError, /no manifest\.json/],
      ["dockerode/test/test-load.tar", NotFoundError, /no manifest\.json/],
      ["skopeo/systemtest/testdata/docker-two-images.tar.xz", UnsupportedMediaTypeError, /xz/],
    ] as const;
    for (const [path, kind, message] of failures) {
      const archive = open(await corpusBytes(path));
      for (const call of [archive.resolve(""), archive.resolve("x"), allDigests(archive)]) {
        await assert.rejects(call, (error: Error) => {
          assert.ok(error instanceof kind, `${path}: ${error}`);
          assert.match(error.message, message);
          return true;
        });
      }
    }
  });
}

test("lesson 76: whatever index.json of a hybrid archive leaves out, manifest.json has it", async () => {
  const store = memoryStore();
  const images = await Promise.all(["a", "b"].map((seed) => randomImage(seed)));
  for (const image of images) await image.pushTo(store);
  const roots = images.map(({ descriptor }, i) => ({ descriptor, reference: `app:${i}` }));
  const bytes = await readAll(writeDockerArchive(store, roots), { maxBytes: 1e8 });
  const entries: TarOfEntry[] = [];
  for await (const entry of readTar(streamOf(bytes))) {
    if (entry.type === "file") entries.push({ path: entry.path, content: await entry.bytes() });
  }
  const indexes = [
    '{"schemaVersion":2,"manifests":null}',
    '{"schemaVersion":2,"manifests":[]}',
    JSON.stringify({
      schemaVersion: 2,
      manifests: roots.slice(0, 1).map((root) => root.descriptor),
    }),
    "no index at all",
  ];
  for (const content of indexes) {
    for (const order of [entries, [...entries].reverse()]) {
      const archive = tarOf(
        order.map((entry) => entry.path === "index.json" ? { ...entry, content } : entry),
      );
      for (const [way, open] of WAYS) {
        const docker = open(archive);
        for (const [i, image] of images.entries()) {
          const { config, layers } = await manifestOf(docker, `app:${i}`);
          assert.equal(config.digest, image.manifest.config.digest, `${content} from ${way}`);
          for (const layer of layers) await fetched(docker, layer);
          assert.equal(layers.length, image.layers.length);
        }
        await docker.close();
      }
    }
  }
});

/** The files of an archive, with another `index.json`. */
async function withIndex(bytes: Bytes, manifests: readonly Descriptor[]): Promise<Bytes> {
  const entries: TarOfEntry[] = [];
  for await (const { path, type, ...entry } of readTar(streamOf(bytes))) {
    if (type !== "file") continue;
    const content = path === "index.json"
      ? JSON.stringify({ schemaVersion: 2, manifests })
      : await entry.bytes();
    entries.push({ path, content });
  }
  return tarOf(entries);
}

test("dockerArchive() presents an image by its own manifest where the archive has it", async () => {
  const store = memoryStore();
  const image = await randomImage("own");
  await image.pushTo(store, "app:1");
  const list = {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.index.v1+json",
    manifests: [{ ...image.descriptor, platform: { os: "linux", architecture: "amd64" } }],
  };
  const raw = utf8(JSON.stringify(list));
  const index = {
    mediaType: list.mediaType,
    digest: digestBytes("sha256", raw),
    size: raw.byteLength,
  };
  await store.push(index, raw);
  for (const descriptor of [image.descriptor, index]) {
    const written = writeDockerArchive(store, [{ descriptor, reference: "app:1" }]);
    const bytes = await readAll(written, { maxBytes: 1e8 });
    for (const [way, open] of WAYS) {
      const archive = open(bytes);
      const found = await archive.resolve("app:1");
      assert.deepEqual(found, image.descriptor, way);
      assert.equal(digestBytes("sha256", await fetched(archive, found)), found.digest, way);
      assert.equal(await archive.exists(found), true, way);
      assert.deepEqual(await archive.resolve(found.digest), found, way);
      await assert.rejects(archive.resolve(image.manifest.config.digest), NotFoundError, way);
      await archive.close();
    }
  }
});

test("dockerArchive() makes a manifest where the archive has none of just this image, or several", async () => {
  const store = memoryStore();
  const image = await randomImage("own");
  const other = await randomImage("other");
  for (const content of [image, other]) await content.pushTo(store);
  const raw = utf8(JSON.stringify({ ...image.manifest, annotations: { a: "b" } }));
  const twin = {
    mediaType: image.descriptor.mediaType,
    digest: digestBytes("sha256", raw),
    size: raw.byteLength,
  };
  await store.push(twin, raw);
  const roots = [image, other].map(({ descriptor }, i) => ({ descriptor, reference: `app:${i}` }));
  const all = [...roots, { descriptor: twin, reference: "app:twin" }];
  const bytes = await readAll(writeDockerArchive(store, all), { maxBytes: 1e8 });
  const wrong = { ...image.descriptor, size: image.descriptor.size + 1 };
  const descriptors = all.map(({ descriptor }) => descriptor);
  for (const manifests of [descriptors, [other.descriptor], [wrong]]) {
    const archive = dockerArchive(await withIndex(bytes, manifests));
    const found = await archive.resolve("app:0");
    assert.equal(found.mediaType, MANIFEST);
    const { config, layers } = await manifestOf(archive, "app:0");
    assert.equal(config.digest, image.manifest.config.digest);
    assert.deepEqual(
      layers.map(({ digest }) => digest),
      image.manifest.layers.map(({ digest }) => digest),
    );
  }
});

test("dockerArchive() opens a path, a Blob, bytes and what a function opens, to the same", async () => {
  const bytes = await corpusBytes(SAVED);
  const expected = await allDigests(dockerArchive(bytes));
  assert.equal(expected.length, 2);
  const fs = memoryFileSystem();
  await writeFile(fs, "dir/saved.tar", bytes);
  assert.deepEqual(await allDigests(dockerArchive(fs, "dir/saved.tar")), expected);
  assert.deepEqual(await allDigests(dockerArchive(new Blob([bytes]))), expected);
  assert.deepEqual(await allDigests(dockerArchive(() => fs.open("dir/saved.tar"))), expected);
  await assert.rejects(dockerArchive(fs, "dir/absent.tar").resolve(""), { reason: "not-found" });
});

test("dockerArchive() reads archives that are compressed as a whole", async () => {
  for (const path of [SAVED, "made-by-umoci-skopeo/skopeo-docker-archive-v2.tar"]) {
    const bytes = await corpusBytes(path);
    const expected = await allDigests(dockerArchive(bytes));
    for (const packed of [await zipped(bytes), storedZstd(bytes)]) {
      const fs = memoryFileSystem();
      await writeFile(fs, "dir/saved", packed);
      const onDisk = dockerArchive(fs, "dir/saved");
      assert.deepEqual(await allDigests(onDisk), expected);
      assert.deepEqual(await filesBelow(fs, ""), ["dir/saved"], "what was unpacked has no name");
      const manifest = await manifestOf(onDisk, "@0");
      for (const layer of manifest.layers) await fetched(onDisk, layer);
      await onDisk.close();
      assert.deepEqual(await allDigests(onDisk), expected, "it can be opened anew");
      await onDisk.close();
      assert.deepEqual(await allDigests(dockerArchive(packed)), expected);
      await fs.makeDirectory("tmp");
      const temporary = { fileSystem: fs, directory: "tmp" };
      assert.deepEqual(await allDigests(dockerArchive(packed, { temporary })), expected);
    }
  }
});

test("dockerArchive() leaves nothing behind when a compressed archive is damaged", async () => {
  const packed = await zipped(await corpusBytes(SAVED));
  const damaged = packed.slice();
  damaged[packed.byteLength - 5] = (damaged[packed.byteLength - 5] ?? 0) ^ 1;
  for (const bytes of [damaged, packed.slice(0, -20)]) {
    const fs = memoryFileSystem();
    await writeFile(fs, "dir/saved", bytes);
    await assert.rejects(dockerArchive(fs, "dir/saved").resolve("@0"), { code: "CORRUPT_STREAM" });
    assert.deepEqual(await filesBelow(fs, ""), ["dir/saved"]);
  }
});

test("dockerArchive() fetches ranges and knows what it has", async () => {
  const archive = dockerArchive(await corpusBytes(SAVED));
  const manifest = await manifestOf(archive, "@0");
  const [layer] = manifest.layers;
  assert.ok(layer !== undefined);
  const whole = await fetched(archive, layer);
  const part = await readAll(await archive.fetch(layer, { range: { start: 10, end: 19 } }), {
    maxBytes: 100,
  });
  assert.deepEqual(part, whole.slice(10, 20));
  assert.equal(await archive.exists(layer), true);
  assert.equal(await archive.exists({ ...layer, size: 1 }), false);
  assert.equal(await archive.exists(await archive.resolve("@1")), true);
  const absent = { ...layer, digest: `sha256:${"0".repeat(64)}` };
  assert.equal(await archive.exists(absent), false);
  await assert.rejects(archive.fetch(absent), NotFoundError);
  await assert.rejects(archive.fetch({ ...layer, size: 1 }), { code: "SIZE_MISMATCH" });
});

test("dockerArchive() rejects with the reason of the signal, and can be used again", async () => {
  const bytes = await corpusBytes(SAVED);
  const reason = new Error("stop");
  const archive = dockerArchive(new Blob([bytes]));
  const controller = new AbortController();
  const resolving = archive.resolve("@0", { signal: controller.signal });
  controller.abort(reason);
  await assert.rejects(resolving, (error) => error === reason);
  const image = await archive.resolve("@0");
  // What was read before is no reason to go on.
  const { signal } = controller;
  const calls = {
    resolve: () => archive.resolve("@0", { signal }),
    exists: () => archive.exists(image, { signal }),
    fetch: () => archive.fetch(image, { signal }),
    roots: () => archive.roots({ signal })[Symbol.asyncIterator]().next(),
  };
  for (const [name, call] of Object.entries(calls)) {
    await assert.rejects(call, (error) => error === reason, name);
  }
});
