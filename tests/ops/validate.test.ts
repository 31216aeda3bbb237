import { test } from "node:test";
import assert from "node:assert/strict";
import { readAll, streamFrom, streamOf, through } from "../../lib/bytes/mod.ts";
import { gzip, zstd } from "../../lib/compress/mod.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import { loadKernel } from "../../lib/kernel/mod.ts";
import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";
import { LimitExceededError, NotFoundError } from "../../lib/model/errors.ts";
import { MAX_MANIFEST_BYTES } from "../../lib/model/manifest.ts";
import {
  type Descriptor,
  MEDIA_TYPE_DOCKER_FOREIGN_LAYER_GZIP,
  MEDIA_TYPE_OCI_CONFIG,
  MEDIA_TYPE_OCI_EMPTY,
  MEDIA_TYPE_OCI_LAYER,
  MEDIA_TYPE_OCI_LAYER_GZIP,
  MEDIA_TYPE_OCI_MANIFEST,
  type Platform,
} from "../../lib/model/mod.ts";
import { type MemoryStore, memoryStore } from "../../lib/store/mod.ts";
import { checkLayer } from "../../lib/ops/_check_layer.ts";
import { type ProblemCode, validate } from "../../lib/ops/mod.ts";
import { MAX_PATH_LENGTH } from "../../lib/tar/mod.ts";
import {
  put,
  putImage,
  type PutImageOptions,
  putIndex,
  type Short,
  tarOf,
} from "../image/images.ts";
import { watched } from "./content.ts";

const utf8 = (text: string): Bytes => new TextEncoder().encode(text);

const zip = async (tar: Bytes): Promise<Bytes> =>
  await readAll(gzip(streamOf(tar)), { maxBytes: 1 << 26 });

/** Stores an image of two layers and tags it "app". */
async function sample(
  options: PutImageOptions = {},
  upper: readonly Short[] = ["c=3", ".wh.a"],
): Promise<{ store: MemoryStore; image: Descriptor; layers: readonly Descriptor[] }> {
  const store = memoryStore();
  const tars = [await tarOf(["a=1", "b/"]), await tarOf(upper)];
  const image = await putImage(store, tars, { compress: zip, ...options });
  await store.tag(image, "app");
  const raw = await readAll(await store.fetch(image), { maxBytes: 1 << 20 });
  const { layers } = JSON.parse(new TextDecoder().decode(raw)) as { layers: Descriptor[] };
  return { store, image, layers };
}

async function problems(
  store: Parameters<typeof validate>[0],
  options: Parameters<typeof validate>[2] = {},
): Promise<ProblemCode[]> {
  const report = await validate(store, "app", options);
  assert.equal(report.ok, report.problems.length === 0);
  for (const { message, descriptor } of report.problems) {
    assert.ok(message.includes(descriptor.digest), message);
  }
  return report.problems.map(({ code }) => code);
}

/** Replaces the bytes of one content. */
function replacing(store: MemoryStore, { digest }: Descriptor, content: Uint8Array) {
  return watched(store, {
    fetch: (stream, descriptor): ByteStream =>
      descriptor.digest === digest ? streamOf(new Uint8Array(content)) : stream,
  });
}

async function contentOf(store: MemoryStore, descriptor: Descriptor): Promise<Bytes> {
  return (await readAll(await store.fetch(descriptor), { maxBytes: 1 << 26 })).slice();
}

test("validate() finds nothing wrong with a sound image, and counts what it saw", async () => {
  const { store, image } = await sample();
  const report = await validate(store, "app");
  assert.deepEqual(report.problems, []);
  assert.ok(report.ok);
  assert.equal(report.descriptor.digest, image.digest);
  const { bytes, ...stats } = report.stats;
  assert.deepEqual(stats, { manifests: 1, images: 1, blobs: 3, entries: 4 });
  assert.ok(bytes > 300);
});

test("validate() finds nothing wrong with a sound index, and reads shared layers once", async () => {
  const { store, image, layers } = await sample();
  const tars = [await tarOf(["a=1", "b/"]), await tarOf(["c=3", ".wh.a"])];
  const other = await putImage(store, tars, {
    compress: zip,
    platform: { os: "linux", architecture: "arm64", variant: "v8" },
  });
  await store.tag(await putIndex(store, [image, await putIndex(store, [other])]), "app");
  const source = watched(store);
  const report = await validate(source, "app");
  assert.deepEqual(report.problems, []);
  assert.equal(report.stats.images, 2);
  assert.equal(source.fetched.filter((digest) => digest === layers[0]?.digest).length, 1);
});

