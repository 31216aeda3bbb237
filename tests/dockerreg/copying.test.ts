import { test } from "node:test";
import assert from "node:assert/strict";
import { staticCredentials } from "../../lib/auth/mod.ts";
import { DockerRegistry, type DockerRegistryOptions } from "../../lib/dockerreg/mod.ts";
import { memoryFileSystem } from "../../lib/store/mod.ts";
import {
  type MemoryRegistry,
  memoryRegistry,
  randomImage,
  randomIndex,
} from "../../lib/testing/mod.ts";
import type { Transport } from "../../lib/model/transport.ts";

const AMD64 = { os: "linux", architecture: "amd64" };

function open(memory: MemoryRegistry, options: DockerRegistryOptions = {}): DockerRegistry {
  const { transport, host } = memory;
  return new DockerRegistry(host, { transport, platform: AMD64, ...options });
}

/** Leads to whichever registry a request names. */
function network(...registries: readonly MemoryRegistry[]): Transport {
  return (request) => {
    const { host } = new URL(request.url);
    const found = registries.find((registry) => registry.host === host);
    if (found === undefined) return Promise.reject(new TypeError(`no way to ${host}`));
    return found.transport(request);
  };
}

/** Requests of a kind since a moment. */
function since({ requests }: MemoryRegistry, start: number, method: string): string[] {
  return requests.slice(start).filter((request) => request.method === method)
    .map(({ path }) => path.split("?")[0] ?? "");
}

test("pullAndPush() wants a destination, and another one than the source", async () => {
  const registry = open(memoryRegistry());
  await assert.rejects(registry.pullAndPush("acme/app", "1", {}), TypeError);
  const same = [
    { tag: "1" },
    { repository: "acme/app" },
    { registry: "registry.test", repository: "acme/app", tag: "1" },
  ];
  for (const destination of same) {
    await assert.rejects(registry.pullAndPush("acme/app", "1", destination), TypeError);
  }
  const digest = `sha256:${"0".repeat(64)}`;
  await assert.rejects(registry.pullAndPush("acme/app", digest, { repository: "b/c" }), TypeError);
});

test("pullAndPush() within a repository moves no blob", async () => {
  const memory = memoryRegistry();
  const index = await randomIndex("retag");
  await index.pushTo(memory.store, "acme/app:1");
  const registry = open(memory);
  const start = memory.requests.length;
  const pushed = await registry.pullAndPush("acme/app", "1", { tag: "2" });
  assert.equal(pushed.digest, index.images[0]?.descriptor.digest);
  assert.equal(pushed.reference, "2");
  const layers = index.images[0]?.layers.map(({ descriptor }) => descriptor.digest) ?? [];
  const fetched = since(memory, start, "GET");
  assert.equal(fetched.some((path) => layers.some((digest) => path.endsWith(digest))), false);
  assert.deepEqual(since(memory, start, "POST"), []);
});

test("pullAndPush() within a registry mounts blobs", async () => {
  const memory = memoryRegistry();
  const image = await randomImage("mount");
  await image.pushTo(memory.store, "acme/app:1");
  const registry = open(memory);
  const start = memory.requests.length;
  const pushed = await registry.pullAndPush("acme/app", "1", { repository: "beta/app" });
  assert.deepEqual([pushed.repository, pushed.reference], ["beta/app", "1"]);
  const layers = image.layers.map(({ descriptor }) => descriptor.digest);
  const fetched = since(memory, start, "GET");
  assert.equal(fetched.some((path) => layers.some((digest) => path.endsWith(digest))), false);
  assert.deepEqual(await registry.checkImage("beta/app", "1"), []);
});

test("pullAndPush() goes to another registry with its own transport and credentials", async () => {
  const from = memoryRegistry({ host: "from.test" });
  const to = memoryRegistry({ host: "to.test" });
  const image = await randomImage("far");
  await image.pushTo(from.store, "acme/app:1");
  const seen: (string | null)[] = [];
  const guarded: Transport = (request) => {
    const given = request.headers.get("authorization");
    seen.push(given);
    const headers = { "www-authenticate": 'Basic realm="to"' };
    if (given === null) return Promise.resolve(new Response("{}", { status: 401, headers }));
    return to.transport(request);
  };
  const registry = open(from, {
    credentials: () => Promise.reject(new Error("the source needs none")),
  });
  const { host } = to;
  const credentials = staticCredentials(host, { kind: "basic", username: "u", password: "p" });
  const options = { transport: guarded };
  const destination = { registry: host, repository: "x/y", tag: "9", credentials, options };
  const pushed = await registry.pullAndPush("acme/app", "1", destination);
  assert.deepEqual([pushed.registry, pushed.repository, pushed.reference], [host, "x/y", "9"]);
  assert.equal(pushed.digest, image.descriptor.digest);
  assert.ok(seen.includes(`Basic ${btoa("u:p")}`));
  assert.deepEqual(await open(to).checkImage("x/y", "9"), []);
});

