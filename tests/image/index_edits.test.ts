import assert from "node:assert/strict";
import { test } from "node:test";
import {
  append,
  appendToIndex,
  emptyImage,
  filterIndex,
  flatten,
  indexFrom,
  type IndexView,
  layerFrom,
  loadImage,
  loadIndex,
  mapIndex,
  mutate,
  mutateIndex,
  removeFromIndex,
} from "../../lib/image/mod.ts";
import {
  formatPlatform,
  MEDIA_TYPE_OCI_INDEX,
  MEDIA_TYPE_OCI_MANIFEST,
} from "../../lib/model/mod.ts";
import { validate } from "../../lib/ops/mod.ts";
import type { Descriptor } from "../../lib/model/descriptor.ts";
import { push } from "../../lib/ops/push.ts";
import { memoryStore } from "../../lib/store/mod.ts";
import { randomImage, randomIndex } from "../../lib/testing/mod.ts";
import { put, putImage, putIndex, tarOf } from "./images.ts";

const platforms = async (index: IndexView): Promise<string[]> =>
  (await index.platforms()).map(formatPlatform);

const digestsOf = async (index: IndexView): Promise<string[]> =>
  (await index.manifest()).manifests.map(({ digest }) => digest);

async function isWhole(index: IndexView): Promise<void> {
  const store = memoryStore();
  await push(index, store, "1");
  assert.deepEqual((await validate(store, "1")).problems, []);
}

test("indexFrom() makes an index of images, those that are stored and those that are edited", async () => {
  const store = memoryStore();
  const made = await randomImage("a", { platform: { os: "linux", architecture: "arm64" } });
  await made.pushTo(store, "named");
  const arm = await loadImage(store, made.descriptor);
  const empty = emptyImage({ os: "linux", architecture: "amd64" });
  const amd = append(empty, await layerFrom([{ path: "x" }]));
  const index = indexFrom([amd, { manifest: arm, annotations: { a: "b" } }], {
    annotations: { title: "both" },
  });
  assert.equal(index.mediaType, MEDIA_TYPE_OCI_INDEX);
  assert.deepEqual(await platforms(index), ["linux/amd64", "linux/arm64"]);
  const { manifests, annotations } = await index.manifest();
  assert.deepEqual({ ...annotations }, { title: "both" });
  assert.deepEqual(
    JSON.parse(JSON.stringify(manifests[1])),
    {
      mediaType: MEDIA_TYPE_OCI_MANIFEST,
      digest: made.descriptor.digest,
      size: made.descriptor.size,
      platform: { os: "linux", architecture: "arm64" },
      annotations: { a: "b" },
    },
  );
  const chosen = await index.image({ platform: { os: "linux", architecture: "amd64" } });
  assert.equal(await chosen.digest(), await amd.digest());
  await isWhole(index);
});

test("indexFrom() of Docker images makes Docker's list, unless told otherwise", async () => {
  const image = emptyImage({ os: "linux", architecture: "amd64" }, "docker");
  const list = "application/vnd.docker.distribution.manifest.list.v2+json";
  assert.equal(indexFrom([image]).mediaType, list);
  assert.equal(indexFrom([image], { format: "oci" }).mediaType, MEDIA_TYPE_OCI_INDEX);
  assert.equal(indexFrom([]).mediaType, MEDIA_TYPE_OCI_INDEX);
  const oci = emptyImage({ os: "linux", architecture: "amd64" });
  assert.equal(indexFrom([image, oci]).mediaType, MEDIA_TYPE_OCI_INDEX);
  assert.deepEqual((await indexFrom([]).manifest()).manifests, []);
});

test("appendToIndex() keeps what is there, with unknown fields, and adds each image once", async () => {
  const store = memoryStore();
  const child = await putImage(store, [await tarOf(["a=1"])]);
  const descriptor = await put(store, MEDIA_TYPE_OCI_INDEX, {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE_OCI_INDEX,
    "x-mine": [1, 2],
    manifests: [{ ...child, "x-child": true }],
    annotations: { k: "v" },
  });
  const index = await loadIndex(store, descriptor);
  const arm = emptyImage({ os: "linux", architecture: "arm64" });
  const more = appendToIndex(index, await loadImage(store, child), arm, arm);
  const raw = new TextDecoder().decode(await more.rawManifest());
  assert.match(raw, /"x-mine":\[1,2\]/);
  assert.match(raw, /"x-child":true/);
  assert.deepEqual(await digestsOf(more), [child.digest, await arm.digest()]);
  assert.equal(await index.digest(), descriptor.digest);
  await isWhole(more);
  const same = appendToIndex(index, await loadImage(store, child));
  assert.equal(await same.digest(), descriptor.digest);
});

test("appendToIndex() takes the entries of an index, or the index as one entry", async () => {
  const store = memoryStore();
  const made = await randomIndex("other");
  await made.pushTo(store);
  const other = await loadIndex(store, made.descriptor);
  const base = indexFrom([emptyImage({ os: "windows", architecture: "amd64" })]);
  const flat = appendToIndex(base, other);
  assert.deepEqual(
    (await digestsOf(flat)).slice(1),
    made.images.map(({ descriptor }) => descriptor.digest),
  );
  assert.deepEqual(await platforms(flat), ["windows/amd64", "linux/amd64", "linux/arm64/v8"]);
  await isWhole(flat);
  const nested = appendToIndex(base, { manifest: other, nested: true });
  assert.deepEqual((await digestsOf(nested)).slice(1), [made.descriptor.digest]);
  assert.deepEqual(await platforms(nested), await platforms(flat));
  await isWhole(nested);
});