test("validate() fast only looks whether layers are there", async () => {
  const { store, layers: [layer] } = await sample();
  const source = watched(store);
  assert.deepEqual(await problems(source, { fast: true }), []);
  assert.equal(source.fetched.length, 2);
  if (layer !== undefined) await store.delete(layer);
  assert.deepEqual(await problems(store, { fast: true }), ["MISSING"]);
});

test("validate() finds a manifest with another digest or size", async () => {
  const { store, image } = await sample();
  const raw = await contentOf(store, image);
  const flipped = raw.slice();
  flipped[flipped.length - 10] = (flipped[flipped.length - 10] ?? 0) ^ 1;
  assert.deepEqual(await problems(replacing(store, image, flipped)), ["DIGEST_MISMATCH"]);
  assert.deepEqual(await problems(replacing(store, image, raw.slice(1))), ["SIZE_MISMATCH"]);
});

test("validate() finds a manifest that could be read as two types", async () => {
  const store = memoryStore();
  const descriptor = await put(store, MEDIA_TYPE_OCI_MANIFEST, {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE_OCI_MANIFEST,
    config: { mediaType: MEDIA_TYPE_OCI_EMPTY, digest: `sha256:${"0".repeat(64)}`, size: 2 },
    layers: [],
    manifests: [],
  });
  await store.tag(descriptor, "app");
  assert.deepEqual(await problems(store), ["INVALID_MANIFEST"]);
});

test("validate() finds a manifest of another type than its index says", async () => {
  const { store, image } = await sample();
  const mediaType = "application/vnd.docker.distribution.manifest.v2+json";
  await store.tag(await putIndex(store, [{ ...image, mediaType }]), "app");
  assert.deepEqual(await problems(store), ["INVALID_MANIFEST"]);
});

test("validate() finds missing manifests, configs and layers, and goes on", async () => {
  const { store, image, layers } = await sample();
  const lost = { ...image, digest: `sha256:${"1".repeat(64)}` };
  await store.tag(await putIndex(store, [lost, image]), "app");
  for (const layer of layers) await store.delete(layer);
  assert.deepEqual(await problems(store), ["MISSING", "MISSING", "MISSING"]);
});

test("validate() finds a config with another digest", async () => {
  const { store } = await sample();
  let config: Descriptor | undefined;
  const source = watched(store, {
    fetch(stream, descriptor) {
      if (!descriptor.mediaType.includes("config")) return stream;
      config = descriptor;
      return flipFirst(stream);
    },
  });
  assert.deepEqual(await problems(source), ["DIGEST_MISMATCH"]);
  assert.ok(config !== undefined);
});

function flipFirst(stream: ByteStream): ByteStream {
  return through(stream, {
    chunk(chunk) {
      const copy = chunk.slice();
      copy[0] = (copy[0] ?? 0) ^ 1;
      return copy;
    },
  });
}

test("validate() finds a config that is none", async () => {
  const { store } = await sample({ config: { rootfs: "none" } });
  assert.ok((await problems(store)).includes("INVALID_CONFIG"));
});

test("validate() finds a layer whose stored bytes were changed", async () => {
  const { store, layers: [layer] } = await sample();
  assert.ok(layer !== undefined);
  const raw = await contentOf(store, layer);
  for (const offset of [0, 12, raw.length >> 1, raw.length - 1]) {
    const changed = raw.slice();
    changed[offset] = (changed[offset] ?? 0) ^ 0x10;
    const found = await problems(replacing(store, layer, changed));
    assert.ok(found.includes("DIGEST_MISMATCH"), `offset ${offset}: ${found}`);
  }
  assert.ok((await problems(replacing(store, layer, raw.slice(0, -1)))).includes("SIZE_MISMATCH"));
  const longer = new Uint8Array(raw.length + 1);
  longer.set(raw);
  assert.ok((await problems(replacing(store, layer, longer))).includes("SIZE_MISMATCH"));
});

test("validate() tells a layer that was damaged on its way from one that never was an archive", async () => {
  const store = memoryStore();
  const tar = await tarOf([{ path: "large", type: "file", body: new Uint8Array(300_000).fill(7) }]);
  const image = await putImage(store, [tar]);
  await store.tag(image, "app");
  const layer = { digest: digestBytes("sha256", tar) };
  const pieces = (bytes: Bytes) =>
    watched(store, {
      fetch: (stream, { digest }) =>
        digest === layer.digest
          ? streamFrom([bytes.slice(0, 1000), bytes.slice(1000, 200_000), bytes.slice(200_000)])
          : stream,
    });
  assert.deepEqual(await problems(pieces(tar)), []);
  const damaged = tar.slice();
  damaged[0] = 0xff;
  assert.deepEqual(await problems(pieces(damaged)), ["INVALID_LAYER", "DIGEST_MISMATCH"]);
  await store.tag(await putImage(store, [damaged]), "app");
  assert.deepEqual(await problems(store), ["INVALID_LAYER"]);
});

