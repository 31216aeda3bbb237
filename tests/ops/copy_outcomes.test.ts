import { test } from "node:test";
import assert from "node:assert/strict";
import { readAll } from "../../lib/bytes/read_all.ts";
import { openSource } from "../../lib/bytes/source.ts";
import { streamFrom } from "../../lib/bytes/stream_from.ts";
import type { Target } from "../../lib/model/content.ts";
import type { Descriptor } from "../../lib/model/descriptor.ts";
import { CopyError } from "../../lib/model/errors.ts";
import { copy, type CopyOptions, sync, type SyncEvent } from "../../lib/ops/mod.ts";
import { Registry } from "../../lib/registry/mod.ts";
import { type MemoryStore, memoryStore } from "../../lib/store/mod.ts";
import { memoryRegistry } from "../../lib/testing/mod.ts";
import { get, put, putImage, watched } from "./content.ts";

const EMPTY = "application/vnd.oci.empty.v1+json";

/** Attaches something to an image. */
async function attach(store: MemoryStore, subject: Descriptor, text: string): Promise<Descriptor> {
  const { mediaType, digest, size } = subject;
  return await put(store, mediaType, {
    schemaVersion: 2,
    mediaType,
    config: await put(store, EMPTY, "{}"),
    layers: [await put(store, "text/plain", text)],
    subject: { mediaType, digest, size },
  });
}

/** A place whose methods are those of another one, or a test's. */
function placeOf(store: MemoryStore, changes: Partial<Target>): Target {
  return {
    exists: (target, options) => store.exists(target, options),
    fetch: (target, options) => store.fetch(target, options),
    push: (expected, content, options) => store.push(expected, content, options),
    resolve: (reference, options) => store.resolve(reference, options),
    tag: (target, reference, options) => store.tag(target, reference, options),
    ...changes,
  };
}

test("copy() sends no blob again when a manifest is refused for another reason", async () => {
  const from = memoryStore();
  await putImage(from, ["one", "two"], { reference: "1" });
  const { host, transport } = memoryRegistry();
  const registry = new Registry(host, { transport });
  await copy(from, "1", registry.repository("acme/app"), { targetReference: "other" });
  const sent: string[] = [];
  const to = new Registry(host, {
    transport(request) {
      const { pathname } = new URL(request.url);
      const isManifest = pathname.includes("/manifests/");
      if (request.method === "GET" && isManifest || request.method === "HEAD" && isManifest) {
        return Promise.resolve(new Response(null, { status: 404 }));
      }
      if (["PUT", "POST", "PATCH"].includes(request.method)) sent.push(pathname);
      if (request.method !== "PUT" || !isManifest) return transport(request);
      const errors = [{ code: "DENIED", message: "not on a Sunday" }];
      return Promise.resolve(Response.json({ errors }, { status: 403 }));
    },
  }).repository("acme/app");
  await assert.rejects(Promise.resolve(copy(from, "1", to)), /403 DENIED/);
  assert.equal(sent.length, 1, sent.join());
});

test("copy() counts what the tags of digests took, and tells of it", async () => {
  const from = memoryStore();
  const image = await putImage(from, ["one"], { reference: "1" });
  const tag = `${image.digest.replace(":", "-")}.sig`;
  const foreign = {
    mediaType: "application/vnd.oci.image.layer.nondistributable.v1.tar",
    digest: `sha256:${"5".repeat(64)}`,
    size: 5,
    urls: ["https://layers.example/5"],
  };
  const signature = await putImage(from, ["signature", foreign], { reference: tag });
  const options = { digestTags: true } as const;
  const to = memoryStore();
  const told: string[] = [];
  const operation = copy(from, "1", to, options);
  for await (const event of operation) {
    told.push(event.type === "resolved" ? "resolved" : event.descriptor.digest);
  }
  const first = await operation;
  assert.equal(told.filter((what) => what === "resolved").length, 1);
  assert.ok(told.includes(signature.digest));
  assert.deepEqual(first.leftOut.map(({ digest }) => digest), [foreign.digest]);
  const again = await copy(from, "1", to, options);
  const plain = await copy(from, "1", to);
  assert.ok(again.bytesSkipped >= plain.bytesSkipped + "signature".length);
  const { host, transport } = memoryRegistry();
  const registry = new Registry(host, { transport });
  const source = registry.repository("acme/app");
  await copy(from, "1", source, options);
  const mounted = (more: CopyOptions, name: string) =>
    copy(source, "1", registry.repository(name), more);
  const both = await mounted(options, "acme/both");
  const one = await mounted({}, "acme/one");
  assert.ok(both.bytesMounted >= one.bytesMounted + "signature".length);
});

