import { test } from "node:test";
import assert from "node:assert/strict";
import { type Descriptor, NotFoundError } from "../../lib/model/mod.ts";
import { memoryStore } from "../../lib/store/mod.ts";
import { walk, type Walked } from "../../lib/ops/mod.ts";
import { put, putImage, putIndex, type Store, watched } from "./content.ts";

async function walked(store: Store, root: Descriptor): Promise<Walked[]> {
  const found: Walked[] = [];
  for await (const one of walk(store, root)) found.push(one);
  return found;
}

test("walk() comes by each manifest before what it names, and by each content once", async () => {
  const store = memoryStore();
  const shared = new Uint8Array(10);
  const first = await putImage(store, [shared, "a"]);
  const second = await putImage(store, [shared, "b"], { architecture: "arm64" });
  const root = await putIndex(store, [first, await putIndex(store, [second, first])]);
  const found = await walked(store, root);
  const digests = found.map(({ descriptor }) => descriptor.digest);
  assert.equal(new Set(digests).size, digests.length);
  assert.equal(found.filter(({ kind }) => kind === "manifest").length, 4);
  assert.equal(found.filter(({ kind }) => kind === "blob").length, 5);
  for (const one of found) {
    if (one.kind !== "blob") continue;
    const parent = digests.indexOf(one.parent.digest);
    assert.ok(parent >= 0 && parent < digests.indexOf(one.descriptor.digest));
  }
  assert.deepEqual(
    found.flatMap((one) => one.kind === "manifest" ? one.depth : []),
    [0, 1, 1, 2],
  );
});

test("walk() does not follow a subject", async () => {
  const store = memoryStore();
  const subject = await putImage(store, ["a"]);
  const root = await putImage(store, ["b"], { extra: { subject } });
  const found = await walked(store, root);
  assert.ok(!found.some(({ descriptor }) => descriptor.digest === subject.digest));
});

test("walk() takes what is a manifest by name and a blob in its place as a blob", async () => {
  const store = memoryStore();
  const child = await putImage(store, ["a"]);
  const root = await putIndex(store, [child]);
  const registry = watched(store);
  const fetch = registry.fetch.bind(registry);
  registry.fetch = async (target, options) => {
    if (target.digest === child.digest && target.mediaType === child.mediaType) {
      throw new NotFoundError("no such manifest");
    }
    return await fetch(target, options);
  };
  const found: Walked[] = [];
  for await (const one of walk(registry, root)) found.push(one);
  assert.deepEqual(found.map(({ kind }) => kind), ["manifest", "blob"]);
});

test("walk() rejects when a manifest is not there", async () => {
  const store = memoryStore();
  const child = await putImage(store, ["a"]);
  const root = await putIndex(store, [child]);
  await store.delete(child);
  await assert.rejects(walked(store, root), NotFoundError);
});

test("walk() walks content that is a layer here and a manifest there both ways", async () => {
  const store = memoryStore();
  const inner = await putImage(store, ["a"]);
  const wrapper = await putImage(store, [{ ...inner, mediaType: "application/vnd.example" }]);
  const root = await putIndex(store, [wrapper, await putIndex(store, [inner])]);
  const kinds = (await walked(store, root))
    .filter(({ descriptor }) => descriptor.digest === inner.digest)
    .map(({ kind }) => kind);
  assert.deepEqual(kinds.sort(), ["blob", "manifest"]);
});

test("walk() left early fetches no more", async () => {
  const store = memoryStore();
  const images = [await putImage(store, ["a"]), await putImage(store, ["b"])];
  const source = watched(store);
  for await (const one of walk(source, await putIndex(store, images))) {
    assert.equal(one.kind, "manifest");
    break;
  }
  assert.equal(source.fetched.length, 1);
});

test("walk() can be aborted", async () => {
  const store = memoryStore();
  const root = await put(store, "application/vnd.oci.image.index.v1+json", {
    schemaVersion: 2,
    manifests: [],
  });
  await assert.rejects(async () => {
    for await (const _ of walk(store, root, { signal: AbortSignal.abort("no") }));
  }, (error: unknown) => error === "no");
});