test("validate() finds a layer with another diffID", async () => {
  const diffIDs = [
    `sha256:${"0".repeat(64)}`,
    digestBytes("sha256", await tarOf(["c=3", ".wh.a"])),
  ];
  const { store } = await sample({ config: { rootfs: { type: "layers", diff_ids: diffIDs } } });
  assert.deepEqual(await problems(store), ["DIFF_ID_MISMATCH"]);
});

test("validate() finds a rootfs of another type", async () => {
  const diffIDs = [
    digestBytes("sha256", await tarOf(["a=1", "b/"])),
    digestBytes("sha256", await tarOf(["c=3", ".wh.a"])),
  ];
  const { store } = await sample({ config: { rootfs: { type: "other", diff_ids: diffIDs } } });
  assert.deepEqual(await problems(store), ["ROOTFS_TYPE"]);
});

test("validate() finds more or fewer diffIDs than layers", async () => {
  const diffIDs = [digestBytes("sha256", await tarOf(["a=1", "b/"]))];
  const { store } = await sample({ config: { rootfs: { type: "layers", diff_ids: diffIDs } } });
  assert.deepEqual(await problems(store), ["LAYER_COUNT"]);
});

test("validate() finds a history that does not fit the layers", async () => {
  const wrong = await sample({ config: { history: [{ created_by: "a" }, { empty_layer: true }] } });
  assert.deepEqual(await problems(wrong.store), ["HISTORY_COUNT"]);
  for (const history of [[{}, { empty_layer: true }, {}], []]) {
    assert.deepEqual(await problems((await sample({ config: { history } })).store), []);
  }
});

test("validate() finds an image that is for another platform than the index says", async () => {
  const { store, image } = await sample({ config: { architecture: "arm64" } });
  await store.tag(await putIndex(store, [image]), "app");
  assert.deepEqual(await problems(store), ["PLATFORM_MISMATCH"]);
});

test("validate() compares the variant and the version of a platform where both name one", async () => {
  const arm = { os: "linux", architecture: "arm", variant: "v7" };
  const windows = { os: "windows", architecture: "amd64", "os.version": "10.0.17763.1" };
  const cases: readonly [Platform, Platform, boolean][] = [
    [arm, { ...arm, variant: "v6" }, false],
    [arm, { os: "freebsd", architecture: "arm", variant: "v7" }, false],
    [{ os: "linux", architecture: "mips64le", variant: "a" }, {
      os: "linux",
      architecture: "mips64le",
    }, true],
    [{ os: "linux", architecture: "mips64le" }, {
      os: "linux",
      architecture: "mips64le",
      variant: "a",
    }, true],
    [windows, windows, true],
    [windows, { ...windows, "os.version": "10.0.20348.1" }, false],
    [windows, { os: "windows", architecture: "amd64" }, true],
    [{ os: "windows", architecture: "amd64" }, windows, true],
  ];
  for (const [config, platform, isGood] of cases) {
    const { store, image } = await sample({ config });
    await store.tag(await putIndex(store, [{ ...image, platform }]), "app");
    const name = JSON.stringify([config, platform]);
    assert.deepEqual(await problems(store), isGood ? [] : ["PLATFORM_MISMATCH"], name);
  }
});

test("validate() takes other spellings of a platform, and attestations, as they are", async () => {
  const { store, image } = await sample({ config: { architecture: "arm64", variant: "v8" } });
  const platforms = [
    { os: "linux", architecture: "aarch64" },
    { os: "unknown", architecture: "unknown" },
  ];
  for (const platform of platforms) {
    await store.tag(await putIndex(store, [{ ...image, platform }]), "app");
    assert.deepEqual(await problems(store), [], platform.architecture);
  }
});

test("validate() finds paths that come twice in a layer", async () => {
  const { store } = await sample({}, ["x=1", "y=2", "./x=3"]);
  const report = await validate(store, "app");
  assert.deepEqual(report.problems.map(({ code, path }) => [code, path]), [[
    "DUPLICATE_PATH",
    "x",
  ]]);
});

test("validate() finds paths that lead out, and whiteouts that are none", async () => {
  const { store } = await sample({}, ["../x=1", "a/../../y=1", ".wh..=", "ok=1"]);
  assert.deepEqual(await problems(store), ["UNSAFE_PATH", "UNSAFE_PATH", "UNSAFE_PATH"]);
});

