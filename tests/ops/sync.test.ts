import { test } from "node:test";
import assert from "node:assert/strict";
import { NotFoundError, type Source } from "../../lib/model/mod.ts";
import { memoryFileSystem, memoryStore, ociLayout } from "../../lib/store/mod.ts";
import { Registry, type Repository } from "../../lib/registry/mod.ts";
import { copy, planSync, sync, type SyncedTag, type SyncEvent } from "../../lib/ops/mod.ts";
import { memoryRegistry } from "../../lib/testing/mod.ts";
import { get, putImage, watched } from "./content.ts";

const names = (tags: readonly SyncedTag[]): string[] => tags.map(({ reference }) => reference);

function repository(name: string): Repository {
  const { host, transport } = memoryRegistry();
  return new Registry(host, { transport }).repository(name);
}

async function filled(): Promise<Repository> {
  const store = memoryStore();
  const from = repository("acme/app");
  for (const tag of ["2.0", "1.0", "nightly"]) {
    await putImage(store, ["shared by all", tag], { reference: tag });
    await copy(store, tag, from);
  }
  return from;
}

test("sync() copies every tag of a repository, in order, what they share once", async () => {
  const from = await filled();
  const to = watched(memoryStore());
  const events: SyncEvent[] = [];
  const operation = sync(from, to);
  for await (const event of operation) events.push(event);
  const { copied, unchanged, failed, bytesFetched } = await operation;
  assert.deepEqual(names(copied), ["1.0", "2.0", "nightly"]);
  assert.deepEqual([unchanged, failed], [[], []]);
  assert.ok(bytesFetched > 0);
  for (const { reference, descriptor } of copied) {
    assert.equal((await to.resolve(reference)).digest, descriptor?.digest);
    assert.equal((await from.resolve(reference)).digest, descriptor?.digest);
  }
  assert.equal(new Set(to.written).size, to.written.length);
  const tags = events.filter(({ type }) => type === "tag");
  assert.deepEqual(tags.map((event) => event.type === "tag" && event.status), [
    "copied",
    "copied",
    "copied",
  ]);
});

test("sync() touches no tag that points at the same image, and moves those that moved", async () => {
  const from = await filled();
  const to = watched(memoryStore());
  await sync(from, to);
  await copy(from, "2.0", from, { targetReference: "nightly" });
  to.written.length = 0;
  const { copied, unchanged, bytesFetched } = await sync(from, to);
  assert.deepEqual(names(copied), ["nightly"]);
  assert.deepEqual(names(unchanged), ["1.0", "2.0"]);
  assert.equal(bytesFetched, 0);
  assert.deepEqual(to.written, ["nightly"]);
  assert.equal((await to.resolve("nightly")).digest, (await from.resolve("2.0")).digest);
});

test("sync() copies the tags that are chosen, and leaves others of the target alone", async () => {
  const from = await filled();
  const to = memoryStore();
  await putImage(to, ["its own"], { reference: "own" });
  const { copied } = await sync(from, to, { include: (tag) => /^\d/.test(tag) });
  assert.deepEqual(names(copied), ["1.0", "2.0"]);
  await assert.rejects(to.resolve("nightly"), NotFoundError);
  await to.resolve("own");
});

test("sync() within a registry tells what was mounted", async () => {
  const { store, transport, host } = memoryRegistry();
  await putImage(store, ["one", "two"], { reference: "acme/app:1" });
  const registry = new Registry(host, { transport });
  const result = await sync(registry.repository("acme/app"), registry.repository("acme/copied"));
  const { config, layers } = JSON.parse(
    new TextDecoder().decode(await get(store, await store.resolve("acme/app:1"))),
  );
  const sizes: number[] = [config, ...layers].map(({ size }) => size);
  assert.equal(result.bytesMounted, sizes.reduce((sum, size) => sum + size, 0));
});

test("sync() of one platform finds that nothing is to be done", async () => {
  const from = await filled();
  const to = memoryStore();
  const platform = { os: "linux", architecture: "amd64" };
  assert.equal((await sync(from, to, { platform })).copied.length, 3);
  const again = await sync(from, to, { platform });
  assert.deepEqual(names(again.unchanged), ["1.0", "2.0", "nightly"]);
  assert.equal(again.bytesFetched, 0);
});

test("sync() from a layout names images by their tags", async () => {
  const store = memoryStore();
  const layout = ociLayout(memoryFileSystem(), "images");
  for (const [name, text] of [["docker.io/library/app:1", "one"], ["2", "two"]] as const) {
    await putImage(store, [text], { reference: name });
    await copy(store, name, layout);
  }
  const to = repository("mirror/app");
  assert.equal((await sync(layout, to)).copied.length, 2);
  const tags: string[] = [];
  for await (const tag of to.tags()) tags.push(tag);
  assert.deepEqual(tags.sort(), ["1", "2"]);
});