test("filterIndex() keeps platforms, and the attestations of their images", async () => {
  const store = memoryStore();
  const tar = await tarOf(["a=1"]);
  const images: Descriptor[] = [];
  for (
    const platform of [
      { os: "linux", architecture: "amd64" },
      { os: "linux", architecture: "arm", variant: "v6" },
      { os: "linux", architecture: "arm", variant: "v7" },
      { os: "windows", architecture: "amd64", "os.version": "10.0.1" },
    ]
  ) images.push(await putImage(store, [tar], { platform }));
  const attestations: Descriptor[] = [];
  for (const { digest } of images) {
    const attestation = await putImage(store, [await tarOf([`for=${digest}`])]);
    attestations.push({
      ...attestation,
      platform: { os: "unknown", architecture: "unknown" },
      annotations: {
        "vnd.docker.reference.type": "attestation-manifest",
        "vnd.docker.reference.digest": digest,
      },
    });
  }
  const all = [...images, ...attestations];
  const index = await loadIndex(store, await putIndex(store, all));
  const cases: readonly [Parameters<typeof filterIndex>[1], readonly number[]][] = [
    [[{ os: "linux", architecture: "amd64" }], [0, 4]],
    [[{ os: "linux" }], [0, 1, 2, 4, 5, 6]],
    [[{ architecture: "arm" }], [1, 2, 5, 6]],
    [[{ architecture: "arm", variant: "7" }], [2, 6]],
    [[{ architecture: "x86_64" }], [0, 3, 4, 7]],
    [[{ "os.version": "10.0.1" }], [3, 7]],
    [[{ architecture: "arm", variant: "v6" }, { os: "windows" }], [1, 3, 5, 7]],
    [({ digest }) => digest === images[1]?.digest, [1, 5]],
  ];
  for (const [keep, expected] of cases) {
    const filtered = filterIndex(index, keep);
    assert.deepEqual(
      await digestsOf(filtered),
      expected.map((i) => all[i]?.digest),
      JSON.stringify(keep),
    );
    await isWhole(filtered);
  }
  assert.equal(await filterIndex(index, () => true).digest(), await index.digest());
  await assert.rejects(filterIndex(index, [{ os: "plan9" }]).digest(), {
    code: "NOT_FOUND",
    message: /it has linux\/amd64, linux\/arm\/v6/,
  });
});

test("removeFromIndex() takes entries out by digest, and refuses what is not there", async () => {
  const store = memoryStore();
  const made = await randomIndex("index");
  await made.pushTo(store);
  const index = await loadIndex(store, made.descriptor);
  const [first = "", second = ""] = await digestsOf(index);
  assert.deepEqual(await digestsOf(removeFromIndex(index, first)), [second]);
  await assert.rejects(removeFromIndex(index, made.descriptor.digest).digest(), {
    code: "NOT_FOUND",
  });
});

test("mapIndex() edits every image, and drops attestations of what is no more", async () => {
  const store = memoryStore();
  const made = await randomIndex("mapped");
  await made.pushTo(store);
  const [first] = made.images;
  const attestation = {
    ...await putImage(store, [await tarOf(["about=1"])]),
    platform: { os: "unknown", architecture: "unknown" },
    annotations: {
      "vnd.docker.reference.type": "attestation-manifest",
      "vnd.docker.reference.digest": first?.descriptor.digest ?? "",
    },
  };
  const nested = await putIndex(store, made.index.manifests.slice(1));
  const descriptor = await put(store, MEDIA_TYPE_OCI_INDEX, {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE_OCI_INDEX,
    manifests: [{ ...made.index.manifests[0], annotations: { keep: "me" } }, attestation, nested],
    "x-mine": true,
  });
  const index = await loadIndex(store, descriptor);
  const labelled = mapIndex(index, (image) => mutate(image, { labels: { team: "a" } }));
  const { manifests } = await labelled.manifest();
  assert.equal(manifests.length, 2);
  assert.deepEqual({ ...manifests[0]?.annotations }, { keep: "me" });
  assert.deepEqual(await platforms(labelled), await platforms(index));
  for await (const image of labelled.images()) {
    assert.equal((await image.config()).config?.Labels?.["team"], "a");
  }
  await isWhole(labelled);
  assert.equal(await mapIndex(index, (image) => image).digest(), descriptor.digest);
  assert.equal((await mapIndex(index, (image) => flatten(image)).platforms()).length, 2);
});

test("mutateIndex() sets annotations, and nothing else", async () => {
  const store = memoryStore();
  const made = await randomIndex("annotated");
  await made.pushTo(store);
  const index = await loadIndex(store, made.descriptor);
  const annotated = mutateIndex(index, { annotations: { a: "b", c: "d" } });
  assert.deepEqual({ ...(await annotated.manifest()).annotations }, { a: "b", c: "d" });
  assert.deepEqual(await digestsOf(annotated), await digestsOf(index));
  await isWhole(annotated);
  assert.equal(
    await mutateIndex(annotated, { annotations: { a: null, c: null } }).digest(),
    made.descriptor.digest,
  );
  assert.equal(await mutateIndex(index, {}).digest(), made.descriptor.digest);
});
