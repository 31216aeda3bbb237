import assert from "node:assert/strict";
import { test } from "node:test";
import {
  append,
  emptyImage,
  type Image,
  layerFrom,
  loadImage,
  mutate,
} from "../../lib/image/mod.ts";
import {
  type Descriptor,
  type FetchOptions,
  MEDIA_TYPE_OCI_MANIFEST,
} from "../../lib/model/mod.ts";
import { memoryStore } from "../../lib/store/mod.ts";
import { randomImage } from "../../lib/testing/mod.ts";
import { imageOf, put, putImage, tarOf } from "./images.ts";

const LINUX = { os: "linux", architecture: "amd64" };

async function withConfig(config: object): Promise<Image> {
  const store = memoryStore();
  return await loadImage(store, await putImage(store, [await tarOf(["a=1"])], { config }));
}

const containerOf = async (image: Image) => (await image.config()).config;

test("mutate() with nothing to change keeps the digest", async () => {
  const image = await withConfig({ config: { Env: ["A=1"], Labels: { a: "b" } } });
  const same = mutate(image, {
    env: { A: "1" },
    labels: { a: "b", none: null },
    annotations: {},
    mediaTypes: "oci",
    platform: LINUX,
  });
  assert.equal(await same.digest(), await image.digest());
  assert.deepEqual(await same.rawConfig(), await image.rawConfig());
});

test("the config of an image is fetched once, for edits that keep it and those that do not", async () => {
  const store = memoryStore();
  const image = await randomImage("config");
  await image.pushTo(store, "a");
  const fetched: string[] = [];
  const source = {
    exists: store.exists.bind(store),
    fetch: (target: Descriptor, options?: FetchOptions) => {
      fetched.push(target.mediaType);
      return store.fetch(target, options);
    },
  };
  const view = await loadImage(source, image.descriptor);
  await view.platform();
  await view.rawConfig();
  const kept = mutate(mutate(view, {}), { annotations: { a: "b" } });
  assert.deepEqual(await kept.rawConfig(), await view.rawConfig());
  const layer = await layerFrom([{ path: "a", body: new Uint8Array(1) }]);
  await mutate(append(kept, layer), { user: "me" }).digest();
  assert.deepEqual(fetched.filter((type) => /config/.test(type)).length, 1);
});

test("mutate() keeps the bytes of a document that nothing changes", async () => {
  const store = memoryStore();
  const tar = await tarOf(["a=1"]);
  // Written by hand: with spaces, which a writer of ours would not make.
  const config = await put(
    store,
    "application/vnd.oci.image.config.v1+json",
    new TextEncoder().encode(
      '{ "os": "linux", "architecture": "amd64", "rootfs": ' +
        `{ "type": "layers", "diff_ids": ${
          JSON.stringify((await (await imageOf(tar)).config()).rootfs.diff_ids)
        } } }`,
    ),
  );
  const layer = await put(store, "application/vnd.oci.image.layer.v1.tar", tar);
  const descriptor = await put(store, MEDIA_TYPE_OCI_MANIFEST, {
    schemaVersion: 2,
    config,
    layers: [layer],
  });
  const image = await loadImage(store, descriptor);
  const annotated = mutate(image, { annotations: { a: "b" } });
  assert.deepEqual(await annotated.rawConfig(), await image.rawConfig());
  assert.deepEqual({ ...(await annotated.manifest()).annotations }, { a: "b" });
  assert.equal((await annotated.manifest()).mediaType, undefined);
});

test("mutate() sets variables in their place, adds new ones and takes some out", async () => {
  const image = await withConfig({ config: { Env: ["PATH=/bin", "A=1", "B=x=y", "A=2"] } });
  const env = { A: "3", NEW: "=", B: null };
  assert.deepEqual((await containerOf(mutate(image, { env })))?.Env, ["PATH=/bin", "A=3", "NEW=="]);
  const none = mutate(image, { env: { PATH: null, A: null, B: null } });
  assert.equal((await containerOf(none))?.Env, undefined);
});

test("mutate() knows that Windows does not tell cases of variables apart", async () => {
  const image = await withConfig({ os: "windows", config: { Env: ["Path=C:\\"] } });
  const env = { PATH: "D:\\", new: "1" };
  assert.deepEqual((await containerOf(mutate(image, { env })))?.Env, ["Path=D:\\", "new=1"]);
  const added = mutate(image, { env: { MyVar: "x", pAtH: null } });
  assert.deepEqual((await containerOf(added))?.Env, ["MyVar=x"], "as it was given");
});

