import { test } from "node:test";
import assert from "node:assert/strict";
import { readAll } from "../../lib/bytes/mod.ts";
import { DockerRegistry, type DockerRegistryOptions } from "../../lib/dockerreg/mod.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import {
  type MemoryRegistry,
  memoryRegistry,
  randomImage,
  randomIndex,
} from "../../lib/testing/mod.ts";
import type { Transport } from "../../lib/model/transport.ts";
import { utf8 } from "./schema1_sample.ts";

const AMD64 = { os: "linux", architecture: "amd64" };

function open(memory: MemoryRegistry, options: DockerRegistryOptions = {}): DockerRegistry {
  return new DockerRegistry(memory.host, { transport: memory.transport, ...options });
}

/** Answers every request in one way. */
function always(status: number, headers: Record<string, string> = {}): Transport {
  return () => Promise.resolve(new Response("{}", { status, headers }));
}

test("ping() tells whether the registry takes the credentials", async () => {
  const memory = memoryRegistry();
  assert.equal(await open(memory).ping(), true);
  const basic = { "www-authenticate": 'Basic realm="x"' };
  assert.equal(await open(memory, { transport: always(401, basic) }).ping(), false);
  assert.equal(await open(memory, { transport: always(403) }).ping(), false);
  const broken = open(memory, {
    transport: () => Promise.reject(new Error("cable")),
    retry: { retries: 0 },
  });
  await assert.rejects(broken.ping(), { code: "REGISTRY_ERROR" });
});

test("checkImage() lists what is missing, and nothing when all is there", async () => {
  const memory = memoryRegistry();
  const image = await randomImage("check", { layers: 3 });
  await image.pushTo(memory.store, "acme/app:1");
  const registry = open(memory);
  assert.deepEqual(await registry.checkImage("acme/app", "1"), []);
  const [layer] = image.layers;
  assert.ok(layer !== undefined);
  await memory.store.delete(layer.descriptor);
  await memory.store.delete(image.manifest.config);
  const missing = await registry.checkImage("acme/app", "1");
  assert.deepEqual(missing.map(({ kind, digest }) => [kind, digest]), [
    ["config", image.manifest.config.digest],
    ["layer", layer.descriptor.digest],
  ]);
  assert.equal(missing[1]?.descriptor?.size, layer.descriptor.size);
  await assert.rejects(registry.checkImage("acme/app", "2"), { code: "NOT_FOUND" });
});

test("checkImage() of a list checks the image of the platform, its manifest too", async () => {
  const memory = memoryRegistry();
  const index = await randomIndex("check-list");
  await index.pushTo(memory.store, "acme/app:1");
  const [, arm] = index.images;
  assert.ok(arm !== undefined);
  await memory.store.delete(arm.descriptor);
  const registry = open(memory, { platform: AMD64 });
  assert.deepEqual(await registry.checkImage("acme/app", "1"), []);
  const missing = await registry.checkImage("acme/app", "1", {
    platform: { architecture: "arm64" },
  });
  assert.deepEqual(missing.map(({ kind, digest }) => [kind, digest]), [
    ["manifest", arm.descriptor.digest],
  ]);
});

test("created(), size() and metadata() tell what manifest and config say", async () => {
  const memory = memoryRegistry();
  const index = await randomIndex("facts");
  await index.pushTo(memory.store, "acme/app:1");
  const registry = open(memory, { platform: AMD64 });
  const platform = { architecture: "arm64" };
  const [, arm] = index.images;
  assert.ok(arm !== undefined);
  const size = arm.layers.reduce((sum, { descriptor }) => sum + descriptor.size, 0);
  assert.equal(await registry.created("acme/app", "1"), "1970-01-01T00:00:00Z");
  assert.equal(await registry.size("acme/app", "1", { platform }), size);
  assert.deepEqual(await registry.metadata("acme/app", "1", { platform }), {
    reference: {
      registry: memory.host,
      repository: "acme/app",
      reference: "1",
      digest: index.descriptor.digest,
      mediaType: index.descriptor.mediaType,
      size: index.descriptor.size,
    },
    image: {
      id: arm.manifest.config.digest,
      version: "v2.2",
      architecture: "arm64",
      os: "linux",
      variant: "v8",
      created: "1970-01-01T00:00:00Z",
      layers: arm.layers.map(({ descriptor: { digest, size } }) => ({ digest, size })),
      size,
      configDigest: arm.manifest.config.digest,
    },
  });
});

