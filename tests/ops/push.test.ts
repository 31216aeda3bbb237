import assert from "node:assert/strict";
import { test } from "node:test";
import {
  append,
  emptyImage,
  indexFrom,
  layerFrom,
  loadImage,
  loadIndex,
  mutate,
  rebase,
} from "../../lib/image/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { push } from "../../lib/ops/push.ts";
import { validate } from "../../lib/ops/mod.ts";
import { Registry } from "../../lib/registry/mod.ts";
import { memoryStore } from "../../lib/store/mod.ts";
import {
  memoryRegistry,
  type RandomImage,
  randomImage,
  randomIndex,
} from "../../lib/testing/mod.ts";
import { watched } from "./content.ts";

const text = (value: string): Bytes => new TextEncoder().encode(value);

test("push() stores an edited image, whole and valid, under its name", async () => {
  const from = memoryStore();
  const made = await randomImage("base");
  await made.pushTo(from);
  const base = await loadImage(from, made.descriptor);
  const layer = await layerFrom([{ path: "main.js", body: text("hi") }], { prefix: "/app" });
  const app = mutate(append(base, layer), { config: { Cmd: ["node", "/app/main.js"] } });
  const to = memoryStore();
  const { descriptor, reference } = await push(app, to, "app:2");
  assert.equal(reference, "app:2");
  assert.deepEqual(descriptor, await app.descriptor());
  assert.deepEqual(await to.resolve("app:2"), descriptor);
  assert.deepEqual((await validate(to, "app:2")).problems, []);
  const pushed = await loadImage(to, descriptor);
  assert.equal(new TextDecoder().decode(await pushed.readFile("/app/main.js")), "hi");
});

// Example 5 of the tour, on every runtime and day.
test("push() of the same edits gives the same digest on every runtime and day", async () => {
  const from = memoryStore();
  const made = await randomImage("golden", { format: "docker", layers: 1 });
  await made.pushTo(from);
  const base = await loadImage(from, made.descriptor);
  const layer = await layerFrom([
    { path: "main.js", body: text("console.log('hello');\n") },
    { path: "lib/a.js", body: text("export {};\n".repeat(1000)), mode: 0o755, mtime: Date.now() },
  ], { prefix: "/app", owner: "0:0", mtime: 0 });
  const app = mutate(append(base, layer), { config: { Cmd: ["node", "/app/main.js"] } });
  const { descriptor } = await push(app, memoryStore(), "app:2");
  assert.equal(
    descriptor.digest,
    "sha256:ae27eb9805f3e049f0c15c38963c5da6dc3b70ebe56bfd68f1d395c7282201bd",
  );
});

test("push() sends blobs first, then manifests, then the name", async () => {
  const from = memoryStore();
  const made = await randomIndex("order");
  await made.pushTo(from);
  const index = await loadIndex(from, made.descriptor);
  const to = memoryStore();
  const order: string[] = [];
  const target: typeof to = new Proxy(to, {
    get(store, name) {
      if (name === "push") {
        return async (...args: Parameters<typeof to.push>) => {
          order.push(
            /index/.test(args[0].mediaType)
              ? "index"
              : /manifest/.test(args[0].mediaType)
              ? "manifest"
              : "blob",
          );
          return await store.push(...args);
        };
      }
      if (name === "tag") {
        return async (...args: Parameters<typeof to.tag>) => {
          order.push("tag");
          return await store.tag(...args);
        };
      }
      const value: unknown = Reflect.get(store, name);
      return typeof value === "function" ? value.bind(store) : value;
    },
  });
  const { descriptor } = await push(index, target, "app:1");
  assert.equal(descriptor.digest, made.descriptor.digest);
  const kinds = order.filter((kind, i) => kind !== order[i - 1]);
  assert.deepEqual(kinds, ["blob", "manifest", "index", "tag"]);
});

test("push() without a name records the image by its digest", async () => {
  const image = emptyImage({ os: "linux", architecture: "amd64" });
  const to = memoryStore();
  const { descriptor, reference } = await push(image, to);
  assert.equal(reference, descriptor.digest);
  assert.deepEqual(await to.resolve(descriptor.digest), descriptor);
  const pinned = await push(image, to, descriptor.digest);
  assert.equal(pinned.reference, descriptor.digest);
});

