import { test } from "node:test";
import assert from "node:assert/strict";
import { readAll } from "../../lib/bytes/mod.ts";
import { DockerRegistry, type DockerRegistryOptions } from "../../lib/dockerreg/mod.ts";
import { parseDigest } from "../../lib/model/mod.ts";
import { type FileSystem, memoryFileSystem } from "../../lib/store/mod.ts";
import {
  type MemoryRegistry,
  memoryRegistry,
  type RandomImage,
  randomImage,
  randomIndex,
} from "../../lib/testing/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { utf8 } from "./schema1_sample.ts";

const AMD64 = { os: "linux", architecture: "amd64" };

interface Bench {
  readonly memory: MemoryRegistry;
  readonly files: FileSystem;
  readonly registry: DockerRegistry;
}

function bench(options: DockerRegistryOptions = {}): Bench {
  const memory = memoryRegistry();
  const files = memoryFileSystem();
  const { transport, host } = memory;
  const all = { transport, files, platform: AMD64, retry: { retries: 0 }, ...options };
  return { memory, files, registry: new DockerRegistry(host, all) };
}

async function names(files: FileSystem): Promise<string[]> {
  return (await files.readDirectory("/")).map(({ name }) => name).sort();
}

async function read(files: FileSystem, path: string): Promise<Bytes> {
  const file = await files.open(path);
  try {
    return await file.read(0, file.size);
  } finally {
    await file.close();
  }
}

async function write(files: FileSystem, path: string, content: Bytes): Promise<void> {
  const writer = await files.create(path, { truncate: true });
  await writer.write(content);
  await writer.close();
}

