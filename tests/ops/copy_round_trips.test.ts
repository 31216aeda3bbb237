// What a copy asks at the same time, and what it asks once: networks are slow, and each answer that
// is waited for is a round trip.
import { test } from "node:test";
import assert from "node:assert/strict";
import { streamOf } from "../../lib/bytes/mod.ts";
import type { Descriptor } from "../../lib/model/descriptor.ts";
import type { Transport } from "../../lib/model/transport.ts";
import { copy } from "../../lib/ops/mod.ts";
import { Registry } from "../../lib/registry/mod.ts";
import { memoryStore } from "../../lib/store/mod.ts";
import { memoryRegistry } from "../../lib/testing/mod.ts";
import { get, putImage, putIndex, type Store, watched } from "./content.ts";

/** How long requests wait for one another before the test has failed. */
const PATIENCE_MS = 60_000;

/** A request that others wait for, by its method and a part of its address. */
type Call = readonly [method: string, part: string];

/** Holds the requests that are named back until all of them are there. */
function together(calls: readonly Call[]): (transport: Transport) => Transport {
  const awaited = new Set(calls.map(String));
  let allThere = () => {};
  const meeting = new Promise<void>((resolve) => allThere = resolve);
  return (transport) => async (request) => {
    const call = calls.find(([method, part]) =>
      request.method === method && decodeURIComponent(request.url).includes(part)
    );
    if (call !== undefined) {
      awaited.delete(String(call));
      if (awaited.size === 0) allThere();
      await inTime(meeting, `${request.method} is alone: ${[...awaited].join(" and ")} is missing`);
    }
    return await transport(request);
  };
}

async function inTime(work: Promise<void>, message: string): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(message)), PATIENCE_MS);
  });
  await Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** A source and a target in two registries, whose requests meet. */
function registries(meet: (transport: Transport) => Transport = (transport) => transport) {
  const from = memoryRegistry({ host: "from.test" });
  const to = memoryRegistry({ host: "to.test" });
  const open = ({ host, transport }: typeof from) =>
    new Registry(host, { transport: meet(transport), retry: { retries: 0 } })
      .repository("acme/app");
  return { store: from.store, source: open(from), target: open(to), from, to };
}

function putApp(store: Store, layers: readonly string[]): Promise<Descriptor> {
  return putImage(store, layers, { reference: "acme/app:1" });
}

test("an upload is opened while its content is asked for", async () => {
  for (const layer of ["small", "x".repeat(2 * 1024 * 1024)]) {
    const store = memoryStore();
    const image = await putApp(store, [layer]);
    const [config, content] = await blobsOf(store, image);
    const meet = together([["GET", `/blobs/${content.digest}`], ["POST", "/blobs/uploads/"]]);
    const { store: held, source, target, to } = registries(meet);
    await copy(store, "acme/app:1", held);
    // So that one blob is left, and no other one is met.
    await to.store.push(config, await get(store, config));
    await copy(source, "1", target);
    assert.equal((await target.resolve("1")).digest, image.digest);
  }
});

test("the next blob is asked for while one moves", async () => {
  const store = memoryStore();
  const image = await putApp(store, ["one", "two"]);
  const [, one, two] = await blobsOf(store, image);
  const { store: held, source, target } = registries(
    together([["GET", `/blobs/${one.digest}`], ["HEAD", `/blobs/${two?.digest}`]]),
  );
  await copy(store, "acme/app:1", held);
  await copy(source, "1", target, { jobs: 1 });
});

test("manifests that do not name one another are stored together, before what names them", async () => {
  const store = memoryStore();
  const first = await putImage(store, ["one"]);
  const second = await putImage(store, ["two"], { architecture: "arm64" });
  const inner = await putIndex(store, [second]);
  // The first names an image that the second names too.
  const root = await putIndex(store, [second, first, inner], "acme/app:1");
  const meet = together([
    ["PUT", `/manifests/${first.digest}`],
    ["PUT", `/manifests/${second.digest}`],
  ]);
  const { store: held, source, target, to } = registries(meet);
  await copy(store, "acme/app:1", held);
  await copy(source, "1", target);
  assert.equal((await target.resolve("1")).digest, root.digest);
  const stored = to.requests.filter(({ method, path }) =>
    method === "PUT" && path.includes("/manifests/")
  );
  assert.deepEqual(
    stored.slice(2).map(({ path }) => path),
    [`/v2/acme/app/manifests/${inner.digest}`, "/v2/acme/app/manifests/1"],
  );
});

test("a manifest is read once, and stored and named in one request", async () => {
  const store = memoryStore();
  const image = await putApp(store, ["one"]);
  for (const platform of ["all", { os: "linux", architecture: "amd64" }] as const) {
    const { store: held, source, target, from, to } = registries();
    await copy(store, "acme/app:1", held);
    const { bytesFetched } = await copy(source, "1", target, { platform });
    const count = ({ requests }: typeof from, method: string) =>
      requests.filter((request) =>
        request.method === method && request.path.includes("/manifests/")
      ).length;
    assert.equal(count(from, "HEAD"), 0);
    assert.equal(count(from, "GET"), 1);
    assert.equal(count(to, "PUT"), 1);
    assert.ok(bytesFetched > image.size);
    assert.equal((await target.resolve("1")).digest, image.digest);
    assert.equal((await target.resolve(image.digest)).digest, image.digest);
  }
});

