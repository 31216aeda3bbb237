import { test } from "node:test";
import assert from "node:assert/strict";
import { DockerRegistry } from "../../lib/dockerreg/mod.ts";
import type { Descriptor } from "../../lib/model/descriptor.ts";
import { pushArtifact, validate } from "../../lib/ops/mod.ts";
import { Registry } from "../../lib/registry/mod.ts";
import {
  type MemoryRegistry,
  memoryRegistry,
  type RandomImage,
  randomImage,
  randomIndex,
} from "../../lib/testing/mod.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import { utf8 } from "./schema1_sample.ts";

async function has(memory: MemoryRegistry, ...contents: Descriptor[]): Promise<boolean[]> {
  const found: boolean[] = [];
  for (const content of contents) found.push(await memory.store.exists(content));
  return found;
}

async function push(memory: MemoryRegistry, image: RandomImage, tag: string): Promise<void> {
  await image.pushTo(memory.store, `acme/app:${tag}`);
}

/** An image with the layers of another one and a config of its own. */
async function sibling(
  memory: MemoryRegistry,
  image: RandomImage,
  tag: string,
): Promise<Descriptor> {
  const describe = (raw: Uint8Array, mediaType: string): Descriptor => {
    return { mediaType, digest: digestBytes("sha256", raw), size: raw.byteLength };
  };
  const config = utf8(JSON.stringify({ ...image.config, author: tag }));
  const own = describe(config, image.manifest.config.mediaType);
  await memory.store.push(own, config);
  const raw = utf8(JSON.stringify({ ...image.manifest, config: own }));
  const descriptor = describe(raw, image.descriptor.mediaType);
  await memory.store.push(descriptor, raw);
  await memory.store.tag(descriptor, `acme/app:${tag}`);
  return descriptor;
}

function open(memory: MemoryRegistry): DockerRegistry {
  return new DockerRegistry(memory.host, {
    transport: memory.transport,
    platform: { os: "linux", architecture: "amd64" },
  });
}

test("deleteImage() deletes the manifest, and with layers everything it is made of", async () => {
  for (const layers of [false, true]) {
    const memory = memoryRegistry();
    const image = await randomImage("delete");
    await push(memory, image, "1");
    const { config } = image.manifest;
    const blobs = [config, ...image.layers.map(({ descriptor }) => descriptor)];
    const result = await open(memory).deleteImage("acme/app", "1", { layers });
    const digests = blobs.map(({ digest }) => digest);
    const expected = [image.descriptor.digest, ...layers ? digests : []];
    assert.deepEqual(result, { deleted: expected, kept: [] });
    assert.deepEqual(await has(memory, image.descriptor), [false]);
    const deletions = memory.requests.filter(({ method }) => method === "DELETE");
    assert.equal(deletions.length, expected.length);
    assert.ok(deletions.every(({ status }) => status === 202));
  }
});

test("deleteImage() keeps what other tags need", async () => {
  const memory = memoryRegistry();
  const image = await randomImage("shared");
  await push(memory, image, "1");
  const other = await sibling(memory, image, "2");
  const registry = open(memory);
  const layers = image.layers.map(({ descriptor }) => descriptor);
  const { config } = image.manifest;
  const result = await registry.deleteImage("acme/app", "1", { layers: true });
  assert.deepEqual(result, {
    deleted: [image.descriptor.digest, config.digest],
    kept: layers.map(({ digest }) => digest),
  });
  assert.deepEqual(await has(memory, other, ...layers), [true, ...layers.map(() => true)]);
  assert.deepEqual(await registry.checkImage("acme/app", "2"), []);
});

test("deleteImage() keeps the empty content, which artifacts without tags need", async () => {
  const memory = memoryRegistry();
  const image = await randomImage("signed");
  await push(memory, image, "1");
  const repository = new Registry(memory.host, memory).repository("acme/app");
  const artifactType = "application/vnd.example";
  const subject = image.descriptor;
  const signature = await pushArtifact(repository, [], { artifactType, subject });
  const content = utf8("files");
  const files = await pushArtifact(repository, [{ content }], { artifactType, reference: "files" });
  const { kept, deleted } = await open(memory).deleteImage("acme/app", "files", { layers: true });
  assert.deepEqual(deleted.slice(0, 1), [files.digest]);
  assert.equal(kept.length, 1);
  assert.deepEqual((await validate(repository, signature.digest)).problems, []);
  await pushArtifact(repository, [{ content }], { artifactType, reference: "files" });
  const forced = await open(memory).deleteImage("acme/app", "files", { layers: true, force: true });
  assert.deepEqual(forced.kept, []);
});