/** A file system with some methods of its own. */
function overriding(inner: FileSystem, own: Partial<FileSystem>): FileSystem {
  return new Proxy(inner, {
    get(target, name) {
      const value: unknown = Reflect.get(own, name) ?? Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

const hex = (digest: string): string => parseDigest(digest).encoded;

function filesOf({ layers, manifest }: RandomImage, base = "app"): string[] {
  const digests = [manifest.config, ...layers.map(({ descriptor }) => descriptor)];
  return [...digests.map(({ digest }) => `${base}.${hex(digest)}`), `${base}.manifest`].sort();
}

test("pullImage() puts the manifest, the config and each layer into files", async () => {
  const { memory, files, registry } = bench();
  const index = await randomIndex("cache");
  await index.pushTo(memory.store, "acme/app:1");
  const [amd] = index.images;
  assert.ok(amd !== undefined);
  const image = await registry.pullImage("acme/app", "1", { cache: "/app" });
  assert.deepEqual(await names(files), filesOf(amd));
  assert.deepEqual(await read(files, "/app.manifest"), amd.contents.at(-1)?.bytes);
  for (const { descriptor, bytes } of amd.layers) {
    assert.deepEqual(await read(files, `/app.${hex(descriptor.digest)}`), bytes);
    const layer = await readAll(await image.openLayer(descriptor.digest), {
      maxBytes: bytes.byteLength,
    });
    assert.deepEqual(layer, bytes);
  }
  assert.equal(image.id, amd.manifest.config.digest);
  assert.equal(await image.created(), "1970-01-01T00:00:00Z");
  assert.equal((await image.metadata()).reference.digest, amd.descriptor.digest);
});

test("pullImage() takes what is cached without a request", async () => {
  const { memory, registry } = bench();
  const image = await randomImage("again");
  await image.pushTo(memory.store, "acme/app:1");
  await registry.pullImage("acme/app", "1", { cache: "/app" });
  const before = memory.requests.length;
  const again = await registry.pullImage("acme/app", "1", { cache: "/app" });
  assert.equal(memory.requests.length, before);
  assert.equal(again.id, image.manifest.config.digest);
  await registry.pullImage("acme/app", image.descriptor.digest, { cache: "/app" });
  assert.equal(memory.requests.length, before);
});

test("pullImage() pulls again what is missing or damaged in the cache, and only that", async () => {
  const { memory, files, registry } = bench();
  const image = await randomImage("damaged", { layers: 3 });
  await image.pushTo(memory.store, "acme/app:1");
  await registry.pullImage("acme/app", "1", { cache: "/app" });
  const [first, second, third] = image.layers;
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  const path = (digest: string): string => `/app.${hex(digest)}`;
  await files.remove(path(first.descriptor.digest));
  const flipped = second.bytes.slice();
  flipped[20] = (flipped[20] ?? 0) ^ 1;
  await write(files, path(second.descriptor.digest), flipped);
  await write(files, path(image.manifest.config.digest), utf8("{}"));
  const before = memory.requests.length;
  await registry.pullImage("acme/app", "1", { cache: "/app" });
  const blobs = memory.requests.slice(before).map(({ path }) => path);
  const expected = [image.manifest.config, first.descriptor, second.descriptor]
    .map(({ digest }) => `/v2/acme/app/blobs/${digest}`);
  assert.deepEqual(blobs.filter((path) => path.includes("/blobs/")).sort(), expected.sort());
  for (const { descriptor, bytes } of image.layers) {
    assert.deepEqual(await read(files, path(descriptor.digest)), bytes);
  }
});

test("pullImage() keeps the cached manifest unless it is refreshed or another digest is asked for", async () => {
  const { memory, files, registry } = bench();
  const old = await randomImage("old");
  const young = await randomImage("young");
  await old.pushTo(memory.store, "acme/app:1");
  await registry.pullImage("acme/app", "1", { cache: "/app" });
  await young.pushTo(memory.store, "acme/app:1");
  const cached = await registry.pullImage("acme/app", "1", { cache: "/app" });
  assert.equal(cached.id, old.manifest.config.digest);
  const fresh = await registry.pullImage("acme/app", "1", { cache: "/app", refresh: true });
  assert.equal(fresh.id, young.manifest.config.digest);
  const { digest } = old.descriptor;
  const pinned = await registry.pullImage("acme/app", digest, { cache: "/app" });
  assert.equal(pinned.id, old.manifest.config.digest);
  await write(files, "/app.manifest", utf8("{"));
  const repaired = await registry.pullImage("acme/app", "1", { cache: "/app" });
  assert.equal(repaired.id, young.manifest.config.digest);
});

test("pullImage() for another platform does not take the cached image", async () => {
  const { memory, registry } = bench();
  const index = await randomIndex("other");
  await index.pushTo(memory.store, "acme/app:1");
  const [amd, arm] = index.images.map(({ manifest }) => manifest.config.digest);
  const pull = async (architecture?: string) => {
    const platform = architecture === undefined ? undefined : { architecture };
    return (await registry.pullImage("acme/app", "1", { cache: "/app", platform })).id;
  };
  assert.equal(await pull(), amd);
  assert.equal(await pull("arm64"), arm);
  // Nothing was said, so it is whatever is there.
  assert.equal(await pull(), arm);
  assert.equal(await pull("amd64"), amd);
  await assert.rejects(pull("s390x"), { code: "PLATFORM_NOT_FOUND" });
  assert.equal(await pull(), amd);
});

test("a refreshed pull does not pull layers that are there and good", async () => {
  const { memory, registry } = bench();
  const image = await randomImage("refresh");
  await image.pushTo(memory.store, "acme/app:1");
  await registry.pullImage("acme/app", "1", { cache: "/app" });
  const before = memory.requests.length;
  await registry.pullImage("acme/app", "1", { cache: "/app", refresh: true });
  const layers = image.layers.map(({ descriptor }) => descriptor.digest);
  const paths = memory.requests.slice(before).map(({ path }) => path);
  assert.ok(paths.includes("/v2/acme/app/manifests/1"));
  assert.equal(paths.some((path) => layers.some((digest) => path.endsWith(digest))), false);
});

test("a pull that fails leaves good layers and no manifest, and the next one goes on", async () => {
  const { memory, files, registry } = bench();
  const image = await randomImage("broken", { layers: 2 });
  await image.pushTo(memory.store, "acme/app:1");
  const [, last] = image.layers;
  assert.ok(last !== undefined);
  await memory.store.delete(last.descriptor);
  await assert.rejects(registry.pullImage("acme/app", "1", { cache: "/app" }), {
    code: "NOT_FOUND",
  });
  assert.equal((await names(files)).includes("app.manifest"), false);
  assert.equal((await names(files)).some((name) => name.includes("tmp-")), false);
  await memory.store.push(last.descriptor, last.bytes);
  await registry.pullImage("acme/app", "1", { cache: "/app" });
  assert.deepEqual(await names(files), filesOf(image));
});

test("a pull that is aborted leaves no half of a file", async () => {
  const { memory, files } = bench();
  const image = await randomImage("abort", { layers: 2, maxFileBytes: 500_000 });
  await image.pushTo(memory.store, "acme/app:1");
  const abort = new AbortController();
  const reason = new Error("enough");
  const last = image.layers.at(-1)?.descriptor.digest ?? "";
  const registry = new DockerRegistry(memory.host, {
    files,
    transport: async (request) => {
      const response = await memory.transport(request);
      if (!request.url.endsWith(last)) return response;
      const reader = (response.body as ReadableStream<Bytes>).getReader();
      const body = new ReadableStream<Bytes>({
        async pull(controller) {
          const { value } = await reader.read();
          if (value !== undefined) controller.enqueue(value);
          abort.abort(reason);
        },
      });
      return new Response(body, response);
    },
  });
  const pulled = registry.pullImage("acme/app", "1", { cache: "/app", signal: abort.signal });
  await assert.rejects(pulled, (error) => error === reason);
  const left = await names(files);
  assert.equal(left.some((name) => name.includes("tmp-") || name.endsWith("manifest")), false);
  assert.equal(left.some((name) => last.endsWith(name.slice(4))), false);
});

test("a full disk leaves no half of a file", async () => {
  const memory = memoryRegistry();
  const image = await randomImage("full", { maxFileBytes: 65536 });
  await image.pushTo(memory.store, "acme/app:1");
  const inner = memoryFileSystem();
  const full = new Error("no space");
  const files = overriding(inner, {
    async create(path, options) {
      const writer = await inner.create(path, options);
      const close = () => writer.close();
      return { sync: () => writer.sync(), write: () => Promise.reject(full), close };
    },
  });
  const registry = new DockerRegistry(memory.host, { transport: memory.transport, files });
  await assert.rejects(
    registry.pullImage("acme/app", "1", { cache: "/app" }),
    (error) => error === full,
  );
  assert.deepEqual(await names(inner), []);
});

test("pushImage() pushes from the cache, and proves what it reads there", async () => {
  const { memory, files, registry } = bench();
  const image = await randomImage("push");
  await image.pushTo(memory.store, "acme/app:1");
  await registry.pullImage("acme/app", "1", { cache: "/app" });
  const other = memoryRegistry({ host: "other.test" });
  const target = new DockerRegistry(other.host, { transport: other.transport, files });
  const pushed = await target.pushImage("beta/app", "2", { cache: "/app" });
  assert.equal(pushed.digest, image.descriptor.digest);
  assert.deepEqual(await target.checkImage("beta/app", "2"), []);
  const [layer] = image.layers;
  assert.ok(layer !== undefined);
  await other.store.delete(layer.descriptor);
  await write(files, `/app.${hex(layer.descriptor.digest)}`, layer.bytes.slice().fill(1, 9));
  await assert.rejects(target.pushImage("beta/app", "3", { cache: "/app" }), {
    code: "DIGEST_MISMATCH",
  });
  await assert.rejects(target.created("beta/app", "3"), { code: "NOT_FOUND" });
  await assert.rejects(target.pushImage("beta/app", "3", { cache: "/none" }), {
    code: "NOT_FOUND",
  });
});

test("pullImage() without a cache has the image in memory", async () => {
  const { memory, registry } = bench();
  const image = await randomImage("memory");
  await image.pushTo(memory.store, "acme/app:1");
  const pulled = await registry.pullImage("acme/app", "1");
  const before = memory.requests.length;
  const [layer] = image.layers;
  assert.ok(layer !== undefined);
  const { digest } = layer.descriptor;
  const bytes = await readAll(await pulled.openLayer(digest), { maxBytes: 1e6 });
  assert.deepEqual(bytes, layer.bytes);
  assert.equal(memory.requests.length, before);
});

test("what is read of an image with a cache is kept there, and read from there next time", async () => {
  const { memory, files, registry } = bench();
  const index = await randomIndex("lazy");
  await index.pushTo(memory.store, "acme/app:1");
  const [amd] = index.images;
  assert.ok(amd !== undefined);
  assert.equal(await registry.created("acme/app", "1", { cache: "/app" }), "1970-01-01T00:00:00Z");
  const config = `app.${hex(amd.manifest.config.digest)}`;
  assert.deepEqual(await names(files), [config, "app.manifest"].sort());
  const before = memory.requests.length;
  const repository = registry.repository("acme/app");
  const image = await repository.image("1", { cache: "/app" });
  assert.equal(image.id, amd.manifest.config.digest);
  assert.equal(await registry.size("acme/app", "1", { cache: "/app" }), await image.size());
  assert.equal(memory.requests.length, before);
  const [layer] = amd.layers;
  assert.ok(layer !== undefined);
  for (let times = 0; times < 2; times++) {
    const stream = await image.openLayer(layer.descriptor.digest);
    const bytes = await readAll(stream, { maxBytes: layer.bytes.byteLength });
    assert.deepEqual(bytes, layer.bytes);
  }
  const fetched = memory.requests.slice(before).map(({ path }) => path);
  assert.deepEqual(fetched, [`/v2/acme/app/blobs/${layer.descriptor.digest}`]);
  await registry.pullImage("acme/app", "1", { cache: "/app" });
  assert.deepEqual(await names(files), filesOf(amd));
});

test("an image with a cache is opened anew when it is refreshed, damaged or of another platform", async () => {
  const { memory, files, registry } = bench();
  const index = await randomIndex("lazy");
  await index.pushTo(memory.store, "acme/app:1");
  const [amd, arm] = index.images.map(({ manifest }) => manifest.config.digest);
  const repository = registry.repository("acme/app");
  assert.equal((await repository.image("1", { cache: "/app" })).id, amd);
  await write(files, `/app.${hex(amd ?? "")}`, utf8("{}"));
  const before = memory.requests.length;
  const repaired = await repository.image("1", { cache: "/app" });
  assert.equal(await repaired.created(), "1970-01-01T00:00:00Z");
  const fetched = memory.requests.slice(before).map(({ path }) => path);
  assert.deepEqual(fetched, [`/v2/acme/app/blobs/${amd}`]);
  const platform = { architecture: "arm64" };
  assert.equal((await repository.image("1", { cache: "/app", platform })).id, arm);
  const young = await randomImage("young");
  await young.pushTo(memory.store, "acme/app:1");
  assert.equal((await repository.image("1", { cache: "/app" })).id, arm);
  const fresh = await repository.image("1", { cache: "/app", refresh: true });
  assert.equal(fresh.id, young.manifest.config.digest);
});

test("a cache needs a file system and a name", async () => {
  const { registry } = bench();
  const bare = bench({ files: undefined }).registry;
  await assert.rejects(bare.pullImage("acme/app", "1", { cache: "/app" }), TypeError);
  await assert.rejects(registry.pullImage("acme/app", "1", { cache: "" }), TypeError);
  await assert.rejects(registry.pullImage("acme/app", "1", { cache: "/app/" }), TypeError);
});

test("a layer of the cache that is opened and given up frees its file", async () => {
  const memory = memoryRegistry();
  const inner = memoryFileSystem();
  let open = 0;
  const files = overriding(inner, {
    async open(path, options) {
      const file = await inner.open(path, options);
      open++;
      return {
        size: file.size,
        read: (position, length) => file.read(position, length),
        close: () => {
          open--;
          return file.close();
        },
      };
    },
  });
  const image = await randomImage("cancel");
  await image.pushTo(memory.store, "acme/app:1");
  const registry = new DockerRegistry(memory.host, { transport: memory.transport, files });
  const pulled = await registry.pullImage("acme/app", "1", { cache: "/app" });
  const [layer] = image.layers;
  assert.ok(layer !== undefined);
  await (await pulled.openLayer(layer.descriptor.digest)).cancel();
  assert.equal(open, 0);
  const reader = (await pulled.openLayer(layer.descriptor.digest)).getReader();
  await reader.read();
  await reader.cancel();
  assert.equal(open, 0);
});