test("validate() shows no more of an unsafe path than a path may have", async () => {
  const { store } = await sample({}, [`../${"x".repeat(1_000_000)}=1`]);
  const { problems: [problem] } = await validate(store, "app");
  assert.equal(problem?.code, "UNSAFE_PATH");
  assert.equal(problem?.path?.length, MAX_PATH_LENGTH);
  assert.ok(problem.message.length < 1000);
});

test("validate() remembers no more of long paths than its limit", async () => {
  const whole = await tarOf([`${"d/".repeat(1000)}${"n".repeat(1900)}00000=`]);
  const entry = whole.subarray(0, -1024);
  // In the pax record; the digits there are in no checksum.
  const digits = entry.indexOf(0x30, entry.indexOf(0x6e, 1024));
  let count = 0;
  const entries = function* (): Generator<Bytes> {
    for (; count < 10_000; count++) {
      const named = entry.slice();
      named.set(utf8(String(count).padStart(5, "0")), digits);
      yield named;
    }
  };
  const digest = digestBytes("sha256", utf8("another"));
  const layer = { mediaType: MEDIA_TYPE_OCI_LAYER, digest, size: 2 ** 40 };
  const source = {
    exists: () => Promise.resolve(true),
    fetch: () => Promise.resolve(streamFrom(entries())),
  };
  const findings = { report: () => assert.fail("nothing is wrong"), bytes() {}, entry() {} };
  const { signal } = new AbortController();
  await assert.rejects(
    checkLayer(source, layer, digest, findings, { kernel: undefined, threads: undefined, signal }),
    LimitExceededError,
  );
  assert.ok(count > 3000 && count < 8000, `${count} paths`);
});

test("validate() reads four layers at once where the kernel hashes them, and one elsewhere", async () => {
  const store = memoryStore();
  const tars = await Promise.all([1, 2, 3, 4, 5, 6].map((number) => tarOf([`${number}=x`, "a=1"])));
  await store.tag(await putImage(store, [await tarOf(["a=1", "a=2"]), ...tars]), "app");
  let open = 0;
  let most = 0;
  const source = watched(store, {
    fetch(stream, { mediaType }) {
      if (mediaType !== MEDIA_TYPE_OCI_LAYER) return stream;
      most = Math.max(most, ++open);
      return through(stream, { chunk: (chunk) => chunk, end: () => void open-- });
    },
  });
  const plain = await validate(source, "app", { kernel: "js" });
  assert.equal(most, 1);
  open = 0;
  assert.deepEqual(await validate(source, "app", { kernel: "wasm" }), plain);
  assert.equal(most, loadKernel().kind === "wasm" ? 4 : 1);
  assert.deepEqual(plain.problems.map(({ code }) => code), ["DUPLICATE_PATH"]);
});

test("validate() finds a layer that is no archive", async () => {
  const store = memoryStore();
  const image = await putImage(store, [new Uint8Array(2048).fill(65)]);
  await store.tag(image, "app");
  assert.deepEqual(await problems(store), ["INVALID_LAYER"]);
});

test("validate() finds a layer that cannot be inflated", async () => {
  const tar = await tarOf(["a=1"]);
  const cut = async (bytes: Bytes) => (await zip(bytes)).slice(0, -4);
  const store = memoryStore();
  await store.tag(await putImage(store, [tar], { compress: cut }), "app");
  assert.deepEqual(await problems(store), ["INVALID_LAYER"]);
});

test("validate() finds a layer that is compressed otherwise than its type says", async () => {
  const plain = await sample({ compress: (tar) => Promise.resolve(tar) });
  assert.deepEqual(await problems(plain.store), ["COMPRESSION_MISMATCH", "COMPRESSION_MISMATCH"]);
});

/** Stores an image whose layers have any types. */
async function imageOfTypes(
  store: MemoryStore,
  diffIDs: readonly string[],
  layers: readonly { readonly mediaType: string; readonly content: Bytes }[],
): Promise<Descriptor> {
  return await put(store, MEDIA_TYPE_OCI_MANIFEST, {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE_OCI_MANIFEST,
    config: await put(store, MEDIA_TYPE_OCI_CONFIG, {
      os: "linux",
      architecture: "amd64",
      rootfs: { type: "layers", diff_ids: diffIDs },
    }),
    layers: await Promise.all(
      layers.map(({ mediaType, content }) => put(store, mediaType, content)),
    ),
  });
}