test("push() reads nothing of the base that the target has", async () => {
  const from = watched(memoryStore());
  const made = await randomImage("base");
  await made.pushTo(from);
  const to = memoryStore();
  await made.pushTo(to);
  const base = await loadImage(from, made.descriptor);
  const app = append(base, await layerFrom([{ path: "x", body: text("x") }]));
  const { bytesSkipped } = await push(app, to, "app:1");
  assert.ok(bytesSkipped > 0);
  // The manifest and the config of the base, to edit them; no layer.
  assert.equal(from.fetched.length, 2);
});

test("push() mounts the blobs of the base in a registry, and sends what is new", async () => {
  const registry = memoryRegistry();
  const made = await randomImage("base");
  await made.pushTo(registry.store, "acme/base:1");
  const requests: string[] = [];
  const client = new Registry("registry.test", {
    transport: async (request) => {
      requests.push(`${request.method} ${new URL(request.url).search}`);
      return await registry.transport(request);
    },
  });
  const source = client.repository("acme/base");
  const base = await loadImage(source, await source.resolve("1"));
  const app = append(base, await layerFrom([{ path: "x", body: text("x") }]));
  const { bytesMounted, descriptor } = await push(app, client.repository("acme/app"), "1");
  assert.equal(bytesMounted, made.layers.reduce((sum, layer) => sum + layer.descriptor.size, 0));
  assert.equal((await client.repository("acme/app").resolve("1")).digest, descriptor.digest);
});

test("push() mounts each blob from the repository that it is in", async () => {
  const [memory, another] = [memoryRegistry(), memoryRegistry({ host: "registry.other" })];
  const made = async (name: string, { store } = memory) => {
    const image = await randomImage(name);
    await image.pushTo(store, `acme/${name}:1`);
    return image;
  };
  const [old, fresh] = [await made("old"), await made("new")];
  await made("other", another);
  const mounts: (readonly [string | null, string | null])[] = [];
  const here = new Registry("registry.test", {
    transport: async (request) => {
      const { searchParams } = new URL(request.url);
      const [mounted, from] = [searchParams.get("mount"), searchParams.get("from")];
      if (mounted !== null) mounts.push([mounted, from]);
      return await memory.transport(request);
    },
  });
  const elsewhere = new Registry("registry.other", { transport: another.transport });
  const open = async (registry: Registry, name: string) => {
    const repository = registry.repository(`acme/${name}`);
    return await loadImage(repository, await repository.resolve("1"));
  };
  const [oldBase, newBase] = [await open(here, "old"), await open(here, "new")];
  const layer = await layerFrom([{ path: "x", body: text("x") }]);
  const app = rebase(append(oldBase, layer), { oldBase, newBase });
  const index = indexFrom([app, oldBase, await open(elsewhere, "other")]);
  const { descriptor } = await push(index, here.repository("acme/app"), "1");
  const digests = (made: RandomImage) => made.layers.map((layer) => layer.descriptor.digest);
  const from = (name: string) => mounts.filter(([, at]) => at === name).map(([digest]) => digest);
  assert.deepEqual(from("acme/new"), digests(fresh), "the layers of the new base");
  for (const digest of digests(old)) assert.ok(from("acme/old").includes(digest), digest);
  assert.deepEqual(new Set(mounts.map(([, at]) => at)), new Set(["acme/new", "acme/old"]));
  assert.deepEqual((await validate(here.repository("acme/app"), descriptor.digest)).problems, []);
});

test("push() leaves nothing named when a layer has changed meanwhile", async () => {
  let content = "before";
  const layer = await layerFrom(() => [{ path: "a", body: text(content) }]);
  const image = append(emptyImage({ os: "linux", architecture: "amd64" }), layer);
  content = "after!";
  const to = memoryStore();
  await assert.rejects(async () => await push(image, to, "app:1"), { code: "DIGEST_MISMATCH" });
  await assert.rejects(to.resolve("app:1"), { code: "NOT_FOUND" });
  await assert.rejects(to.resolve(await image.digest()), { code: "NOT_FOUND" });
});
