import { test } from "node:test";
import assert from "node:assert/strict";
import { readAll } from "../../lib/bytes/mod.ts";
import {
  DockerRegistry,
  type DockerRegistryOptions,
  ManifestV21,
  signSchema1,
} from "../../lib/dockerreg/mod.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import { decodeBase64 } from "../../lib/model/mod.ts";
import { copy, validate } from "../../lib/ops/mod.ts";
import { memoryFileSystem, memoryStore } from "../../lib/store/mod.ts";
import { memoryRegistry, randomImage } from "../../lib/testing/mod.ts";
import { Registry } from "../../lib/registry/mod.ts";
import { payloadOf, schema1Document } from "./schema1_sample.ts";
import { Schema1Registry } from "./schema1_registry.ts";

/** The empty layer of Docker's engine. */
const EMPTY = decodeBase64("H4sIAAAJbogA/2IYBaNgFIxYAAgAAP//Lq+17wAEAAA=");

function open(server: Schema1Registry, options: DockerRegistryOptions = {}): DockerRegistry {
  const { host, transport } = server;
  const platform = { os: "linux", architecture: "amd64" };
  return new DockerRegistry(host, { transport, platform, retry: { retries: 0 }, ...options });
}

interface Sample {
  readonly server: Schema1Registry;
  readonly layers: readonly Uint8Array<ArrayBuffer>[];
  readonly digests: readonly string[];
  readonly empty: string;
}

/** Two layers with files, and two steps without any. */
async function sample(host?: string): Promise<Sample> {
  const server = new Schema1Registry(host);
  const image = await randomImage("schema1", { layers: 2 });
  const layers = image.layers.map(({ bytes }) => bytes);
  const digests: string[] = [];
  for (const layer of layers) digests.push((await server.blob("acme/app", layer)).digest);
  const empty = (await server.blob("acme/app", EMPTY)).digest;
  const throwaway = { blobSum: empty, fields: { throwaway: true } };
  const top = { os: "linux", config: { Env: ["A=b"] } };
  const document = schema1Document([
    { blobSum: digests[0] ?? "" },
    throwaway,
    { blobSum: digests[1] ?? "", fields: { container_config: { Cmd: ["a", "b"] } } },
    { ...throwaway, fields: { ...throwaway.fields, ...top } },
  ]);
  server.put("acme/app", "1", await signSchema1(payloadOf(document)));
  return { server, layers, digests, empty };
}

test("the size of schema 1 is asked for, once for each layer", async () => {
  const { server, layers } = await sample();
  const registry = open(server);
  const size = layers.reduce((sum, { byteLength }) => sum + byteLength, EMPTY.byteLength);
  assert.equal(await registry.size("acme/app", "1"), size);
  const heads = server.requests.filter((request) => request.startsWith("HEAD"));
  assert.equal(heads.length, 3);
});

test("facts and manifest of schema 1 are those of its history", async () => {
  const { server, digests, empty } = await sample();
  const registry = open(server);
  const { reference, image } = await registry.metadata("acme/app", "1");
  const manifest = new ManifestV21(server.get("acme/app", "1"));
  assert.equal(reference.digest, manifest.digest);
  assert.equal(image.version, "v2.1");
  assert.equal(image.id, manifest.id);
  assert.equal(image.architecture, "amd64");
  assert.equal(image.os, "linux");
  assert.equal(image.created, "2016-01-04T00:00:00Z");
  assert.equal(image.configDigest, undefined);
  assert.deepEqual(image.layers.map(({ digest }) => digest), [
    digests[0],
    empty,
    digests[1],
    empty,
  ]);
  const opened = await registry.repository("acme/app").image("1");
  assert.ok(opened.manifest.version === "v2.1");
  assert.equal(await opened.manifest.verify(), true);
});

test("checkImage() of schema 1 looks for each layer once", async () => {
  const { server, digests } = await sample();
  const registry = open(server);
  assert.deepEqual(await registry.checkImage("acme/app", "1"), []);
  const digest = digests[1] ?? "";
  await server.memory.store.delete({ mediaType: "x", digest, size: 0 });
  assert.deepEqual(await registry.checkImage("acme/app", "1"), [
    { kind: "layer", digest, descriptor: undefined },
  ]);
});

test("tagImage() of schema 1 writes the tag into the manifest and signs it", async () => {
  const { server } = await sample();
  const tagged = await open(server).tagImage("acme/app", "1", "2");
  const manifest = new ManifestV21(server.get("acme/app", "2"));
  assert.equal(manifest.value.tag, "2");
  assert.equal(manifest.digest, tagged.digest);
  assert.equal(await manifest.verify(), true);
  assert.equal(new ManifestV21(server.get("acme/app", "1")).value.tag, "1");
});