test("created() looks at the config, its history, and the annotations, in this order", async () => {
  const memory = memoryRegistry();
  const { manifest, config, contents } = await randomImage("created", { layers: 0 });
  for (const content of contents) await memory.store.push(content.descriptor, content.bytes);
  const push = async (tag: string, edit: object, annotations: Record<string, string>) => {
    const raw = utf8(JSON.stringify({ ...config, ...edit }));
    const mediaType = manifest.config.mediaType;
    const own = { mediaType, digest: digestBytes("sha256", raw), size: raw.byteLength };
    await memory.store.push(own, raw);
    const document = utf8(JSON.stringify({ ...manifest, config: own, annotations }));
    const type = manifest.mediaType ?? "";
    const size = document.byteLength;
    const descriptor = { mediaType: type, digest: digestBytes("sha256", document), size };
    await memory.store.push(descriptor, document);
    await memory.store.tag(descriptor, `acme/app:${tag}`);
  };
  const created = "2001-01-01T00:00:00Z";
  const history = [{ created: "2002-01-01T00:00:00Z" }, { created: "2003-01-01T00:00:00Z" }, {}];
  const annotations = { "org.opencontainers.image.created": "2004-01-01T00:00:00Z" };
  await push("config", { created, history }, annotations);
  await push("history", { created: undefined, history }, annotations);
  await push("annotation", { created: undefined, history: [] }, annotations);
  await push("none", { created: undefined, history: undefined }, {});
  const registry = open(memory);
  assert.equal(await registry.created("acme/app", "config"), created);
  assert.equal(await registry.created("acme/app", "history"), "2003-01-01T00:00:00Z");
  assert.equal(await registry.created("acme/app", "annotation"), "2004-01-01T00:00:00Z");
  assert.equal(await registry.created("acme/app", "none"), undefined);
});

test("namespaces() and repositories() filter, whatever flags the expressions have", async () => {
  const memory = memoryRegistry();
  const image = await randomImage("names");
  const names = ["acme/app", "acme/db", "beta/app", "tool", "library/tool", "acme/deep/app"];
  for (const name of names) await image.pushTo(memory.store, `${name}:1`);
  const registry = open(memory);
  assert.deepEqual((await registry.namespaces()).sort(), ["", "acme", "beta", "library"]);
  assert.deepEqual(await registry.namespaces(/^b/g), ["beta"]);
  const sorted = async (options: Parameters<DockerRegistry["repositories"]>[0]) =>
    [...await registry.repositories(options)].map(([key, list]) => [key, [...list].sort()]).sort();
  assert.deepEqual(await sorted({}), [
    ["", ["tool"]],
    ["acme", ["acme/app", "acme/db", "acme/deep/app"]],
    ["beta", ["beta/app"]],
    ["library", ["library/tool"]],
  ]);
  assert.deepEqual(await sorted({ filter: /app$/g, namespaceFilter: /^acme$/y }), [
    ["acme", ["acme/app", "acme/deep/app"]],
  ]);
  assert.deepEqual(await sorted({ namespaceFilter: /^$/ }), [["", ["tool"]]]);
});

test("lesson 60, 64: tags are listed without a manifest, and told apart by headers alone", async () => {
  const memory = memoryRegistry();
  const image = await randomImage("tags");
  for (const tag of ["1", "2", "latest"]) await image.pushTo(memory.store, `acme/app:${tag}`);
  const repository = open(memory).repository("acme/app");
  assert.equal(repository.namespace, "acme");
  assert.deepEqual(await repository.tags(), ["1", "2", "latest"]);
  assert.deepEqual(await repository.tags({ filter: /^\d$/g }), ["1", "2"]);
  assert.equal(memory.requests.some(({ path }) => path.includes("/manifests/")), false);
  const [first, second] = await repository.tagsWithMetadata({ filter: /^\d$/ });
  const { digest, mediaType, size } = image.descriptor;
  const common = { registry: memory.host, repository: "acme/app", digest, mediaType, size };
  assert.deepEqual(first, { ...common, reference: "1" });
  assert.deepEqual(second, { ...common, reference: "2" });
  assert.deepEqual(await repository.referenceMetadata(digest), { ...common, reference: digest });
  const told = memory.requests.filter(({ path }) => path.includes("/manifests/"));
  assert.deepEqual(told.map(({ method }) => method), ["HEAD", "HEAD", "HEAD"]);
  await assert.rejects(repository.referenceMetadata("3"), { code: "NOT_FOUND" });
});

