import { test } from "node:test";
import assert from "node:assert/strict";
import { staticCredentials } from "../../lib/auth/mod.ts";
import { readAll } from "../../lib/bytes/mod.ts";
import { DockerRegistry, type DockerRegistryOptions, pushToV1 } from "../../lib/dockerreg/mod.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import type { Transport } from "../../lib/model/transport.ts";
import { validate } from "../../lib/ops/mod.ts";
import { Registry } from "../../lib/registry/mod.ts";
import { RegistryV1 } from "../../lib/registry/v1/mod.ts";
import { memoryFileSystem, memoryStore } from "../../lib/store/mod.ts";
import { memoryRegistry, randomImage, randomIndex } from "../../lib/testing/mod.ts";
import { ID, putSample } from "../registry/v1/v1_sample.ts";
import { V1Server, type V1ServerOptions } from "../registry/v1/v1_server.ts";

const NAME = "acme/app";
const PLATFORM = { os: "linux", architecture: "amd64" };

function open(server: V1Server, options: DockerRegistryOptions = {}): DockerRegistry {
  const { host, transport } = server;
  return new DockerRegistry(host, {
    transport,
    platform: PLATFORM,
    retry: { retries: 0 },
    ...options,
  });
}

async function bench(options: V1ServerOptions = {}) {
  const server = new V1Server(options);
  const sample = await putSample(server, NAME, "1");
  return { server, sample, registry: open(server) };
}

/** Leads to whichever host a request names. */
function network(ways: Readonly<Record<string, Transport>>): Transport {
  return (request) => {
    const way = ways[new URL(request.url).host];
    return way === undefined ? Promise.reject(new TypeError("no way")) : way(request);
  };
}

test("a registry is asked once which protocol it speaks, version 2 first", async () => {
  const { server, registry } = await bench();
  assert.equal(await registry.ping(), true);
  await registry.repository(NAME).tags();
  const probes = server.requests.filter(({ path }) => path === "/v2/");
  assert.equal(probes.length, 1);
  const fixed = open(server, { protocol: "v1" });
  const before = server.requests.length;
  assert.deepEqual(await fixed.repository(NAME).tags(), ["1"]);
  assert.equal(server.requests.slice(before).some(({ path }) => path === "/v2/"), false);
  const none = open(new V1Server({ intercept: () => new Response("", { status: 404 }) }));
  await assert.rejects(none.ping(), { code: "NOT_FOUND" });
  await assert.rejects(open(server, { protocol: "v2" }).repository(NAME).tags(), {
    code: "NOT_FOUND",
  });
});

test("a failure to find out the protocol is forgotten", async () => {
  let isDown = true;
  const { server } = await bench({
    intercept: () => isDown ? new Response("", { status: 503 }) : undefined,
  });
  const registry = open(server);
  await assert.rejects(registry.ping(), { code: "REGISTRY_ERROR" });
  isDown = false;
  assert.equal(await registry.ping(), true);
});

test("ping() of version 1 tells whether the credentials are taken", async () => {
  const { server } = await bench({ users: { alice: "secret" } });
  const given = (password: string) =>
    staticCredentials(server.host, { kind: "basic", username: "alice", password });
  assert.equal(await open(server, { credentials: given("secret") }).ping(), true);
  assert.equal(await open(server, { credentials: given("guess") }).ping(), false);
});

test("facts of version 1 are those of its documents", async () => {
  const { registry, sample } = await bench();
  const sizes = sample.layers.map(({ byteLength }) => byteLength);
  const { reference, image } = await registry.metadata(NAME, "1");
  assert.equal(reference.digest, sample.id);
  assert.equal(reference.mediaType, "application/json");
  assert.equal(image.id, sample.id);
  assert.equal(image.version, "v1");
  assert.equal(image.created, "2014-01-03T00:00:00Z");
  assert.deepEqual(image.layers.map(({ digest }) => digest), [ID(1), ID(2), ID(3)]);
  assert.equal(await registry.size(NAME, "1"), sizes.reduce((sum, size) => sum + size, 0));
  const opened = await registry.repository(NAME).image("1");
  assert.ok(opened.manifest.version === "v1");
  assert.equal(opened.manifest.parent, ID(2));
  const layer = await readAll(await opened.openLayer(ID(1)), { maxBytes: 1e6 });
  assert.deepEqual(layer, sample.layers[0]);
  const [metadata] = await registry.repository(NAME).tagsWithMetadata();
  assert.deepEqual(metadata, reference);
});