test("mutate() takes the command out when the entry point changes, as Docker does", async () => {
  const image = await withConfig({ config: { Entrypoint: ["/old"], Cmd: ["x"] } });
  const entrypoint = ["/new"];
  assert.deepEqual(await containerOf(mutate(image, { entrypoint })), { Entrypoint: ["/new"] });
  const both = { Entrypoint: ["/new"], Cmd: ["y"] };
  assert.deepEqual(await containerOf(mutate(image, { entrypoint, cmd: ["y"] })), both);
  assert.deepEqual(await containerOf(mutate(image, { entrypoint, config: { Cmd: ["y"] } })), both);
  assert.deepEqual(await containerOf(mutate(image, { cmd: ["y"] })), {
    Entrypoint: ["/old"],
    Cmd: ["y"],
  });
  assert.deepEqual(await containerOf(mutate(image, { entrypoint: null, cmd: null })), {});
});

test("mutate() sets what a container starts with", async () => {
  const image = mutate(emptyImage(LINUX), {
    user: "1000:1000",
    workingDir: "/app",
    exposedPorts: ["80", "53/udp"],
    volumes: ["/data"],
    labels: { a: "b" },
    author: "me",
    config: { StopSignal: "SIGINT", Healthcheck: { Test: ["NONE"] } },
  });
  const { author, config } = await image.config();
  assert.equal(author, "me");
  assert.equal(
    JSON.stringify(config),
    JSON.stringify({
      StopSignal: "SIGINT",
      Healthcheck: { Test: ["NONE"] },
      Labels: { a: "b" },
      User: "1000:1000",
      WorkingDir: "/app",
      ExposedPorts: { "80/tcp": {}, "53/udp": {} },
      Volumes: { "/data": {} },
    }),
  );
  const less = mutate(image, {
    user: null,
    volumes: null,
    exposedPorts: [],
    author: null,
    config: { StopSignal: null },
  });
  assert.equal((await less.config()).author, undefined);
  assert.deepEqual(Object.keys(await containerOf(less) ?? {}), [
    "Healthcheck",
    "Labels",
    "WorkingDir",
  ]);
});

test("mutate() keeps unknown fields of the config", async () => {
  const image = await withConfig({
    "moby.buildkit.buildinfo.v1": "e30=",
    config: { Env: ["A=1"], Memory: 5, "x.y": { z: null } },
  });
  const raw = new TextDecoder().decode(await mutate(image, { user: "me" }).rawConfig());
  assert.match(raw, /"config":\{"Env":\["A=1"\],"Memory":5,"x\.y":\{"z":null\},"User":"me"\}/);
  assert.match(raw, /"moby\.buildkit\.buildinfo\.v1":"e30="/);
});

test("mutate() replaces the whole platform", async () => {
  const image = await withConfig({ os: "windows", "os.version": "10.0.1", variant: "v1" });
  const platform = { os: "linux", architecture: "arm", variant: "v7" };
  assert.deepEqual(await mutate(image, { platform }).platform(), platform);
});

test("mutate() writes times as Go does, and refuses what is none", async () => {
  for (const created of [0, new Date(0), "1970-01-01T00:00:00Z"]) {
    const image = mutate(emptyImage(LINUX), { created });
    assert.equal((await image.config()).created, "1970-01-01T00:00:00Z", String(created));
  }
  assert.equal(
    (await mutate(emptyImage(LINUX), { created: 1.5 }).config()).created,
    "1970-01-01T00:00:01.500Z",
  );
  assert.throws(() => mutate(emptyImage(LINUX), { created: "yesterday" }), RangeError);
  assert.throws(() => mutate(emptyImage(LINUX), { timestamps: { time: NaN } }), RangeError);
});

