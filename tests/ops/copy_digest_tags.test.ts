// Tags that name a digest, where cosign keeps what it says of an image.
import { test } from "node:test";
import assert from "node:assert/strict";
import type { Descriptor } from "../../lib/model/descriptor.ts";
import { copy, planCopy } from "../../lib/ops/mod.ts";
import { Registry, type Repository } from "../../lib/registry/mod.ts";
import { type MemoryStore, memoryStore } from "../../lib/store/mod.ts";
import { memoryRegistry } from "../../lib/testing/mod.ts";
import { putImage, putIndex, watched } from "./content.ts";

const tagOf = ({ digest }: Descriptor, suffix: string): string =>
  `${digest.replace(":", "-")}.${suffix}`;

/** A repository with an index, its signature, and signatures of one image and of a signature. */
async function signed(): Promise<{ readonly from: Repository; readonly tags: string[] }> {
  const store = memoryStore();
  const { host, transport } = memoryRegistry();
  const from = new Registry(host, { transport }).repository("acme/app");
  const image = await putImage(store, ["shared", "amd64"]);
  const index = await putIndex(store, [image], "1");
  const note = async (subject: Descriptor, suffix: string): Promise<[Descriptor, string]> => {
    const reference = tagOf(subject, suffix);
    return [await putImage(store, [`about ${reference}`], { reference }), reference];
  };
  const [signature, first] = await note(index, "sig");
  const tags = [first, (await note(index, "att"))[1], (await note(image, "sig"))[1]];
  tags.push((await note(signature, "sig"))[1]);
  await note({ ...index, digest: `sha256:${"0".repeat(64)}` }, "sig");
  // That is a list of referrers.
  await putImage(store, ["list"], { reference: index.digest.replace(":", "-") });
  for await (const { reference = "" } of store.roots()) await copy(store, reference, from);
  return { from, tags: tags.sort() };
}

async function namesIn(store: MemoryStore): Promise<string[]> {
  const names: string[] = [];
  for await (const { reference } of store.roots()) names.push(reference ?? "");
  return names.sort();
}

test("copy() takes along the tags that name what it copies by its digest", async () => {
  const { from, tags } = await signed();
  const to = memoryStore();
  const { digestTags, bytesFetched } = await copy(from, "1", to, { digestTags: true });
  assert.deepEqual([...digestTags].sort(), tags);
  assert.deepEqual(await namesIn(to), ["1", ...tags].sort());
  for (const tag of tags) {
    assert.equal((await to.resolve(tag)).digest, (await from.resolve(tag)).digest);
  }
  const plain = await copy(from, "1", memoryStore());
  assert.deepEqual(plain.digestTags, []);
  assert.ok(plain.bytesFetched < bytesFetched);
});

test("copy() names the image after the tags of its digest", async () => {
  const { from, tags } = await signed();
  const to = watched(memoryStore());
  await copy(from, "1", to, { digestTags: true, targetReference: "2" });
  const names = to.written.filter((written) => !written.startsWith("sha256:"));
  assert.deepEqual(names.slice(0, -1).sort(), tags);
  assert.equal(names.at(-1), "2");
});

test("planCopy() tells what copy() moves with the tags of a digest", async () => {
  const { from, tags } = await signed();
  const to = memoryStore();
  const plan = await planCopy(from, "1", to, { digestTags: true });
  assert.deepEqual([...plan.digestTags].sort(), tags);
  assert.deepEqual(await namesIn(to), []);
  const { bytesFetched } = await copy(from, "1", to, { digestTags: true });
  assert.equal(plan.bytesToCopy, bytesFetched);
  assert.equal((await planCopy(from, "1", to, { digestTags: true })).bytesToCopy, 0);
});

test("copy() of one platform takes along what is about its image alone", async () => {
  const { from } = await signed();
  const platform = { os: "linux", architecture: "amd64" };
  const { descriptor, digestTags } = await copy(from, "1", memoryStore(), {
    platform,
    digestTags: true,
  });
  assert.deepEqual(digestTags, [tagOf(descriptor, "sig")]);
});

test("copy() refuses tags of a digest that another format leaves behind", async () => {
  const { from } = await signed();
  const options = { digestTags: true, format: "docker" } as const;
  assert.throws(() => copy(from, "1", memoryStore(), options), TypeError);
  await assert.rejects(planCopy(from, "1", memoryStore(), options), TypeError);
});

test("copy() from a place that lists nothing has no tags of digests", async () => {
  const store = memoryStore();
  await putImage(store, ["layer"], { reference: "1" });
  const { digestTags } = await copy(watched(store), "1", memoryStore(), { digestTags: true });
  assert.deepEqual(digestTags, []);
});
