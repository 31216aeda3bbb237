import { test } from "node:test";
import assert from "node:assert/strict";
import { NameTakenError } from "../../lib/model/mod.ts";
import { copy, planCopy, type PlannedContent } from "../../lib/ops/mod.ts";
import { Registry } from "../../lib/registry/mod.ts";
import { memoryStore } from "../../lib/store/mod.ts";
import { faultyTransport, memoryRegistry, randomIndex } from "../../lib/testing/mod.ts";
import { watched } from "./content.ts";

async function withTwoRepositories() {
  const memory = memoryRegistry();
  const index = await randomIndex("mounts");
  await index.pushTo(memory.store, "acme/app:1");
  const transport = faultyTransport(memory.transport, []);
  const registry = new Registry("registry.test", { transport, retry: { retries: 0 } });
  const [from, to] = [registry.repository("acme/app"), registry.repository("acme/copied")];
  const blobs = new Set(
    index.images.flatMap((
      { config, layers },
    ) => [...layers.map(({ descriptor }) => descriptor.digest), JSON.stringify(config)]),
  );
  return { index, memory, transport, registry, from, to, blobs: blobs.size };
}

test("copy() within a registry mounts every blob and moves none", async () => {
  const { index, transport, from, to, blobs } = await withTwoRepositories();
  const statuses: string[] = [];
  const operation = copy(from, "1", to);
  for await (const event of operation) if (event.type === "blob") statuses.push(event.status);
  const result = await operation;
  assert.deepEqual(statuses, Array.from({ length: blobs }, () => "mounted"));
  assert.equal(result.blobs, blobs);
  assert.ok(result.bytesMounted > 0);
  const manifests = index.contents.filter(({ descriptor }) =>
    /index|manifest/.test(descriptor.mediaType)
  );
  const read = manifests.reduce((sum, { bytes }) => sum + bytes.length, 0);
  assert.equal(result.bytesFetched, read, "manifests alone were read");
  assert.equal((await to.resolve("1")).digest, index.descriptor.digest);
  const moved = transport.exchanges.filter(({ method, url }) =>
    url.includes("/blobs/") && (method === "GET" || method === "PUT")
  );
  assert.deepEqual(moved.map(({ url }) => url), []);
});

test("copy() mounts what another place has too from the repository that it is told", async () => {
  const { index, from, to } = await withTwoRepositories();
  const store = memoryStore();
  await index.pushTo(store, "1");
  assert.equal((await planCopy(store, "1", to)).blobs.filter(isMounted).length, 0);
  assert.ok((await planCopy(store, "1", to, { mountFrom: "acme/app" })).blobs.every(isMounted));
  const elsewhere = memoryRegistry({ host: "registry.other" });
  await index.pushTo(elsewhere.store, "acme/app:1");
  const other = new Registry("registry.other", { transport: elsewhere.transport });
  const { blobs } = await planCopy(other.repository("acme/app"), "1", to);
  assert.equal(blobs.filter(isMounted).length, 0, "another registry has nothing to mount");
  assert.equal(
    (await planCopy(from, "1", to, { mountFrom: false })).blobs.filter(isMounted).length,
    0,
  );
  const { bytesFetched } = await copy(store, "1", to, { mountFrom: "acme/app" });
  const read = (await planCopy(store, "1", memoryStore())).manifests
    .reduce((sum, { descriptor }) => sum + descriptor.size, 0);
  assert.equal(bytesFetched, read, "manifests alone were read");
});

const isMounted = ({ action }: PlannedContent): boolean => action === "mount";

test("copy() moves what the registry does not mount", async () => {
  const { index, memory, blobs } = await withTwoRepositories();
  const transport = faultyTransport(memory.transport, [
    { method: "POST", path: /mount=/, fault: { kind: "status", status: 403, body: "" } },
  ]);
  const registry = new Registry("registry.test", { transport, retry: { retries: 0 } });
  const to = registry.repository("acme/copied");
  const result = await copy(registry.repository("acme/app"), "1", to);
  assert.equal(result.bytesMounted, 0);
  assert.equal(result.blobs, blobs);
  assert.equal((await to.resolve("1")).digest, index.descriptor.digest);
});

test("copy() goes on in the uploads that a registry opens in place of mounts", async () => {
  const { index, transport, from, to, blobs } = await withTwoRepositories();
  const { bytesMounted } = await copy(from, "1", to, { mountFrom: "acme/empty" });
  assert.equal(bytesMounted, 0);
  assert.equal((await to.resolve("1")).digest, index.descriptor.digest);
  const uploads = transport.exchanges.filter(({ url }) => url.includes("/blobs/uploads/"));
  const count = (wanted: string) => uploads.filter(({ method }) => method === wanted).length;
  assert.deepEqual([count("POST"), count("PUT"), uploads.length], [blobs, blobs, 2 * blobs]);
});

