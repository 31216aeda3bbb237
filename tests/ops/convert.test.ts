import { test } from "node:test";
import assert from "node:assert/strict";
import { encodeBase64 } from "../../lib/model/base64.ts";
import {
  CorruptStreamError,
  type Descriptor,
  MEDIA_TYPE_DOCKER_CONFIG,
  MEDIA_TYPE_DOCKER_LAYER,
  MEDIA_TYPE_DOCKER_LAYER_GZIP,
  MEDIA_TYPE_DOCKER_MANIFEST,
  MEDIA_TYPE_DOCKER_MANIFEST_LIST,
  MEDIA_TYPE_OCI_CONFIG,
  MEDIA_TYPE_OCI_INDEX,
  MEDIA_TYPE_OCI_LAYER,
  MEDIA_TYPE_OCI_LAYER_ZSTD,
  MEDIA_TYPE_OCI_MANIFEST,
  type ParsedManifest,
  UnsupportedMediaTypeError,
} from "../../lib/model/mod.ts";
import { readAll } from "../../lib/bytes/mod.ts";
import { gunzip } from "../../lib/compress/mod.ts";
import { fetchManifest } from "../../lib/image/fetch_manifest.ts";
import { layerFrom } from "../../lib/image/mod.ts";
import { memoryStore } from "../../lib/store/mod.ts";
import { copy, planCopy, pushArtifact, validate } from "../../lib/ops/mod.ts";
import { get, put, putImage, putIndex, type Store, watched } from "./content.ts";

const ATTESTATION = "vnd.docker.reference.digest";

async function indexWithAttestation(store: Store) {
  const image = await putImage(store, ["layer"], {
    extra: { annotations: { key: "value" }, "x-unknown": [1] },
  });
  const attestation = {
    ...await put(store, MEDIA_TYPE_OCI_MANIFEST, {
      schemaVersion: 2,
      mediaType: MEDIA_TYPE_OCI_MANIFEST,
      config: await put(store, MEDIA_TYPE_OCI_CONFIG, "{}"),
      layers: [await put(store, "application/vnd.in-toto+json", "statement")],
    }),
    platform: { os: "unknown", architecture: "unknown" },
    annotations: {
      "vnd.docker.reference.type": "attestation-manifest",
      [ATTESTATION]: image.digest,
    },
  };
  const root = await putIndex(store, [image, attestation], "app:1");
  return { root, image, attestation };
}

async function parsed(store: Store, descriptor: Descriptor): Promise<ParsedManifest> {
  return await fetchManifest(store, descriptor);
}

test("copy() keeps every digest unless a format is wanted, also the format it has", async () => {
  const from = memoryStore();
  const { root } = await indexWithAttestation(from);
  assert.equal((await copy(from, "app:1", memoryStore())).descriptor.digest, root.digest);
  const same = await copy(from, "app:1", memoryStore(), { format: "oci" });
  assert.deepEqual(same.descriptor.digest, root.digest);
});

test("copy() to Docker's format writes list, manifest and types anew, not configs and layers", async () => {
  const from = memoryStore();
  const to = memoryStore();
  const { root, image, attestation } = await indexWithAttestation(from);
  const { descriptor } = await copy(from, "app:1", to, { format: "docker" });
  assert.notEqual(descriptor.digest, root.digest);
  assert.equal((await to.resolve("app:1")).digest, descriptor.digest);
  const list = await parsed(to, descriptor);
  assert.ok(list.kind === "index");
  assert.equal(list.mediaType, MEDIA_TYPE_DOCKER_MANIFEST_LIST);
  const [first, second] = list.value.manifests;
  assert.ok(first !== undefined && second !== undefined);
  assert.deepEqual({ ...first.platform }, { os: "linux", architecture: "amd64" });
  const manifest = await parsed(to, first);
  assert.ok(manifest.kind === "image");
  assert.equal(manifest.mediaType, MEDIA_TYPE_DOCKER_MANIFEST);
  assert.equal(manifest.value.annotations, undefined);
  assert.deepEqual((manifest.value as unknown as Record<string, unknown>)["x-unknown"], [1]);
  const before = await parsed(from, image);
  assert.ok(before.kind === "image");
  assert.equal(manifest.value.config.mediaType, MEDIA_TYPE_DOCKER_CONFIG);
  assert.equal(manifest.value.config.digest, before.value.config.digest);
  assert.deepEqual(manifest.value.layers.map(({ mediaType }) => mediaType), [
    MEDIA_TYPE_DOCKER_LAYER,
  ]);
  assert.deepEqual(
    manifest.value.layers.map(({ digest }) => digest),
    before.value.layers.map(({ digest }) => digest),
  );
  // What is no image stays, and speaks about the image by its new digest.
  assert.equal(second.digest, attestation.digest);
  assert.equal(second.annotations?.[ATTESTATION], first.digest);
});