test("image() opens by tag and digest, of a list by platform, and its layers", async () => {
  const memory = memoryRegistry();
  const index = await randomIndex("image", { format: "docker" });
  await index.pushTo(memory.store, "acme/app:1");
  const [amd, arm] = index.images;
  assert.ok(amd !== undefined && arm !== undefined);
  const repository = open(memory, { platform: AMD64 }).repository("acme/app");
  const image = await repository.image("1");
  assert.equal(image.id, amd.manifest.config.digest);
  assert.ok(image.manifest.version === "v2.2");
  assert.equal(image.manifest.list?.digest, index.descriptor.digest);
  assert.equal(image.manifest.digest, amd.descriptor.digest);
  assert.equal(await image.manifest.verify(), true);
  const platform = { architecture: "arm64" };
  const other = await repository.image(index.descriptor.digest, { platform });
  assert.equal(other.id, arm.manifest.config.digest);
  const [layer] = arm.layers;
  assert.ok(layer !== undefined);
  const bytes = await readAll(await other.openLayer(layer.descriptor.digest), {
    maxBytes: layer.bytes.byteLength,
  });
  assert.deepEqual(bytes, layer.bytes);
  await assert.rejects(other.openLayer(index.descriptor.digest), { code: "NOT_FOUND" });
  await assert.rejects(repository.image("1", { platform: { architecture: "s390x" } }), {
    code: "PLATFORM_NOT_FOUND",
  });
  // The default variant belongs to the default architecture.
  const pi = open(memory, { platform: { os: "linux", architecture: "arm", variant: "v6" } });
  assert.equal((await pi.repository("acme/app").image("1", { platform })).id, other.id);
  const nobody = open(memory).repository("acme/app");
  await assert.rejects(nobody.image("1"), TypeError);
  await assert.rejects(nobody.image("1", { platform: { os: "linux" } }), TypeError);
});

test("tagImage() stores the same bytes under another tag, of a list or one image of it", async () => {
  const memory = memoryRegistry();
  const index = await randomIndex("tag");
  await index.pushTo(memory.store, "acme/app:1");
  const registry = open(memory, { platform: AMD64 });
  const tagged = await registry.tagImage("acme/app", "1", "2");
  assert.equal(tagged.digest, index.descriptor.digest);
  assert.equal(tagged.reference, "2");
  const platform = { architecture: "arm64" };
  const one = await registry.tagImage("acme/app", "1", "arm", { platform });
  assert.equal(one.digest, index.images[1]?.descriptor.digest);
  const repository = registry.repository("acme/app");
  assert.equal((await repository.referenceMetadata("2")).digest, index.descriptor.digest);
  assert.equal((await repository.referenceMetadata("arm")).digest, one.digest);
  assert.equal(memory.requests.some(({ path }) => path.includes("/blobs/")), false);
  await assert.rejects(registry.tagImage("acme/app", "1", "a b"), { code: "INVALID_REFERENCE" });
  await assert.rejects(registry.tagImage("acme/app", "9", "2"), { code: "NOT_FOUND" });
});

test("lesson 72, 73: attestations are never chosen, and lists in lists are searched", async () => {
  const memory = memoryRegistry();
  const inner = await randomIndex("inner");
  const attestation = await randomImage("attestation", {
    platform: { os: "unknown", architecture: "unknown" },
  });
  await inner.pushTo(memory.store);
  await attestation.pushTo(memory.store);
  const unknown = { os: "unknown", architecture: "unknown" };
  const raw = utf8(JSON.stringify({
    ...inner.index,
    manifests: [{ ...attestation.descriptor, platform: unknown }, inner.descriptor],
  }));
  const { mediaType } = inner.descriptor;
  const outer = { mediaType, digest: digestBytes("sha256", raw), size: raw.byteLength };
  await memory.store.push(outer, raw);
  await memory.store.tag(outer, "acme/app:1");
  const registry = open(memory, { platform: AMD64 });
  const image = await registry.repository("acme/app").image("1");
  assert.equal(image.manifest.digest, inner.images[0]?.descriptor.digest);
  assert.deepEqual(await registry.checkImage("acme/app", "1"), []);
  const { deleted } = await registry.deleteImage("acme/app", "1", { layers: true });
  assert.ok(deleted.includes(attestation.descriptor.digest));
  assert.ok(deleted.includes(inner.descriptor.digest));
});

test("an aborted call rejects with the reason", async () => {
  const memory = memoryRegistry();
  await (await randomImage("abort")).pushTo(memory.store, "acme/app:1");
  const reason = new Error("enough");
  const registry = open(memory);
  const options = { signal: AbortSignal.abort(reason) };
  const calls = [
    () => registry.ping(options),
    () => registry.checkImage("acme/app", "1", options),
    () => registry.size("acme/app", "1", options),
    () => registry.namespaces(undefined, options),
    () => registry.pullImage("acme/app", "1", options),
    () => registry.deleteImage("acme/app", "1", options),
    () => registry.pullAndPush("acme/app", "1", { tag: "2" }, options),
  ];
  for (const call of calls) {
    await assert.rejects(call(), (error) => error === reason);
  }
});