test("deleteImage() of an image with another tag takes only its tag", async () => {
  const memory = memoryRegistry();
  const image = await randomImage("two tags");
  await push(memory, image, "1");
  await push(memory, image, "2");
  const registry = open(memory);
  const result = await registry.deleteImage("acme/app", "1", { layers: true });
  assert.deepEqual(result, { deleted: [], kept: [image.descriptor.digest] });
  assert.deepEqual(await registry.repository("acme/app").tags(), ["2"]);
  assert.deepEqual(await registry.checkImage("acme/app", "2"), []);
});

test("deleteImage() deletes what other tags need when it is forced", async () => {
  const memory = memoryRegistry();
  const image = await randomImage("forced");
  await push(memory, image, "1");
  await push(memory, image, "2");
  const registry = open(memory);
  const result = await registry.deleteImage("acme/app", "1", { layers: true, force: true });
  assert.equal(result.deleted.length, 1 + 1 + image.layers.length);
  assert.deepEqual(result.kept, []);
  await assert.rejects(registry.created("acme/app", "2"), { code: "NOT_FOUND" });
});

test("deleteImage() of a list takes its images along with the layers", async () => {
  const memory = memoryRegistry();
  const index = await randomIndex("list");
  await index.pushTo(memory.store, "acme/app:1");
  const [amd, arm] = index.images;
  assert.ok(amd !== undefined && arm !== undefined);
  await push(memory, amd, "amd");
  const registry = open(memory);
  const { deleted, kept } = await registry.deleteImage("acme/app", "1", { layers: true });
  const partsOf = ({ descriptor, manifest, layers }: RandomImage) =>
    [descriptor, manifest.config, ...layers.map(({ descriptor }) => descriptor)]
      .map(({ digest }) => digest);
  assert.deepEqual([...deleted].sort(), [index.descriptor.digest, ...partsOf(arm)].sort());
  assert.deepEqual([...kept].sort(), partsOf(amd).sort());
  assert.deepEqual(await registry.checkImage("acme/app", "amd"), []);
});

test("deleteImage() of one platform leaves the list and what its other images need", async () => {
  const memory = memoryRegistry();
  const index = await randomIndex("one");
  await index.pushTo(memory.store, "acme/app:1");
  const [, arm] = index.images;
  assert.ok(arm !== undefined);
  const registry = open(memory);
  const platform = { architecture: "arm64" };
  const { deleted } = await registry.deleteImage("acme/app", "1", { layers: true, platform });
  assert.equal(deleted[0], arm.descriptor.digest);
  assert.equal(deleted.length, 2 + arm.layers.length);
  assert.deepEqual(await registry.checkImage("acme/app", "1"), []);
  assert.equal((await registry.checkImage("acme/app", "1", { platform })).length, 1);
});

test("deleteImage() of one platform that another tag needs deletes nothing", async () => {
  const memory = memoryRegistry();
  const index = await randomIndex("needed");
  await index.pushTo(memory.store, "acme/app:1");
  await index.pushTo(memory.store, "acme/app:2");
  const registry = open(memory);
  const platform = { architecture: "arm64" };
  const result = await registry.deleteImage("acme/app", "1", { platform });
  assert.deepEqual(result, { deleted: [], kept: [index.images[1]?.descriptor.digest] });
  assert.deepEqual(await registry.repository("acme/app").tags(), ["1", "2"]);
});

test("deleteTag() takes the tag and keeps the image", async () => {
  const memory = memoryRegistry();
  const image = await randomImage("untag");
  await push(memory, image, "1");
  const registry = open(memory);
  await registry.deleteTag("acme/app", "1");
  await assert.rejects(registry.repository("acme/app").referenceMetadata("1"), {
    code: "NOT_FOUND",
  });
  assert.deepEqual(await has(memory, image.descriptor), [true]);
  await assert.rejects(registry.deleteTag("acme/app", "1"), { code: "NOT_FOUND" });
});