test("mutate() sets one time all over an image", async () => {
  const layer = await layerFrom([{ path: "a", body: new Uint8Array(3) }], { mtime: 99 });
  const plain = await layerFrom([{ path: "b" }], { mtime: 99, compression: "none" });
  const base = append(emptyImage(LINUX, "docker"), {
    layer,
    history: { created: "2020-01-01T00:00:00Z", created_by: "a" },
  }, plain);
  const history = mutate(base, { timestamps: { time: 7 } });
  assert.deepEqual((await history.config()).history?.map(({ created }) => created), [
    "1970-01-01T00:00:07Z",
    "1970-01-01T00:00:07Z",
  ]);
  assert.equal((await history.config()).created, "1970-01-01T00:00:07Z");
  assert.deepEqual((await history.manifest()).layers, (await base.manifest()).layers);
  const all = mutate(base, { timestamps: { time: 7, layers: true } });
  const mtimes: number[] = [];
  for (const view of await all.layers()) {
    for await (const { mtime } of view.entries()) mtimes.push(mtime);
  }
  assert.deepEqual(mtimes, [7, 7]);
  assert.deepEqual((await all.manifest()).layers.map(({ mediaType }) => mediaType), [
    "application/vnd.docker.image.rootfs.diff.tar.gzip",
    "application/vnd.docker.image.rootfs.diff.tar",
  ]);
  const again = mutate(all, { timestamps: { time: 7, layers: true } });
  assert.equal(await again.digest(), await all.digest());
});

test("mutate() names the base as crane does", async () => {
  const digest = await emptyImage(LINUX).digest();
  const image = mutate(emptyImage(LINUX), {
    annotations: { x: "y" },
    base: { name: "docker.io/library/node:22", digest },
  });
  assert.deepEqual({ ...(await image.manifest()).annotations }, {
    "org.opencontainers.image.base.name": "docker.io/library/node:22",
    "org.opencontainers.image.base.digest": digest,
    x: "y",
  });
  const without = mutate(image, { annotations: { x: null }, base: {} });
  assert.equal(Object.keys((await without.manifest()).annotations ?? {}).length, 2);
});

test("mutate() changes media types there and back, and no layer", async () => {
  const store = memoryStore();
  const made = await randomImage("types", { format: "docker" });
  await made.pushTo(store);
  const image = await loadImage(store, made.descriptor);
  const oci = mutate(image, { mediaTypes: "oci" });
  assert.equal(oci.mediaType, MEDIA_TYPE_OCI_MANIFEST);
  const manifest = await oci.manifest();
  assert.equal(manifest.mediaType, MEDIA_TYPE_OCI_MANIFEST);
  assert.equal(manifest.config.mediaType, "application/vnd.oci.image.config.v1+json");
  assert.ok(manifest.layers.every(({ mediaType }) => mediaType.endsWith("layer.v1.tar+gzip")));
  assert.deepEqual(
    manifest.layers.map(({ digest }) => digest),
    made.layers.map(({ descriptor }) => descriptor.digest),
  );
  const back = mutate(oci, { mediaTypes: "docker" });
  assert.equal(await back.digest(), made.descriptor.digest);
});

test("mutate() makes data of a descriptor follow the config", async () => {
  const store = memoryStore();
  const image = await loadImage(store, await putImage(store, [await tarOf(["a=1"])]));
  const { config, ...rest } = await image.manifest();
  const data = btoa(new TextDecoder().decode(await image.rawConfig()));
  const manifest = { ...rest, config: { ...config, data, annotations: { k: "v" } } };
  const embedded = await loadImage(store, await put(store, MEDIA_TYPE_OCI_MANIFEST, manifest));
  const edited = mutate(embedded, { user: "me" });
  const { config: after } = await edited.manifest();
  assert.equal(atob(after.data ?? ""), new TextDecoder().decode(await edited.rawConfig()));
  assert.deepEqual({ ...after.annotations }, { k: "v" });
});

// ggcr#2251, ggcr#2286: a typed round trip made an image config of Helm's.
test("lesson 74: mutate() keeps the config of an artifact, and refuses to change it", async () => {
  const store = memoryStore();
  const config = await put(store, "application/vnd.cncf.helm.config.v1+json", { name: "chart" });
  const descriptor = await put(store, MEDIA_TYPE_OCI_MANIFEST, {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE_OCI_MANIFEST,
    config,
    layers: [],
  });
  const chart = await loadImage(store, descriptor);
  const annotated = mutate(chart, { annotations: { a: "b" } });
  assert.deepEqual((await annotated.manifest()).config, config);
  assert.deepEqual(await annotated.rawConfig(), await chart.rawConfig());
  await assert.rejects(mutate(chart, { user: "me" }).digest(), { code: "UNSUPPORTED_MEDIA_TYPE" });
});

test("mutate() refuses what would make no config", async () => {
  const image = mutate(emptyImage(LINUX), { config: { Cmd: "sh" as unknown as string[] } });
  await assert.rejects(image.digest(), { code: "INVALID_CONFIG" });
  const named = mutate(emptyImage(LINUX), { env: { "A=B": "1" } });
  await assert.rejects(named.digest(), RangeError);
});