test("copy() has one failure where the target cannot tell of any blob whether it is there", async () => {
  const from = memoryStore();
  await putImage(from, ["one", "two", "three", "four", "five"], { reference: "1" });
  const store = memoryStore();
  let asked = 0;
  const to = placeOf(store, {
    exists: (target, options) =>
      /manifest/.test(target.mediaType)
        ? store.exists(target, options)
        : Promise.reject(new Error(`no answer ${++asked}`)),
  });
  await assert.rejects(
    async () => await copy(from, "1", to, { jobs: 1 }),
    (error: unknown) => error instanceof CopyError && error.side === "target",
  );
  // A rejection that nobody has seen would end the process.
  await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(asked > 1);
});

test("copy() opens content anew for a target that has to send it again, and tells how far it is", async () => {
  const from = memoryStore();
  const image = await putImage(from, ["x".repeat(100_000)], { reference: "1" });
  const store = memoryStore();
  const to = placeOf(store, {
    async push(expected, content, options) {
      if (typeof content === "function") {
        const once = await readAll(await openSource(content), { maxBytes: expected.size });
        assert.equal(once.byteLength, expected.size);
      }
      await store.push(expected, content, options);
    },
  });
  const watchedFrom = watched(from, {
    fetch: (stream, { size }) =>
      size < 100_000 ? stream : streamFrom((async function* () {
        const bytes = await readAll(stream, { maxBytes: size });
        for (let at = 0; at < size; at += 40_000) {
          await new Promise((resolve) => setTimeout(resolve, 1));
          yield bytes.slice(at, at + 40_000);
        }
      })()),
  });
  const moving = new Set<number>();
  const operation = copy(watchedFrom, "1", to);
  for await (const event of operation) {
    if (event.type === "blob" && event.status === "moving" && event.total === 100_000) {
      moving.add(event.current);
    }
  }
  const { bytesFetched } = await operation;
  assert.deepEqual(await get(store, image), await get(from, image));
  assert.deepEqual([...moving].sort((a, b) => a - b), [40_000, 80_000, 100_000]);
  assert.ok(bytesFetched > 200_000, `${bytesFetched}`);
  assert.equal(watchedFrom.open, 0);
});

test("copy() says that the source has failed when it cannot open what it has", async () => {
  const from = memoryStore();
  await putImage(from, ["one"], { reference: "1" });
  const cause = new Error("the disk is broken");
  const broken = placeOf(from, {
    fetch: (target, options) =>
      /layer/.test(target.mediaType) ? Promise.reject(cause) : from.fetch(target, options),
  });
  await assert.rejects(
    async () => await copy(broken, "1", memoryStore()),
    (error: unknown) =>
      error instanceof CopyError && error.side === "source" && error.cause === cause,
  );
});

test("sync() says that a tag was copied when something that belongs to it was", async () => {
  const from = memoryStore();
  const image = await putImage(from, ["one"], { reference: "1" });
  const to = memoryStore();
  const events: SyncEvent[] = [];
  const synced = async () => {
    events.length = 0;
    const operation = sync(from, to, { referrers: true });
    for await (const event of operation) events.push(event);
    const { copied, unchanged } = await operation;
    return [copied.length, unchanged.length];
  };
  assert.deepEqual(await synced(), [1, 0]);
  assert.ok(events.some(({ type }) => type === "blob"));
  assert.deepEqual(await synced(), [0, 1]);
  const signature = await attach(from, image, "signature");
  assert.deepEqual(await synced(), [1, 0]);
  assert.ok(
    events.some((event) =>
      event.type === "manifest" && event.descriptor.digest === signature.digest
    ),
  );
  assert.deepEqual(await synced(), [0, 1]);
});

test("sync() that keeps going tells of each tag what became of it", async () => {
  const from = memoryStore();
  for (const reference of ["1", "2", "3"]) await putImage(from, [reference], { reference });
  const broken = await from.resolve("2");
  const source: MemoryStore = new Proxy(from, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (name !== "fetch" || typeof value !== "function") {
        return typeof value === "function" ? value.bind(target) : value;
      }
      return (descriptor: Descriptor, ...rest: unknown[]) =>
        descriptor.digest === broken.digest
          ? Promise.reject(new Error("the disk is broken"))
          : value.call(target, descriptor, ...rest);
    },
  });
  const told: string[] = [];
  const operation = sync(source, memoryStore(), { keepGoing: true });
  for await (const event of operation) {
    if (event.type === "tag") told.push(`${event.reference} ${event.status}`);
  }
  assert.deepEqual(told, ["1 copied", "2 failed", "3 copied"]);
  const { failed } = await operation;
  assert.deepEqual(failed.map(({ reference }) => reference), ["2"]);
});