test("sync() and its plan give no name to two images, and name them otherwise on request", async () => {
  const store = memoryStore();
  const layout = ociLayout(memoryFileSystem(), "images");
  for (const [name, text] of [["acme/a:1", "one"], ["acme/b:1", "two"], ["b:1", "two"]] as const) {
    await putImage(store, [text], { reference: name });
    await copy(store, name, layout);
  }
  const taken =
    /Cannot sync "acme\/b:1": in the target it is "1", as "acme\/a:1" is, another image/;
  await assert.rejects(Promise.resolve(sync(layout, memoryStore())), taken);
  await assert.rejects(planSync(layout, memoryStore()), taken);
  const to = memoryStore();
  const { copied, failed } = await sync(layout, to, { keepGoing: true });
  assert.deepEqual(names(copied), ["acme/a:1"]);
  assert.deepEqual(failed.map(({ reference }) => reference), ["acme/b:1", "b:1"]);
  assert.equal((await to.resolve("1")).digest, (await layout.resolve("acme/a:1")).digest);
  const isB = (reference: string): string => reference.includes("b") ? "b" : reference;
  const named = memoryStore();
  assert.equal((await planSync(layout, named, { targetReference: isB })).tags.length, 3);
  const result = await sync(layout, named, { targetReference: isB });
  assert.deepEqual(names(result.copied), ["acme/a:1", "acme/b:1"]);
  assert.deepEqual(names(result.unchanged), ["b:1"]);
  assert.equal((await named.resolve("b")).digest, (await layout.resolve("b:1")).digest);
});

test("sync() stops at the first failure, or goes on and tells", async () => {
  const from = await filled();
  const { digest } = await from.resolve("1.0");
  const broken = () =>
    watched(memoryStore(), {
      push(descriptor) {
        if (descriptor.digest === digest) return Promise.reject(new Error("disk full"));
        return Promise.resolve();
      },
    });
  await assert.rejects(Promise.resolve(sync(from, broken())), /disk full/);
  const to = broken();
  const { copied, failed } = await sync(from, to, { keepGoing: true });
  assert.deepEqual(names(copied), ["2.0", "nightly"]);
  assert.deepEqual(failed.map(({ reference }) => reference), ["1.0"]);
  assert.match(String(failed[0]?.error), /disk full/);
  await assert.rejects(to.resolve("1.0"), NotFoundError);
});

test("sync() ends with the reason of an abort, however it goes on otherwise", async () => {
  const from = await filled();
  const controller = new AbortController();
  const reason = new Error("enough");
  const to = watched(memoryStore(), {
    push() {
      controller.abort(reason);
      return Promise.reject(reason);
    },
  });
  const { signal } = controller;
  const error = await sync(from, to, { keepGoing: true, signal }).catch((error) => error);
  assert.equal(error, reason);
});

test("sync() of a repository that is not there is an error", async () => {
  await assert.rejects(
    Promise.resolve(sync(repository("acme/none"), memoryStore(), { keepGoing: true })),
    NotFoundError,
  );
});

test("sync() leaves tags that point at other images when told to keep them", async () => {
  const from = await filled();
  const to = watched(memoryStore());
  await copy(from, "2.0", to, { targetReference: "1.0" });
  await copy(from, "nightly", to);
  const before = await to.resolve("1.0");
  to.written.length = 0;
  const { copied, unchanged, kept, failed } = await sync(from, to, { existing: "keep" });
  assert.deepEqual(names(copied), ["2.0"]);
  assert.deepEqual(names(unchanged), ["nightly"]);
  assert.deepEqual(kept, [{ reference: "1.0", descriptor: before }]);
  assert.deepEqual(failed, []);
  assert.deepEqual(await to.resolve("1.0"), before);
  assert.deepEqual(to.written, ["2.0"], "what 1.0 is made of was not moved");
});