test("validate() knows the compression that any type of layer names", async () => {
  const tar = await tarOf(["a=1"]);
  const zstdOf = async (bytes: Bytes) =>
    await readAll(zstd(streamOf(bytes)), { maxBytes: 1 << 20 });
  const contents = { none: tar, gzip: await zip(tar), zstd: await zstdOf(tar) };
  const types = {
    "application/vnd.oci.image.layer.v1.tar": "none",
    "application/vnd.oci.image.layer.v1.tar+gzip": "gzip",
    "application/vnd.oci.image.layer.v1.tar+zstd": "zstd",
    "application/vnd.docker.image.rootfs.diff.tar": "none",
    "application/vnd.docker.image.rootfs.diff.tar.gzip": "gzip",
    "application/vnd.docker.image.rootfs.diff.tar.zstd": "zstd",
  };
  for (const [layerType, said] of Object.entries(types)) {
    for (const [found, content] of Object.entries(contents)) {
      const store = memoryStore();
      const diffIDs = [digestBytes("sha256", tar)];
      const layer = { mediaType: layerType, content };
      await store.tag(await imageOfTypes(store, diffIDs, [layer]), "app");
      const expected = found === said ? [] : ["COMPRESSION_MISMATCH"];
      assert.deepEqual(await problems(store), expected, `${layerType}: ${found}`);
    }
  }
});

test("validate() lets foreign layers be elsewhere, and no others", async () => {
  const store = memoryStore();
  const config = await put(store, MEDIA_TYPE_OCI_EMPTY, {});
  for (const mediaType of [MEDIA_TYPE_DOCKER_FOREIGN_LAYER_GZIP, MEDIA_TYPE_OCI_LAYER_GZIP]) {
    const digest = `sha256:${"2".repeat(64)}`;
    const image = await put(store, MEDIA_TYPE_OCI_MANIFEST, {
      schemaVersion: 2,
      mediaType: MEDIA_TYPE_OCI_MANIFEST,
      config,
      layers: [{ mediaType, digest, size: 5, urls: ["https://example.com/layer"] }],
    });
    await store.tag(image, "app");
    const expected = mediaType === MEDIA_TYPE_OCI_LAYER_GZIP ? ["MISSING"] : [];
    assert.deepEqual(await problems(store), expected, mediaType);
  }
});

test("validate() reads a foreign layer of an image where it is there", async () => {
  const store = memoryStore();
  const tar = await tarOf(["a=1", "./a=2"]);
  const image = (mediaType: string) =>
    imageOfTypes(store, [digestBytes("sha256", tar)], [{ mediaType, content: tar }]);
  await store.tag(await image(MEDIA_TYPE_DOCKER_FOREIGN_LAYER_GZIP), "app");
  assert.deepEqual(await problems(store), ["DUPLICATE_PATH", "COMPRESSION_MISMATCH"]);
  await store.delete({ mediaType: "", digest: digestBytes("sha256", tar), size: tar.length });
  assert.deepEqual(await problems(store), []);
});

test("validate() only proves what is no layer, also in an image", async () => {
  const store = memoryStore();
  const content = utf8("no archive");
  const layer = { mediaType: "application/vnd.example", content };
  await store.tag(await imageOfTypes(store, [digestBytes("sha256", content)], [layer]), "app");
  assert.deepEqual(await problems(store), []);
  const { digest } = { digest: digestBytes("sha256", content) };
  const changed = replacing(store, { ...layer, digest, size: 10 }, utf8("no Archive"));
  assert.deepEqual(await problems(changed), ["DIGEST_MISMATCH"]);
});

test("validate() proves the blobs of an artifact", async () => {
  const store = memoryStore();
  const config = await put(store, MEDIA_TYPE_OCI_EMPTY, {});
  const blob = await put(store, MEDIA_TYPE_OCI_LAYER, new Uint8Array(100));
  const artifact = await put(store, MEDIA_TYPE_OCI_MANIFEST, {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE_OCI_MANIFEST,
    artifactType: "application/vnd.example",
    config,
    layers: [blob],
  });
  await store.tag(artifact, "app");
  assert.deepEqual(await problems(store), []);
  const { stats } = await validate(store, "app");
  assert.deepEqual(stats, { manifests: 1, images: 0, blobs: 2, bytes: 102, entries: 0 });
  assert.deepEqual(
    await problems(replacing(store, blob, new Uint8Array(100).fill(1))),
    ["DIGEST_MISMATCH"],
  );
});

test("validate() proves what an index has beside manifests", async () => {
  const { store, image } = await sample();
  const blob = await put(store, "application/vnd.example", new Uint8Array(100));
  await store.tag(await putIndex(store, [image, blob]), "app");
  assert.deepEqual(await problems(store), []);
  assert.equal((await validate(store, "app")).stats.blobs, 4);
  const changed = new Uint8Array(100).fill(1);
  assert.deepEqual(await problems(replacing(store, blob, changed)), ["DIGEST_MISMATCH"]);
  await store.delete(blob);
  assert.deepEqual(await problems(store), ["MISSING"]);
});