test("namespaces and repositories of version 1 come from its search", async () => {
  const { server, registry } = await bench();
  server.tag("beta/db", "1", ID(1));
  assert.deepEqual(await registry.namespaces(), ["acme", "beta"]);
  assert.deepEqual([...await registry.repositories({ filter: /db/ })], [["beta", ["beta/db"]]]);
});

test("checkImage() of version 1 lists images and layers that are missing", async () => {
  const { server, registry } = await bench();
  assert.deepEqual(await registry.checkImage(NAME, "1"), []);
  const stored = server.images.get(ID(2));
  assert.ok(stored !== undefined);
  const intercepted = open(server, {
    transport: (request) =>
      request.url.endsWith(`${ID(1)}/layer`)
        ? Promise.resolve(new Response(null, { status: 404 }))
        : request.url.endsWith(`${ID(2)}/json`)
        ? Promise.resolve(new Response("{}", { status: 404 }))
        : server.transport(request),
  });
  const missing = await intercepted.checkImage(NAME, "1");
  assert.deepEqual(missing.map(({ kind, digest }) => [kind, digest]), [
    ["layer", ID(1)],
    ["manifest", ID(2)],
  ]);
});

test("deleting in version 1 takes tags, and the repository with the last one", async () => {
  const { server, registry, sample } = await bench();
  await registry.tagImage(NAME, "1", "2");
  assert.deepEqual(await registry.deleteImage(NAME, "1", { layers: true }), {
    deleted: [],
    kept: [sample.id],
  });
  assert.deepEqual(await registry.repository(NAME).tags(), ["2"]);
  await registry.tagImage(NAME, "2", "3");
  await registry.deleteTag(NAME, "3");
  const { deleted } = await registry.deleteImage(NAME, "2", { layers: true });
  assert.deepEqual(deleted, [ID(3), ID(2), ID(1)]);
  assert.equal(server.repositories.has(NAME), false);
});

test("an image of version 1 is pulled into a cache as one of the OCI, each layer once", async () => {
  const { server, sample } = await bench();
  const files = memoryFileSystem();
  const registry = open(server, { files });
  const image = await registry.pullImage(NAME, "1", { cache: "/app" });
  const fetched = server.requests.filter(({ method, path }) =>
    method === "GET" && path.endsWith("/layer")
  );
  assert.equal(fetched.length, 3);
  assert.ok(image.manifest.version === "v2.2");
  const digests = sample.layers.slice(0, 2).map((layer) => digestBytes("sha256", layer));
  assert.deepEqual(image.manifest.layers.map(({ digest }) => digest), digests);
  const before = server.requests.length;
  await registry.pullImage(NAME, "1", { cache: "/app" });
  assert.equal(server.requests.length, before);
  await files.remove(`/app.${digests[1]?.slice(7)}`);
  await registry.pullImage(NAME, "1", { cache: "/app" });
  assert.ok(await files.stat(`/app.${digests[1]?.slice(7)}`) !== undefined);
});

test("an image of version 1 with a cache is kept once it is pulled", async () => {
  const { server } = await bench();
  const files = memoryFileSystem();
  const registry = open(server, { files });
  const image = await registry.repository(NAME).image("1", { cache: "/app" });
  assert.equal(image.manifest.version, "v1");
  assert.deepEqual(await files.readDirectory("/"), []);
  await registry.pullImage(NAME, "1", { cache: "/app" });
  const pulled = await registry.repository(NAME).image("1", { cache: "/app" });
  assert.equal(pulled.manifest.version, "v2.2");
});

