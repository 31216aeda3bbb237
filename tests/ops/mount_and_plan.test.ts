import { test } from "node:test";
import assert from "node:assert/strict";
import { copy, planCopy } from "../../lib/ops/mod.ts";
import { Registry } from "../../lib/registry/mod.ts";
import { memoryStore } from "../../lib/store/mod.ts";
import { faultyTransport, memoryRegistry, randomIndex } from "../../lib/testing/mod.ts";

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
  const operation = copy(from, "1", to, { mountFrom: "acme/app" });
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

test("copy() moves what the registry does not mount", async () => {
  const { index, memory, blobs } = await withTwoRepositories();
  const transport = faultyTransport(memory.transport, [
    { method: "POST", path: /mount=/, fault: { kind: "status", status: 403, body: "" } },
  ]);
  const registry = new Registry("registry.test", { transport, retry: { retries: 0 } });
  const to = registry.repository("acme/copied");
  const options = { mountFrom: "acme/app" };
  const result = await copy(registry.repository("acme/app"), "1", to, options);
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
  const mounts = await planCopy(from, "1", to, { mountFrom: "acme/app" });
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