test("on Docker Hub no manifest is read that the target has: each counts as a pull", async () => {
  const hub = memoryRegistry({ host: "registry-1.docker.io" });
  await putImage(hub.store, ["one"], { reference: "acme/app:1" });
  const source = new Registry("docker.io", { transport: hub.transport }).repository("acme/app");
  const { target } = registries();
  const pulls = () =>
    hub.requests.filter(({ method, path }) => method === "GET" && path.includes("/manifests/"));
  await copy(source, "1", target);
  assert.equal(pulls().length, 1);
  await copy(source, "1", target);
  assert.equal(pulls().length, 1);
});

test("into Docker Hub an image is copied, and copied again, without reading a manifest there", async () => {
  const { store, source } = registries();
  const images = [await putImage(store, ["one"]), await putImage(store, ["two"])];
  await putIndex(store, images, "acme/app:1");
  const hub = memoryRegistry({ host: "registry-1.docker.io" });
  const target = new Registry("docker.io", { transport: hub.transport }).repository("acme/app");
  for (const platform of ["all", "all", { os: "linux", architecture: "amd64" }] as const) {
    await copy(source, "1", target, { platform });
  }
  const read = hub.requests.filter(({ method, path }) =>
    method === "GET" && path.includes("/manifests/")
  );
  assert.deepEqual(read, []);
});

test("the target is asked for a manifest of an index while the source is read", async () => {
  const store = memoryStore();
  const image = await putImage(store, ["one"]);
  await putIndex(store, [image], "acme/app:1");
  const path = `/manifests/${image.digest}`;
  const { store: held, source, target } = registries(together([["GET", path], ["HEAD", path]]));
  await copy(store, "acme/app:1", held);
  for (const platform of ["all", { os: "linux", architecture: "amd64" }] as const) {
    await copy(source, "1", target, { platform, targetReference: typeof platform });
  }
});

test("a manifest that only the target has is read there", async () => {
  const { store, source, target, to } = registries();
  const image = await putImage(to.store, ["one"], { reference: "acme/app:other" });
  const root = await putIndex(store, [image], "acme/app:1");
  await copy(source, "1", target);
  assert.equal((await target.resolve("1")).digest, root.digest);
});

test("a manifest that is damaged in a store is stored again", async () => {
  const [from, to] = [memoryStore(), memoryStore()];
  const image = await putImage(from, ["one"]);
  await putIndex(from, [image], "app:1");
  await copy(from, "app:1", to);
  const damaged = watched(to, {
    fetch: (stream, { digest }) =>
      digest === image.digest ? streamOf(Uint8Array.of(1, 2, 3)) : stream,
  });
  await copy(from, "app:1", Object.assign(damaged, { roots: () => to.roots() }));
  assert.ok(damaged.written.includes(image.digest));
});

test("a name comes last where something comes between", async () => {
  const store = memoryStore();
  const subject = await putApp(store, ["one"]);
  await putImage(store, ["two"], { extra: { subject } });
  const { store: held, source, target, to } = registries();
  await copy(store, "acme/app:1", held, { referrers: true });
  await copy(source, "1", target, { referrers: true });
  const stored = to.requests.filter(({ method, path }) =>
    method === "PUT" && path.includes("/manifests/")
  );
  assert.equal(stored.at(-1)?.path, "/v2/acme/app/manifests/1");
  assert.equal(stored.length, 3);
});

test("content that was asked for too early is given back", async () => {
  const store = memoryStore();
  await putApp(store, ["one"]);
  const source = watched(store);
  const target = watched(memoryStore(), {
    push: () => Promise.reject(new Error("the disk is full")),
  });
  await assert.rejects(Promise.resolve(copy(source, "acme/app:1", target)), /the disk is full/);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(source.open, 0);
  assert.equal(source.bytesRead, (await store.resolve("acme/app:1")).size);
});

test("a blob that two manifests lack is sent again once", async () => {
  const store = memoryStore();
  const first = await putImage(store, ["shared"]);
  const second = await putImage(store, ["shared"], { architecture: "arm64" });
  await putIndex(store, [first, second], "acme/app:1");
  const [, { digest: shared }] = await blobsOf(store, first);
  const { transport, host, requests } = memoryRegistry({ host: "to.test" });
  const forgetful: Transport = async (request) => {
    if (request.method === "HEAD" && request.url.includes(shared)) {
      return new Response(null, { headers: { "content-length": "6" } });
    }
    const response = await transport(request);
    const isRefused = request.method === "PUT" && request.url.includes("/manifests/") &&
      response.status >= 400;
    const errors = [{ code: "MANIFEST_BLOB_UNKNOWN", message: "blob unknown to registry" }];
    return isRefused ? Response.json({ errors }, { status: 400 }) : response;
  };
  const target = new Registry(host, { transport: forgetful }).repository("acme/app");
  await copy(store, "acme/app:1", target, { targetReference: "1" });
  const sent = requests.filter(({ method, path }) =>
    method === "PUT" && decodeURIComponent(path).includes(shared)
  );
  assert.equal(sent.length, 1);
});

/** The blobs of an image, its config first. */
async function blobsOf(
  store: Store,
  image: Descriptor,
): Promise<[Descriptor, Descriptor, ...Descriptor[]]> {
  const raw = new TextDecoder().decode(await get(store, image));
  const { config, layers }: { config: Descriptor; layers: [Descriptor] } = JSON.parse(raw);
  return [config, ...layers];
}