test("an image goes from version 1 to version 2, and validate() finds it good", async () => {
  const { server } = await bench();
  const modern = memoryRegistry({ host: "modern.test" });
  const files = memoryFileSystem();
  const transport = network({ [server.host]: server.transport, "modern.test": modern.transport });
  const registry = open(server, { transport, files });
  const { host } = modern;
  const direct = await registry.pullAndPush(NAME, "1", { registry: host, tag: "direct" });
  const cached = await registry.pullAndPush(NAME, "1", { registry: host, tag: "cached" }, {
    cache: "/app",
  });
  assert.equal(direct.digest, cached.digest);
  const copied = new Registry(host, { transport: modern.transport }).repository(NAME);
  assert.deepEqual((await validate(copied, "direct")).problems, []);
});

test("an image goes from version 2 to version 1 and back with the same layers", async () => {
  const modern = memoryRegistry({ host: "modern.test" });
  const image = await randomImage("to v1", { layers: 2 });
  await image.pushTo(modern.store, "acme/app:1");
  const server = new V1Server();
  const transport = network({ [server.host]: server.transport, "modern.test": modern.transport });
  const options = { transport, platform: PLATFORM };
  const registry = new DockerRegistry("modern.test", options);
  const pushed = await registry.pullAndPush(NAME, "1", { registry: server.host });
  assert.match(pushed.digest, /^[a-f0-9]{64}$/);
  assert.equal(server.repositories.get(NAME)?.get("1"), pushed.digest);
  assert.deepEqual(await open(server).checkImage(NAME, "1"), []);
  const stored = [...server.images.values()].map(({ layer }) => layer);
  assert.deepEqual(stored, image.layers.map(({ bytes }) => bytes));
  await open(server, { transport }).pullAndPush(NAME, "1", { registry: "modern.test", tag: "2" });
  const back = await registry.repository(NAME).image("2");
  assert.ok(back.manifest.version === "v2.2");
  const digests = image.layers.map(({ descriptor }) => descriptor.digest);
  assert.deepEqual(back.manifest.layers.map(({ digest }) => digest), digests);
  assert.deepEqual(back.manifest.config?.config?.Env, image.config.config?.Env);
});

test("pushToV1() takes images from any place, and one of an index by its platform", async () => {
  const store = memoryStore();
  const index = await randomIndex("any place");
  await index.pushTo(store, "demo:1");
  const server = new V1Server();
  const { host, transport } = server;
  const repository = new RegistryV1(host, { transport }).repository(NAME);
  const platform = { os: "linux", architecture: "arm64" };
  const id = await pushToV1(store, "demo:1", repository, "arm", { platform });
  assert.equal(await repository.resolve("arm"), id);
  const stored = [...server.images.values()].map(({ layer }) => layer);
  assert.deepEqual(stored, index.images[1]?.layers.map(({ bytes }) => bytes));
  await assert.rejects(pushToV1(store, "demo:1", repository, "2"), TypeError);
  await assert.rejects(pushToV1(store, "demo:2", repository, "2"), { code: "NOT_FOUND" });
});

test("between registries of version 1 images keep their IDs, and none is sent twice", async () => {
  const { server, registry, sample } = await bench();
  const other = new V1Server({ host: "other.test" });
  const transport = network({ [server.host]: server.transport, "other.test": other.transport });
  const options = { transport };
  await registry.pullAndPush(NAME, "1", { registry: "other.test", options });
  assert.deepEqual([...other.images.keys()], [ID(1), ID(2), ID(3)]);
  assert.deepEqual(other.images.get(ID(1)), server.images.get(ID(1)));
  await registry.pullAndPush(NAME, "1", { repository: "beta/app", tag: "2" });
  assert.equal(server.repositories.get("beta/app")?.get("2"), sample.id);
  const uploads = server.requests.filter(({ method, path }) =>
    method === "PUT" && path.includes("/images/")
  );
  assert.equal(uploads.length, 0);
});

test("all platforms cannot be copied where there are no lists", async () => {
  const { registry } = await bench();
  const copied = registry.pullAndPush(NAME, "1", { tag: "2" }, { platform: "all" });
  await assert.rejects(copied, TypeError);
});