test("planSync() tells what sync() does then, and moves nothing", async () => {
  const from = await filled();
  const to = watched(memoryStore());
  await copy(from, "2.0", to);
  await copy(from, "2.0", to, { targetReference: "1.0" });
  to.written.length = 0;
  const kept = await planSync(from, to, { existing: "keep" });
  assert.deepEqual(kept.tags.map(({ action }) => action), ["keep", "unchanged", "copy"]);
  assert.equal(kept.tags[0]?.descriptor?.digest, (await to.resolve("1.0")).digest);
  const plan = await planSync(from, to);
  assert.deepEqual(
    plan.tags.map(({ reference, action }) => [reference, action]),
    [["1.0", "copy"], ["2.0", "unchanged"], ["nightly", "copy"]],
  );
  const digests = [...plan.blobs, ...plan.manifests].map(({ descriptor }) => descriptor.digest);
  assert.equal(new Set(digests).size, digests.length, "each content once");
  assert.ok(plan.bytesToCopy > kept.bytesToCopy && kept.bytesToCopy > 0);
  assert.deepEqual(to.written, []);
  const { copied, bytesFetched } = await sync(from, to);
  assert.deepEqual(names(copied), ["1.0", "nightly"]);
  assert.equal(bytesFetched, plan.bytesToCopy);
  const after = await planSync(from, to);
  assert.deepEqual([after.bytesToCopy, after.blobs, after.manifests], [0, [], []]);
  const chosen = await planSync(from, to, { include: (tag) => tag === "2.0" });
  assert.deepEqual(chosen.tags.map(({ reference }) => reference), ["2.0"]);
});

test("planSync() stops at the first failure, or goes on and tells", async () => {
  const store = memoryStore();
  await putImage(store, ["whole"], { reference: "whole" });
  const { digest } = await putImage(store, ["broken"], { reference: "broken" });
  const roots = store.roots.bind(store);
  const fetch: Source["fetch"] = (descriptor, options) =>
    descriptor.digest === digest
      ? Promise.reject(new Error("the disk is gone"))
      : store.fetch(descriptor, options);
  const from = { ...watched(store), roots, fetch };
  await assert.rejects(planSync(from, memoryStore()), /the disk is gone/);
  const { tags, failed } = await planSync(from, memoryStore(), { keepGoing: true });
  assert.deepEqual(tags.map(({ reference }) => reference), ["whole"]);
  assert.deepEqual(failed.map(({ reference }) => reference), ["broken"]);
  const signal = AbortSignal.abort(new Error("enough"));
  await assert.rejects(planSync(from, memoryStore(), { keepGoing: true, signal }), /enough/);
});

test("sync() in another format tells what was to be done, as its plan does", async () => {
  const from = await filled();
  const to = watched(memoryStore());
  const format = "docker";
  const { copied } = await sync(from, to, { format });
  assert.deepEqual(names(copied), ["1.0", "2.0", "nightly"]);
  to.written.length = 0;
  const plan = await planSync(from, to, { format });
  assert.deepEqual([plan.tags.map(({ action }) => action), plan.bytesToCopy], [
    ["unchanged", "unchanged", "unchanged"],
    0,
  ]);
  const statuses: string[] = [];
  const operation = sync(from, to, { format });
  for await (const event of operation) if (event.type === "tag") statuses.push(event.status);
  const again = await operation;
  assert.deepEqual([again.copied, names(again.unchanged)], [[], ["1.0", "2.0", "nightly"]]);
  assert.deepEqual(statuses, ["unchanged", "unchanged", "unchanged"]);
  assert.deepEqual(to.written.filter((name) => name.includes(":")), [], "no content was stored");
  // The tag stands for the image as it is in the source, which is not what is wanted.
  await copy(from, "2.0", to);
  assert.equal((await to.resolve("2.0")).digest, (await from.resolve("2.0")).digest);
  const moved = await planSync(from, to, { format });
  assert.deepEqual(moved.tags.map(({ action }) => action), ["unchanged", "copy", "unchanged"]);
  assert.deepEqual(names((await sync(from, to, { format })).copied), ["2.0"]);
});

test("copy() and sync() give no tag again that a registry does not let change", async () => {
  const from = await filled();
  const { host, transport } = memoryRegistry();
  const tags = new Set<string>();
  const fixed = async (request: Request): Promise<Response> => {
    const [, tag] = /\/manifests\/([^:]+)$/.exec(new URL(request.url).pathname) ?? [];
    if (request.method !== "PUT" || tag === undefined) return await transport(request);
    // As ECR answers, also when the tag stands for this very image.
    const errors = [{ code: "TAG_INVALID", message: `The image tag '${tag}' already exists` }];
    if (tags.has(tag)) return Response.json({ errors }, { status: 400 });
    tags.add(tag);
    return await transport(request);
  };
  const to = new Registry(host, { transport: fixed }).repository("acme/app");
  for (const options of [{}, { referrers: true }, { format: "docker" }] as const) {
    tags.clear();
    assert.equal((await sync(from, to, options)).copied.length, 3);
    const again = await sync(from, to, options);
    assert.deepEqual([again.copied, names(again.unchanged)], [[], ["1.0", "2.0", "nightly"]]);
    await copy(from, "1.0", to, options);
    await assert.rejects(
      Promise.resolve(copy(from, "2.0", to, { ...options, targetReference: "1.0" })),
      /TAG_INVALID/,
    );
    for (const tag of ["1.0", "2.0", "nightly"]) await to.untag(tag);
  }
});