test("validate() finds a digest that nobody can prove", async () => {
  const store = memoryStore();
  const config = await put(store, MEDIA_TYPE_OCI_EMPTY, {});
  const layer = { mediaType: MEDIA_TYPE_OCI_LAYER, digest: "blake9:abcd", size: 5, data: "AAAA" };
  const manifest = { schemaVersion: 2, mediaType: MEDIA_TYPE_OCI_MANIFEST, config };
  const artifact = { ...manifest, artifactType: "application/vnd.example", layers: [layer] };
  await store.tag(await put(store, MEDIA_TYPE_OCI_MANIFEST, artifact), "app");
  assert.deepEqual(await problems(store), ["INVALID_DIGEST"]);
});

test("validate() finds a manifest that is larger than one may be", async () => {
  const { store, image } = await sample();
  await store.tag(await putIndex(store, [{ ...image, size: MAX_MANIFEST_BYTES + 1 }]), "app");
  assert.deepEqual(await problems(store), ["LIMIT_EXCEEDED"]);
});

test("validate() finds indexes that are nested too deep", async () => {
  const { store, image } = await sample();
  let index = image;
  for (let i = 0; i < 5; i++) index = await putIndex(store, [index]);
  await store.tag(index, "app");
  assert.deepEqual(await problems(store), []);
  await store.tag(await putIndex(store, [index]), "app");
  assert.deepEqual(await problems(store), ["LIMIT_EXCEEDED"]);
  const { problems: [problem] } = await validate(store, "app");
  assert.match(problem?.message ?? "", /more than 5 levels of indexes$/);
});

test("validate() finds an index of more manifests than it reads, and reads no more", async () => {
  const { store, image } = await sample();
  // Another size makes each of them a descriptor to be proved.
  const list = (count: number) =>
    Array.from({ length: count }, (_, at) => ({ ...image, size: image.size + at }));
  for (const [count, isTooMany] of [[999, false], [1000, true]] as const) {
    await store.tag(await putIndex(store, list(count)), "app");
    const source = watched(store);
    const report = await validate(source, "app", { fast: true });
    const limits = report.problems.filter(({ code }) => code === "LIMIT_EXCEEDED");
    assert.equal(limits.length, isTooMany ? 1 : 0);
    if (isTooMany) assert.match(limits[0]?.message ?? "", /more than 1000 manifests$/);
    const { digest } = image;
    assert.equal(source.fetched.filter((fetched) => fetched === digest).length, 999);
  }
});

test("validate() lists a thousand problems of a layer that has more", async () => {
  const { store } = await sample({}, Array.from({ length: 1001 }, (_, at) => `../${at}=`));
  const report = await validate(store, "app");
  assert.equal(report.problems.length, 1000);
  assert.equal(report.problems[999]?.path, "../999");
  assert.equal(report.stats.entries, 1003);
});

test("validate() tells what is wrong once, however many descriptors lead to it", async () => {
  const { store, image, layers } = await sample();
  const [layer] = layers;
  assert.ok(layer !== undefined);
  await store.delete(layer);
  const mediaType = MEDIA_TYPE_OCI_MANIFEST;
  const { config } = JSON.parse(new TextDecoder().decode(await contentOf(store, image)));
  const other = await put(store, mediaType, { schemaVersion: 2, mediaType, config, layers, x: 1 });
  await store.tag(await putIndex(store, [image, other, image]), "app");
  assert.deepEqual(await problems(store, { fast: true }), ["MISSING"]);
  const source = watched(store);
  assert.deepEqual(await problems(source), ["MISSING"]);
  assert.equal(source.fetched.filter((digest) => digest === image.digest).length, 1);
});

test("validate() rejects when the source fails, and when it is aborted", async () => {
  const { store } = await sample();
  const boom = new Error("network down");
  const source = watched(store, {
    fetch: (stream, { mediaType }) =>
      mediaType.includes("layer")
        ? new ReadableStream({ pull: (controller) => controller.error(boom) })
        : stream,
  });
  await assert.rejects(validate(source, "app"), (error: unknown) => error === boom);
  const stalled = watched(store, {
    fetch: (stream, { mediaType }) =>
      mediaType.includes("layer")
        ? new ReadableStream({ pull: () => new Promise(() => {}) })
        : stream,
  });
  const controller = new AbortController();
  setTimeout(() => controller.abort("enough"), 5);
  await assert.rejects(
    validate(stalled, "app", { signal: controller.signal }),
    (error: unknown) => error === "enough",
  );
  assert.equal(stalled.open, 0);
});