test("pullAndPush() asks the source's provider for the destination by its own name, and keeps its headers", async () => {
  const from = memoryRegistry({ host: "from.test" });
  const to = memoryRegistry({ host: "to.test" });
  await (await randomImage("provider")).pushTo(from.store, "acme/app:1");
  const asked: string[] = [];
  const secrets = new Set<string>();
  const transport: Transport = (request) => {
    const isKnown = request.headers.has("authorization");
    if (request.headers.has("x-secret")) secrets.add(new URL(request.url).host);
    const headers = { "www-authenticate": 'Basic realm="x"' };
    return isKnown
      ? network(from, to)(request)
      : Promise.resolve(new Response("{}", { status: 401, headers }));
  };
  const registry = open(from, {
    transport,
    headers: { "x-secret": "1" },
    credentials: ({ registry }) => {
      asked.push(registry);
      return Promise.resolve({ kind: "basic", username: registry, password: "p" });
    },
  });
  await registry.pullAndPush("acme/app", "1", { registry: to.host });
  assert.deepEqual([...new Set(asked)].sort(), [from.host, to.host]);
  assert.deepEqual([...secrets], [from.host]);
  assert.deepEqual(await open(to).checkImage("acme/app", "1"), []);
});

test("pullAndPush() through a cache fills it, and pushes out of it", async () => {
  const from = memoryRegistry({ host: "from.test" });
  const to = memoryRegistry({ host: "to.test" });
  const image = await randomImage("through");
  await image.pushTo(from.store, "acme/app:1");
  const files = memoryFileSystem();
  const registry = open(from, { files, transport: network(from, to) });
  await registry.pullAndPush("acme/app", "1", { registry: to.host }, { cache: "/c" });
  assert.equal((await files.readDirectory("/")).length, 2 + image.layers.length);
  const start = from.requests.length;
  await registry.pullAndPush("acme/app", "1", { registry: to.host, tag: "2" }, { cache: "/c" });
  assert.equal(from.requests.length, start);
  assert.deepEqual(await open(to).checkImage("acme/app", "2"), []);
});

test("pullAndPush() of all platforms copies the whole list", async () => {
  const from = memoryRegistry({ host: "from.test" });
  const to = memoryRegistry({ host: "to.test" });
  const index = await randomIndex("all");
  await index.pushTo(from.store, "acme/app:1");
  const registry = open(from, { transport: network(from, to) });
  const pushed = await registry.pullAndPush("acme/app", "1", { registry: to.host }, {
    platform: "all",
  });
  assert.equal(pushed.digest, index.descriptor.digest);
  const platform = { architecture: "arm64" };
  assert.deepEqual(await open(to).checkImage("acme/app", "1", { platform }), []);
});

test("copyTo() copies to another tag, repository and registry, and refuses itself", async () => {
  const from = memoryRegistry({ host: "from.test" });
  const to = memoryRegistry({ host: "to.test" });
  await (await randomImage("copy")).pushTo(from.store, "acme/app:1");
  const files = memoryFileSystem();
  const registry = open(from, { files });
  const image = await registry.repository("acme/app").image("1");
  await assert.rejects(image.copyTo({}), TypeError);
  await assert.rejects(image.copyTo({ tag: "1" }), TypeError);
  await assert.rejects(image.copyTo({ repository: "acme/app" }), TypeError);
  await assert.rejects(image.copyTo({ repository: image.repository, tag: "1" }), TypeError);
  assert.equal((await image.copyTo({ tag: "2" })).reference, "2");
  assert.equal((await image.copyTo({ repository: "beta/app" })).repository, "beta/app");
  const there = open(to).repository("acme/app");
  const copied = await image.copyTo({ repository: there }, { cache: "/c" });
  assert.deepEqual([copied.registry, copied.reference], [to.host, "1"]);
  assert.ok((await files.readDirectory("/")).length > 0);
  assert.deepEqual(await open(to).checkImage("acme/app", "1"), []);
  assert.deepEqual(await registry.repository("acme/app").tags(), ["1", "2"]);
  assert.deepEqual(await registry.checkImage("beta/app", "1"), []);
});