test("copy() in a format leaves manifests that are embedded in an index out of it", async () => {
  const from = memoryStore();
  const image = await putImage(from, ["layer"]);
  const data = encodeBase64((await parsed(from, image)).raw);
  await putIndex(from, [{ ...image, data }], "app:1");
  const to = memoryStore();
  await copy(from, "app:1", to, { format: "docker" });
  const list = await parsed(to, await to.resolve("app:1"));
  assert.ok(list.kind === "index");
  assert.deepEqual(list.value.manifests.map((child) => child.data), [undefined]);
});

test("copy() there and back again gives an index of the same images", async () => {
  const store = memoryStore();
  const { image } = await indexWithAttestation(store);
  const there = await copy(store, "app:1", store, { format: "docker", targetReference: "d:1" });
  const back = await copy(store, "d:1", store, { format: "oci", targetReference: "o:1" });
  assert.notEqual(there.descriptor.digest, back.descriptor.digest);
  const index = await parsed(store, back.descriptor);
  assert.ok(index.kind === "index");
  assert.equal(index.mediaType, MEDIA_TYPE_OCI_INDEX);
  const [child] = index.value.manifests;
  assert.ok(child !== undefined);
  const [now, before] = [await parsed(store, child), await parsed(store, image)];
  assert.ok(now.kind === "image" && before.kind === "image");
  assert.deepEqual(now.value.config.digest, before.value.config.digest);
  assert.deepEqual(now.value.layers.map((layer) => layer.mediaType), [MEDIA_TYPE_OCI_LAYER]);
});

test("copy() to the OCI format takes an image of Docker's, and the result is valid", async () => {
  const from = memoryStore();
  const config = await put(from, MEDIA_TYPE_DOCKER_CONFIG, {
    architecture: "amd64",
    os: "linux",
    rootfs: { type: "layers", diff_ids: [] },
  });
  const root = await put(from, MEDIA_TYPE_DOCKER_MANIFEST, {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE_DOCKER_MANIFEST,
    config,
    layers: [],
  });
  await from.tag(root, "app:1");
  const to = memoryStore();
  const { descriptor } = await copy(from, "app:1", to, { format: "oci" });
  assert.equal(descriptor.mediaType, MEDIA_TYPE_OCI_MANIFEST);
  const { value } = await parsed(to, descriptor);
  assert.equal("config" in value && value.config.mediaType, MEDIA_TYPE_OCI_CONFIG);
  assert.deepEqual((await validate(to, "app:1")).problems, []);
});

test("copy() converts one platform, and the types of compressed layers", async () => {
  const from = memoryStore();
  const layer = await put(from, "application/vnd.oci.image.layer.v1.tar+gzip", "bytes");
  const image = await putImage(from, [layer]);
  await putIndex(from, [image, await putImage(from, ["x"], { architecture: "arm64" })], "app:1");
  const to = memoryStore();
  const platform = { os: "linux", architecture: "amd64" };
  const { descriptor } = await copy(from, "app:1", to, { format: "docker", platform });
  const { value } = await parsed(to, descriptor);
  assert.deepEqual("layers" in value && value.layers.map(({ mediaType }) => mediaType), [
    MEDIA_TYPE_DOCKER_LAYER_GZIP,
  ]);
});

test("a second copy() in a format gives the same digest", async () => {
  const from = memoryStore();
  await indexWithAttestation(from);
  const to = memoryStore();
  const first = await copy(from, "app:1", to, { format: "docker" });
  const second = await copy(from, "app:1", to, { format: "docker" });
  assert.equal(second.descriptor.digest, first.descriptor.digest);
});

test("copy() refuses an artifact in Docker's format, and stores nothing", async () => {
  const from = memoryStore();
  const to = watched(memoryStore());
  await pushArtifact(from, [], { artifactType: "application/x", reference: "art:1" });
  await assert.rejects(
    Promise.resolve(copy(from, "art:1", to, { format: "docker" })),
    UnsupportedMediaTypeError,
  );
  assert.deepEqual(to.written, []);
  await copy(from, "art:1", memoryStore(), { format: "oci" });
});

test("copy() refuses to part referrers from an image whose digest changes", async () => {
  const from = memoryStore();
  const { root } = await indexWithAttestation(from);
  await pushArtifact(from, [], { artifactType: "application/x", subject: root });
  const to = watched(memoryStore());
  const options = { format: "docker", referrers: true } as const;
  await assert.rejects(
    Promise.resolve(copy(from, "app:1", to, options)),
    /its referrers name it by the digest/,
  );
  assert.deepEqual(to.written, []);
  const same = await copy(from, "app:1", to, { ...options, format: "oci" });
  assert.equal(same.referrers.length, 1);
});