test("validate() finds descriptors of one content that say different things", async () => {
  const { store, image, layers } = await sample();
  const docker = "application/vnd.docker.distribution.manifest.v2+json";
  const others: readonly [Partial<Descriptor>, ProblemCode][] = [
    [{ size: image.size + 1 }, "SIZE_MISMATCH"],
    [{ mediaType: docker }, "INVALID_MANIFEST"],
    [{ platform: { os: "linux", architecture: "arm64" } }, "PLATFORM_MISMATCH"],
  ];
  for (const [other, code] of others) {
    await store.tag(await putIndex(store, [image, { ...image, ...other }]), "app");
    assert.deepEqual(await problems(store), [code], code);
    const { stats } = await validate(store, "app");
    assert.equal(stats.images, 1, "the image is one");
    assert.equal(stats.manifests, 2);
  }
  const { config } = JSON.parse(new TextDecoder().decode(await contentOf(store, image)));
  const [layer] = layers;
  assert.ok(layer !== undefined);
  for (const extra of [{ size: layer.size + 1 }, { mediaType: MEDIA_TYPE_OCI_LAYER }]) {
    const twice = await put(store, MEDIA_TYPE_OCI_MANIFEST, {
      schemaVersion: 2,
      mediaType: MEDIA_TYPE_OCI_MANIFEST,
      config: await put(store, "application/vnd.oci.image.config.v1+json", {
        os: "linux",
        architecture: "amd64",
        rootfs: { type: "layers", diff_ids: Array(2).fill(await diffIDOf(store, config)) },
      }),
      layers: [layer, { ...layer, ...extra }],
    });
    await store.tag(twice, "app");
    const code = "size" in extra ? "SIZE_MISMATCH" : "COMPRESSION_MISMATCH";
    assert.deepEqual(await problems(store), [code]);
  }
});

/** The first diffID of a config. */
async function diffIDOf(store: MemoryStore, config: Descriptor): Promise<string> {
  const value = JSON.parse(new TextDecoder().decode(await contentOf(store, config)));
  return value.rootfs.diff_ids[0];
}

test("validate() finds content in a descriptor that is something else, and does not rely on it", async () => {
  const store = memoryStore();
  const config = await put(store, MEDIA_TYPE_OCI_EMPTY, {});
  const note = { mediaType: "text/plain", digest: digestBytes("sha256", utf8("note")), size: 4 };
  const artifact = async (data: string) => {
    const target = await put(store, MEDIA_TYPE_OCI_MANIFEST, {
      schemaVersion: 2,
      mediaType: MEDIA_TYPE_OCI_MANIFEST,
      artifactType: "application/vnd.example",
      config,
      layers: [{ ...note, data }],
    });
    await store.tag(target, "app");
  };
  await artifact(btoa("note"));
  assert.deepEqual(await problems(store), ["MISSING"], "only the manifest has it");
  assert.deepEqual(await problems(store, { fast: true }), ["MISSING"]);
  await store.push(note, utf8("note"));
  assert.deepEqual(await problems(store), []);
  for (const data of [btoa("evil"), btoa("note!"), "bm90", "not base64!"]) {
    await artifact(data);
    assert.deepEqual(await problems(store), ["DATA_MISMATCH"], data);
  }
  const about = await put(store, MEDIA_TYPE_OCI_MANIFEST, {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE_OCI_MANIFEST,
    config,
    layers: [],
    subject: { ...note, data: btoa("evil") },
  });
  await store.tag(about, "app");
  assert.deepEqual(await problems(store), ["DATA_MISMATCH"]);
});

test("validate() finds keys that come twice, in which readers see different images", async () => {
  const { store, image, layers } = await sample();
  const raw = new TextDecoder().decode(await contentOf(store, image));
  const twice = raw.replace('"layers":', '"layers":[],"layers":');
  await store.tag(await put(store, MEDIA_TYPE_OCI_MANIFEST, utf8(twice)), "app");
  assert.deepEqual(await problems(store), ["INVALID_MANIFEST"]);
  const { config } = JSON.parse(raw);
  const text = new TextDecoder().decode(await contentOf(store, config));
  const target = await put(store, MEDIA_TYPE_OCI_MANIFEST, {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE_OCI_MANIFEST,
    config: await put(store, config.mediaType, utf8(text.replace("{", '{"os":"plan9",'))),
    layers,
  });
  await store.tag(target, "app");
  assert.deepEqual(await problems(store), ["INVALID_CONFIG"]);
});

