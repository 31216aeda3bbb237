import { test } from "node:test";
import assert from "node:assert/strict";
import { readAll, streamFrom, streamOf, through } from "../../lib/bytes/mod.ts";
import { zstd } from "../../lib/compress/mod.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import { loadKernel } from "../../lib/kernel/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { LimitExceededError } from "../../lib/model/errors.ts";
import {
  type Descriptor,
  MEDIA_TYPE_DOCKER_FOREIGN_LAYER_GZIP,
  MEDIA_TYPE_OCI_CONFIG,
  MEDIA_TYPE_OCI_EMPTY,
  MEDIA_TYPE_OCI_LAYER,
  MEDIA_TYPE_OCI_LAYER_GZIP,
  MEDIA_TYPE_OCI_MANIFEST,
} from "../../lib/model/mod.ts";
import { type MemoryStore, memoryStore } from "../../lib/store/mod.ts";
import { checkLayer } from "../../lib/ops/_check_layer.ts";
import { validate } from "../../lib/ops/mod.ts";
import { MAX_PATH_LENGTH } from "../../lib/tar/mod.ts";
import { put, putImage, tarOf } from "../image/images.ts";
import { watched } from "./content.ts";
import { problems, replacing, sample, utf8, zip } from "./validated.ts";

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