test("schema 1 is pulled into a cache and pushed from it under another name, signed anew", async () => {
  const { server, layers } = await sample();
  const files = memoryFileSystem();
  const registry = open(server, { files });
  const image = await registry.pullImage("acme/app", "1", { cache: "/app" });
  assert.equal(image.manifest.version, "v2.1");
  assert.equal((await files.readDirectory("/")).length, 1 + 2 + 1);
  const before = server.requests.length;
  await registry.pullImage("acme/app", "1", { cache: "/app" });
  assert.equal(server.requests.length, before);
  const there = new Schema1Registry("there.test");
  const pushed = await open(there, { files }).pushImage("beta/app", "9", { cache: "/app" });
  const manifest = new ManifestV21(there.get("beta/app", "9"));
  assert.deepEqual([manifest.value.name, manifest.value.tag], ["beta/app", "9"]);
  assert.equal(manifest.digest, pushed.digest);
  assert.equal(await manifest.verify(), true);
  assert.deepEqual(await open(there).checkImage("beta/app", "9"), []);
  const [facts] = (await image.facts()).layers;
  const bytes = await readAll(await image.openLayer(facts?.digest ?? ""), { maxBytes: 1e6 });
  assert.deepEqual(bytes, layers[0]);
});

test("schema 1 with a cache asks for sizes that the cache does not know", async () => {
  const { server, layers } = await sample();
  const registry = open(server, { files: memoryFileSystem() });
  const size = layers.reduce((sum, { byteLength }) => sum + byteLength, EMPTY.byteLength);
  assert.equal(await registry.size("acme/app", "1", { cache: "/app" }), size);
  await registry.pullImage("acme/app", "1", { cache: "/app" });
  const before = server.requests.length;
  assert.equal(await registry.size("acme/app", "1", { cache: "/app" }), size);
  assert.equal(server.requests.length, before);
});

test("pushImage() of schema 1 keeps the signature where the name stays", async () => {
  const { server } = await sample();
  const files = memoryFileSystem();
  await open(server, { files }).pullImage("acme/app", "1", { cache: "/app" });
  const there = new Schema1Registry("there.test");
  await open(there, { files }).pushImage("acme/app", "1", { cache: "/app" });
  assert.deepEqual(there.get("acme/app", "1"), server.get("acme/app", "1"));
});

test("schema 1 is copied to a registry that does not take it by converting it", async () => {
  const { server, digests } = await sample();
  const modern = memoryRegistry({ host: "modern.test" });
  const registry = open(server, {
    transport: (request) =>
      new URL(request.url).host === "modern.test"
        ? modern.transport(request)
        : server.transport(request),
  });
  const destination = { registry: "modern.test", tag: "2" };
  await assert.rejects(registry.pullAndPush("acme/app", "1", destination));
  const pushed = await registry.pullAndPush("acme/app", "1", destination, { convert: true });
  assert.equal(pushed.mediaType, "application/vnd.oci.image.manifest.v1+json");
  const options = { transport: modern.transport };
  const copied = new Registry("modern.test", options).repository("acme/app");
  const report = await validate(copied, "2");
  assert.deepEqual(report.problems, []);
  const manifest = await copied.manifest("2");
  assert.ok(manifest.parsed.kind === "image");
  assert.deepEqual(manifest.parsed.value.layers.map(({ digest }) => digest), digests);
});

test("source() converts schema 1 for copy(), history and all", async () => {
  const { server } = await sample();
  const image = await open(server).repository("acme/app").image("1");
  const store = memoryStore();
  await copy(await image.source(), "acme/app:1", store);
  assert.deepEqual((await validate(store, "acme/app:1")).problems, []);
});

test("deleteImage() of schema 1 keeps layers that another tag needs", async () => {
  const { server, digests, empty } = await sample();
  const document = schema1Document([{ blobSum: digests[0] ?? "" }], "acme/app", "2");
  server.put("acme/app", "2", await signSchema1(payloadOf(document)));
  const registry = open(server);
  const { digest } = new ManifestV21(server.get("acme/app", "1"));
  const result = await registry.deleteImage("acme/app", "1", { layers: true });
  assert.deepEqual([...result.deleted].sort(), [digest, empty, digests[1]].sort());
  assert.deepEqual(result.kept, [digests[0]]);
  assert.deepEqual(await registry.checkImage("acme/app", "2"), []);
});

test("a manifest of schema 1 is not pushed under the digest of other bytes", async () => {
  const { server } = await sample();
  const raw = server.get("acme/app", "1");
  const { transport } = server;
  const repository = new Registry(server.host, { transport }).repository("acme/app");
  const mediaType = "application/vnd.docker.distribution.manifest.v1+prettyjws";
  // The digest of all bytes is none.
  const digest = digestBytes("sha256", raw);
  const wrong = { mediaType, digest, size: raw.byteLength };
  await assert.rejects(repository.push(wrong, raw), { code: "DIGEST_MISMATCH" });
  const own = { ...wrong, digest: new ManifestV21(raw).digest };
  await repository.push(own, raw);
  await assert.rejects(repository.push({ ...own, size: 10 }, raw), { code: "LIMIT_EXCEEDED" });
});
