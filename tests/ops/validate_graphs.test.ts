import { test } from "node:test";
import assert from "node:assert/strict";
import { streamOf } from "../../lib/bytes/mod.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import { NotFoundError } from "../../lib/model/errors.ts";
import { MAX_MANIFEST_BYTES } from "../../lib/model/manifest.ts";
import {
  type Descriptor,
  MEDIA_TYPE_OCI_EMPTY,
  MEDIA_TYPE_OCI_LAYER,
  MEDIA_TYPE_OCI_MANIFEST,
} from "../../lib/model/mod.ts";
import { type MemoryStore, memoryStore } from "../../lib/store/mod.ts";
import { type ProblemCode, validate } from "../../lib/ops/mod.ts";
import { put, putIndex } from "../image/images.ts";
import { watched } from "./content.ts";
import { contentOf, problems, replacing, sample, utf8 } from "./validated.ts";

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
      "2026-11-21T23:60:00Z",
      "2016-12-31T23:59:60Z",
      "2026-11-21T10:00:00+24:00",
      "2026-11-21T10:00:00+05:60",
      "2026-11-21T10:00:00.Z",
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
      "2026-12-31T23:59:59-23:59",
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