test("planCopy() names the manifests as they would be in the target", async () => {
  const from = memoryStore();
  const to = memoryStore();
  await indexWithAttestation(from);
  const plan = await planCopy(from, "app:1", to, { format: "docker" });
  const { descriptor } = await copy(from, "app:1", to, { format: "docker" });
  assert.equal(plan.descriptor.digest, descriptor.digest);
  const after = await planCopy(from, "app:1", to, { format: "docker" });
  assert.deepEqual(new Set(after.manifests.map(({ action }) => action)), new Set(["exists"]));
  assert.equal(after.bytesToCopy, 0);
  assert.ok((await get(to, descriptor)).length > 0);
});

/** Two images for two platforms, with a layer in zstd that both have. */
async function zstdImages(store: Store) {
  const layer = await layerFrom([{ path: "a.txt", body: new TextEncoder().encode("content") }], {
    compression: "zstd",
  });
  const { mediaType } = layer.descriptor();
  assert.equal(mediaType, MEDIA_TYPE_OCI_LAYER_ZSTD);
  const annotations = { "io.github.containers.zstd-chunked.manifest-checksum": "sha256:0" };
  const stored = await put(store, mediaType, await readAll(await layer.compressed(), ALL), {
    annotations,
  });
  const diffIDs = [await layer.diffID()];
  const images: Descriptor[] = [];
  for (const architecture of ["amd64", "arm64"]) {
    const os = "linux";
    const rootfs = { type: "layers", diff_ids: diffIDs };
    const config = await put(store, MEDIA_TYPE_OCI_CONFIG, { architecture, os, rootfs });
    const manifest = { schemaVersion: 2, mediaType: MEDIA_TYPE_OCI_MANIFEST, config };
    const content = { ...manifest, layers: [stored] };
    images.push(
      await put(store, MEDIA_TYPE_OCI_MANIFEST, content, { platform: { architecture, os } }),
    );
  }
  await putIndex(store, images, "app:1");
  return { layer, stored };
}

const ALL = { maxBytes: 1024 * 1024 };

test("copy() to Docker's format stores in gzip what is in zstd, and the archive stays", async () => {
  const from = memoryStore();
  const { layer, stored } = await zstdImages(from);
  const to = watched(memoryStore());
  const { descriptor } = await copy(from, "app:1", to, { format: "docker" });
  const index = await fetchManifest(to, descriptor);
  assert.ok(index.kind === "index");
  const layers: Descriptor[] = [];
  for (const child of index.value.manifests) {
    const image = await fetchManifest(to, child);
    assert.ok(image.kind === "image");
    layers.push(...image.value.layers);
  }
  const [one, other] = layers;
  assert.ok(one !== undefined);
  assert.deepEqual(one, other);
  assert.equal(one.mediaType, MEDIA_TYPE_DOCKER_LAYER_GZIP);
  assert.deepEqual(Object.keys(one), ["mediaType", "digest", "size"]);
  const archive = await readAll(await layer.uncompressed(), ALL);
  assert.deepEqual(await readAll(gunzip(await to.fetch(one)), ALL), archive);
  assert.equal(await to.exists(stored), false, "nobody needs it there");
  assert.deepEqual((await validate(to, "app:1")).problems, []);
});

test("planCopy() knows what is stored in gzip then", async () => {
  const from = memoryStore();
  await zstdImages(from);
  const to = memoryStore();
  const plan = await planCopy(from, "app:1", to, { format: "docker" });
  const { descriptor, bytesFetched } = await copy(from, "app:1", to, { format: "docker" });
  assert.equal(plan.descriptor.digest, descriptor.digest);
  const planned = plan.blobs.reduce((sum, { descriptor }) => sum + descriptor.size, 0);
  const manifests = plan.manifests.length;
  assert.equal(manifests, 3);
  assert.ok(bytesFetched > planned);
  const again = await planCopy(from, "app:1", to, { format: "docker" });
  assert.equal(again.bytesToCopy, 0);
});

test("copy() in OCI's format leaves zstd as it is", async () => {
  const from = memoryStore();
  const { stored } = await zstdImages(from);
  const to = memoryStore();
  const { descriptor } = await copy(from, "app:1", to, { format: "oci" });
  assert.equal(descriptor.digest, (await from.resolve("app:1")).digest);
  assert.equal(await to.exists(stored), true);
});

test("copy() to Docker's format stores nothing where a layer in zstd is damaged", async () => {
  const from = memoryStore();
  const bad = await put(from, MEDIA_TYPE_OCI_LAYER_ZSTD, Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0));
  await putImage(from, [bad], { reference: "app:1" });
  const to = watched(memoryStore());
  const damaged = Promise.resolve(copy(from, "app:1", to, { format: "docker" }));
  await assert.rejects(damaged, CorruptStreamError);
  assert.deepEqual(to.written, []);
});