test("planCopy() tells what copy() then does, and changes nothing", async () => {
  const { index, transport, from, to } = await withTwoRepositories();
  const store = memoryStore();
  const [first] = index.images;
  const [shared] = first?.layers ?? [];
  assert.ok(shared !== undefined);
  await store.push(shared.descriptor, shared.bytes);
  const plan = await planCopy(from, "1", store);
  assert.equal(plan.descriptor.digest, index.descriptor.digest);
  const there = plan.blobs.filter(({ action }) => action === "exists");
  assert.deepEqual(there.map(({ descriptor }) => descriptor.digest), [shared.descriptor.digest]);
  const result = await copy(from, "1", store);
  assert.equal(result.bytesFetched, plan.bytesToCopy);
  assert.equal(result.blobs, plan.blobs.length);
  assert.equal(result.manifests, plan.manifests.length);
  const again = await planCopy(from, "1", store);
  assert.equal(again.bytesToCopy, 0);
  assert.ok([...again.blobs, ...again.manifests].every(({ action }) => action === "exists"));
  const before = transport.exchanges.length;
  const mounts = await planCopy(from, "1", to);
  assert.ok(mounts.blobs.every(({ action }) => action === "mount"));
  const sent = transport.exchanges.slice(before).map(({ method }) => method);
  assert.deepEqual(sent.filter((method) => method !== "GET" && method !== "HEAD"), []);
});

test("planCopy() chooses one platform, and fails as copy() does", async () => {
  const { index, from } = await withTwoRepositories();
  const [first] = index.images;
  const platform = { os: "linux", architecture: "amd64" };
  const plan = await planCopy(from, "1", memoryStore(), { platform });
  assert.equal(plan.descriptor.digest, first?.descriptor.digest);
  assert.equal(plan.manifests.length, 1);
  await assert.rejects(planCopy(from, "none", memoryStore()), { code: "NOT_FOUND" });
});

test("copy() and planCopy() refuse a name that stands for another image, and move nothing", async () => {
  const [from, to] = [memoryStore(), memoryStore()];
  const image = await randomIndex("mine");
  await image.pushTo(from, "1");
  await (await randomIndex("theirs")).pushTo(to, "1");
  const theirs = await to.resolve("1");
  const refuse = { existing: "refuse" } as const;
  for (const work of [() => copy(from, "1", to, refuse), () => planCopy(from, "1", to, refuse)]) {
    await assert.rejects(Promise.resolve(work()), (error) => {
      assert.ok(error instanceof NameTakenError);
      assert.equal(error.code, "NAME_TAKEN");
      assert.equal(error.reference, "1");
      assert.equal(error.descriptor?.digest, theirs.digest);
      return true;
    });
  }
  assert.deepEqual(await to.resolve("1"), theirs);
  for (const { descriptor } of image.contents) assert.equal(await to.exists(descriptor), false);
  // Another name is free, and so is one that stands for the same image, and a digest.
  for (const targetReference of ["2", "2", image.descriptor.digest]) {
    await copy(from, "1", to, { ...refuse, targetReference });
  }
  assert.equal((await to.resolve("2")).digest, image.descriptor.digest);
  await copy(from, "1", to);
  assert.equal((await to.resolve("1")).digest, image.descriptor.digest);
});

test("copy() refuses a name that was taken while it moved", async () => {
  const [from, to] = [memoryStore(), memoryStore()];
  await (await randomIndex("mine")).pushTo(from, "1");
  const theirs = await randomIndex("theirs");
  await theirs.pushTo(to, "theirs");
  const operation = copy(from, "1", to, { existing: "refuse" });
  let isTaken = false;
  await assert.rejects(
    (async () => {
      for await (const { type } of operation) {
        if (type !== "blob" || isTaken) continue;
        isTaken = true;
        await to.tag(theirs.descriptor, "1");
      }
      await operation;
    })(),
    { code: "NAME_TAKEN" },
  );
  assert.equal((await to.resolve("1")).digest, theirs.descriptor.digest);
});

test("copy() with a name that may not be taken fails where nobody can tell who has it", async () => {
  const from = memoryStore();
  await (await randomIndex("mine")).pushTo(from, "1");
  const watchedStore = watched(memoryStore());
  const to = { ...watchedStore, resolve: () => Promise.reject(new Error("unreachable")) };
  const refused = Promise.resolve(copy(from, "1", to, { existing: "refuse" }));
  await assert.rejects(refused, { code: "COPY_FAILED", side: "target", message: /unreachable/ });
  assert.deepEqual(watchedStore.written, []);
});