test("validate() finds times that readers in Go do not take", async () => {
  for (
    const time of [
      "2026-11-21",
      "2026-11-21 10:00:00Z",
      "2026-11-21T10:00:00",
      "2026-11-21t10:00:00z",
      "2026-02-29T10:00:00Z",
      "2026-13-01T10:00:00Z",
      "2026-00-01T10:00:00Z",
      "2026-11-00T10:00:00Z",
      "2026-11-21T24:00:00Z",
      "yesterday",
      "",
    ]
  ) {
    const { store } = await sample({ config: { created: time } });
    assert.deepEqual(await problems(store), ["INVALID_CONFIG"], time);
    const history = [{ created: time }, { created_by: "x" }];
    assert.deepEqual(await problems((await sample({ config: { history } })).store), [
      "INVALID_CONFIG",
    ]);
  }
  for (
    const time of [
      "0001-01-01T00:00:00Z",
      "2024-02-29T23:59:59.123456789Z",
      "2026-11-21T10:00:00+05:30",
    ]
  ) {
    const { store } = await sample({ config: { created: time } });
    assert.deepEqual(await problems(store), [], time);
  }
});

test("validate() finds IDs of schema 1 that come twice, or have other parents", async () => {
  const [a, b] = ["a".repeat(64), "b".repeat(64)];
  const schema1 = "application/vnd.docker.distribution.manifest.v1+json";
  const blob = utf8("layer");
  const blobSum = digestBytes("sha256", blob);
  const histories: readonly [boolean, readonly object[]][] = [
    [true, [{ id: a, parent: b }, { id: b }]],
    [false, [{ id: a, parent: b }, { id: b, parent: a }]],
    [false, [{ id: a, parent: b }, { id: b, parent: a }, { id: a }]],
    [false, [{ id: a }, { id: b }]],
    [false, [{ id: "short" }, { id: b }]],
  ];
  for (const [isGood, history] of histories) {
    const raw = utf8(JSON.stringify({
      schemaVersion: 1,
      name: "acme/app",
      tag: "1",
      architecture: "amd64",
      fsLayers: history.map(() => ({ blobSum })),
      history: history.map((entry) => ({ v1Compatibility: JSON.stringify(entry) })),
    }));
    const descriptor = { mediaType: schema1, digest: digestBytes("sha256", raw), size: raw.length };
    const asked: string[] = [];
    // A source that knows sizes, as registries do: blobs are read too.
    const source = {
      resolve: () => Promise.resolve(descriptor),
      exists: () => Promise.resolve(true),
      fetch: ({ digest }: Descriptor) => {
        asked.push(digest);
        return Promise.resolve(streamOf(digest === blobSum ? utf8("layer") : raw));
      },
      resolveBlob: (digest: string) =>
        Promise.resolve({ mediaType: "application/octet-stream", digest, size: blob.length }),
    };
    const report = await validate(source, "app");
    const codes = report.problems.map(({ code }) => code);
    assert.deepEqual(codes, isGood ? [] : ["INVALID_MANIFEST"], JSON.stringify(history));
    assert.equal(asked.filter((digest) => digest === blobSum).length, isGood ? 1 : 0);
  }
});

test("validate() proves the layers of schema 1 where the source knows their sizes", async () => {
  const id = "a".repeat(64);
  const blobSum = digestBytes("sha256", utf8("layer"));
  const raw = utf8(JSON.stringify({
    schemaVersion: 1,
    name: "acme/app",
    tag: "1",
    architecture: "amd64",
    fsLayers: [{ blobSum }],
    history: [{ v1Compatibility: JSON.stringify({ id }) }],
  }));
  const store = memoryStore();
  const mediaType = "application/vnd.docker.distribution.manifest.v1+json";
  await store.tag(await putIndex(store, [await put(store, mediaType, raw)]), "app");
  assert.deepEqual(await problems(store), [], "a store does not know the size of what it lacks");
  const sized = (content: string) => {
    const layer = { mediaType: "application/octet-stream", digest: blobSum, size: 5 };
    return {
      resolve: (reference: string) => store.resolve(reference),
      exists: (target: Descriptor) => store.exists(target),
      fetch: (target: Descriptor) =>
        target.digest === blobSum ? Promise.resolve(streamOf(utf8(content))) : store.fetch(target),
      resolveBlob: () =>
        content === "" ? Promise.reject(new NotFoundError("no such blob")) : Promise.resolve(layer),
    };
  };
  for (const [content, code] of [["layer", []], ["LAYER", "DIGEST_MISMATCH"], ["", "MISSING"]]) {
    const report = await validate(sized(`${content}`), "app");
    assert.deepEqual(report.problems.map((problem) => problem.code), [code].flat());
    assert.equal(report.stats.manifests, 2);
    assert.equal(report.stats.blobs, 1);
  }
});
