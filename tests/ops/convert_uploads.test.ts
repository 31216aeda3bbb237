// Layers in zstd that a place gets in gzip: it takes them while they are made, before anybody knows
// what they are.
import { test } from "node:test";
import assert from "node:assert/strict";
import { readAll, through } from "../../lib/bytes/mod.ts";
import { layerFrom } from "../../lib/image/mod.ts";
import {
  AuthorizationError,
  type CopyEvent,
  CorruptStreamError,
  type Descriptor,
  MEDIA_TYPE_OCI_CONFIG,
  MEDIA_TYPE_OCI_LAYER_ZSTD,
  MEDIA_TYPE_OCI_MANIFEST,
  type Transport,
  type TransportTraits,
  UnsupportedMediaTypeError,
} from "../../lib/model/mod.ts";
import { copy, planCopy, pushArtifact, validate } from "../../lib/ops/mod.ts";
import { Registry } from "../../lib/registry/mod.ts";
import {
  bucketStore,
  dockerArchive,
  dockerArchiveTarget,
  imageDirectoryTarget,
  memoryFileSystem,
  type MemoryStore,
  memoryStore,
  ociLayout,
} from "../../lib/store/mod.ts";
import { memoryRegistry } from "../../lib/testing/mod.ts";
import { filesBelow } from "../store/content.ts";
import { MemoryBucket } from "../support/memory_bucket.ts";
import { get, put, watched } from "./content.ts";

const FORMAT = { format: "docker", targetReference: "1" } as const;

/** What does not get smaller: the layer fills more than one request. */
const BODY = noise(400_000);
const PIECES = { maxRequestBytes: 150_000 };

function noise(length: number): Uint8Array<ArrayBuffer> {
  let state = 1;
  return Uint8Array.from({ length }, () => {
    state = Math.imul(state, 1_664_525) + 1_013_904_223 | 0;
    return state >>> 24;
  });
}

/** An image with one layer in zstd; `damage` is done to its bytes. */
async function zstdImage(damage: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes) {
  const store = memoryStore();
  return { store, ...await putZstdImage(store, "app:1", damage) };
}

/** Adds an image with the same layer and another config, for each name. */
async function putZstdImage(
  store: MemoryStore,
  name: string,
  damage: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes,
) {
  const layer = await layerFrom([{ path: "data", body: BODY }], { compression: "zstd" });
  const bytes = await readAll(await layer.compressed(), { maxBytes: 1 << 26 });
  const stored = await put(store, MEDIA_TYPE_OCI_LAYER_ZSTD, damage(bytes));
  const rootfs = { type: "layers", diff_ids: [await layer.diffID()] };
  const config = { architecture: "amd64", os: "linux", rootfs, author: name };
  const root = await put(store, MEDIA_TYPE_OCI_MANIFEST, {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE_OCI_MANIFEST,
    config: await put(store, MEDIA_TYPE_OCI_CONFIG, config),
    layers: [stored],
  });
  await store.tag(root, name);
  return { root, layer: stored };
}

/** A registry as a target, and what it was asked, in words: `PATCH`, `PUT`, `DELETE` of uploads. */
function registry(
  change: (transport: Transport) => Transport = (transport) => transport,
  traits: TransportTraits = {},
) {
  const { host, transport, requests } = memoryRegistry();
  const changed = Object.assign(change((request) => transport(request)), { traits });
  const options = { transport: changed, retry: { retries: 0 } };
  const target = new Registry(host, options).repository("app");
  const uploads = () =>
    requests.filter(({ path }) => path.includes("/uploads/")).map(({ method }) => method);
  return { target, requests, uploads };
}

/** How often the layer was read. */
function timesRead(source: { readonly fetched: readonly string[] }, layer: Descriptor): number {
  return source.fetched.filter((digest) => digest === layer.digest).length;
}

async function digestInStore(store: MemoryStore): Promise<string> {
  return (await copy(store, "app:1", memoryStore(), FORMAT)).descriptor.digest;
}

test("copy() to Docker's format reads a layer in zstd once for a registry", async () => {
  const { store, layer } = await zstdImage();
  const source = watched(store);
  const { target, uploads } = registry(undefined, PIECES);
  const operation = copy(source, "app:1", target, FORMAT);
  const { descriptor, bytesFetched, bytesSkipped } = await operation;
  assert.equal(timesRead(source, layer), 1);
  assert.equal(descriptor.digest, await digestInStore(store));
  assert.deepEqual((await validate(target, "1")).problems, []);
  assert.ok(uploads().filter((method) => method === "PATCH").length > 1, "it comes in chunks");
  assert.equal(uploads().includes("DELETE"), false);
  assert.ok(bytesFetched > BODY.length / 2);
  assert.equal(bytesSkipped, 0);
});

/** What a copy tells of a blob, in the order it does. */
async function told(
  operation: AsyncIterable<CopyEvent>,
  { digest, size }: Descriptor,
): Promise<{ readonly ended: string[]; readonly moved: number[] }> {
  const ended: string[] = [];
  const moved: number[] = [];
  for await (const event of operation) {
    if (event.type !== "blob" || event.descriptor.digest !== digest) continue;
    assert.equal(event.total, size);
    if (event.status === "moving") moved.push(event.current);
    else ended.push(`${event.status} ${event.current}`);
  }
  return { ended, moved };
}

test("copy() tells how far a layer in zstd was read that is stored in gzip meanwhile", async () => {
  const { store, layer } = await zstdImage();
  // Others get their turn with each chunk: no event takes the place of another one.
  const slow = watched(store, {
    fetch: (stream) =>
      through(stream, {
        chunk: (chunk) => new Promise((resolve) => setTimeout(() => resolve(chunk), 1)),
      }),
  });
  const { ended, moved } = await told(copy(slow, "app:1", memoryStore(), FORMAT), layer);
  assert.ok(moved.length > 3, `${moved.length} events`);
  assert.deepEqual(moved, [...moved].sort((one, other) => one - other));
  assert.equal(moved.at(-1), layer.size);
  assert.deepEqual(ended, [`done ${layer.size}`]);
});

test("copy() tells of a layer that takes two passes what the source has, and once that it is there", async () => {
  const { store, layer } = await zstdImage();
  const to = watched(memoryStore());
  const { ended, moved } = await told(copy(store, "app:1", to, FORMAT), layer);
  assert.ok(moved.length > 0);
  assert.deepEqual(ended, [`done ${layer.size}`]);
  const again = copy(store, "app:1", to, FORMAT);
  assert.deepEqual((await told(again, layer)).ended, [`exists ${layer.size}`]);
  const blobs = [];
  for await (const event of copy(store, "app:1", memoryStore(), FORMAT)) {
    if (event.type === "blob" && event.status === "done") blobs.push(event.descriptor.digest);
  }
  assert.equal(blobs.length, 2, "the layer and the config, once each");
});

test("copy() to Docker's format reads a layer in zstd once for a store", async () => {
  const fs = memoryFileSystem();
  const targets = {
    memory: memoryStore(),
    layout: ociLayout(fs, "x"),
    bucket: bucketStore(new MemoryBucket()),
    archive: dockerArchiveTarget(fs, "app.tar"),
    directory: imageDirectoryTarget(fs, "y"),
  };
  const { store, layer } = await zstdImage();
  const digest = await digestInStore(store);
  for (const [name, target] of Object.entries(targets)) {
    const source = watched(store);
    const { descriptor } = await copy(source, "app:1", target, { format: "docker" });
    assert.equal(timesRead(source, layer), 1, name);
    assert.equal(descriptor.digest, digest, name);
    assert.deepEqual((await validate(target, "app:1")).problems, [], name);
  }
  await targets.archive.close();
  assert.deepEqual((await validate(dockerArchive(fs, "app.tar"), "app:1")).problems, []);
});

test("a layer in zstd that is damaged leaves nothing in a layout, and so does an abort", async () => {
  const reason = new Error("enough");
  const cases = [
    {
      damage: (bytes: Uint8Array) => bytes.subarray(0, bytes.length - 9),
      kind: CorruptStreamError,
    },
    { damage: (bytes: Uint8Array) => bytes, kind: reason },
  ];
  for (const { damage, kind } of cases) {
    const { store } = await zstdImage(damage);
    const fs = memoryFileSystem();
    let abort = () => {};
    const source = watched(store, {
      fetch: (stream, { mediaType }) => {
        if (mediaType === MEDIA_TYPE_OCI_LAYER_ZSTD) abort();
        return stream;
      },
    });
    const operation = copy(source, "app:1", ociLayout(fs, "x"), FORMAT);
    if (kind === reason) abort = () => operation.abort(reason);
    await assert.rejects(Promise.resolve(operation), kind);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(await filesBelow(fs, "x"), ["x/index.json", "x/oci-layout"]);
    assert.equal(source.open, 0);
  }
});

test("where the name stands for an image already, nothing that is there is sent", async () => {
  const { store } = await zstdImage();
  const { target, requests } = registry();
  const first = await copy(store, "app:1", target, FORMAT);
  const count = requests.length;
  const second = await copy(store, "app:1", target, { ...FORMAT, existing: "refuse" });
  assert.equal(second.descriptor.digest, first.descriptor.digest);
  assert.deepEqual(requests.slice(count).filter(({ method }) => /POST|PATCH|PUT/.test(method)), []);
});

test("a new name over a layer in zstd that was stored before reads and sends none of it", async () => {
  const { store, layer } = await zstdImage();
  await putZstdImage(store, "app:2");
  const source = watched(store);
  const { target, requests, uploads } = registry();
  const first = await copy(source, "app:1", target, FORMAT);
  const [count, uploaded] = [requests.length, uploads().length];
  const plan = await planCopy(source, "app:2", target, { ...FORMAT, targetReference: "2" });
  const operation = copy(source, "app:2", target, { ...FORMAT, targetReference: "2" });
  const { ended, moved } = await told(operation, layer);
  const second = await operation;
  assert.equal(timesRead(source, layer), 1);
  assert.deepEqual([ended, moved], [[`exists ${layer.size}`], []]);
  assert.notEqual(second.descriptor.digest, first.descriptor.digest);
  assert.equal(plan.descriptor.digest, second.descriptor.digest);
  assert.ok(second.bytesSkipped > BODY.length / 2);
  assert.ok(plan.bytesToCopy < 10_000);
  assert.deepEqual(uploads().slice(uploaded).sort(), ["POST", "PUT"], "the config");
  assert.equal(requests.slice(count).some(({ method }) => method === "PATCH"), false);
  assert.deepEqual((await validate(target, "2")).problems, []);
});

test("a layer in zstd that was stored before, and is gone, is read and sent once more", async () => {
  const { store, layer } = await zstdImage();
  await putZstdImage(store, "app:2");
  for (const existing of ["1", "2"]) {
    const place = memoryStore();
    for (const target of [place, watched(place)]) {
      const source = watched(store);
      const { descriptor } = await copy(source, "app:1", target, FORMAT);
      const before = timesRead(source, layer);
      const raw = await get(target, descriptor);
      const { layers: [made] } = JSON.parse(new TextDecoder().decode(raw)) as {
        layers: [Descriptor];
      };
      await place.delete(made);
      await copy(source, "app:2", target, { ...FORMAT, targetReference: existing });
      assert.equal(timesRead(source, layer) - before, 1);
      assert.deepEqual((await validate(target, existing)).problems, []);
      await place.delete(made);
      await place.delete(descriptor);
    }
  }
});

test("a layer in zstd that the registry only claims to have is made and sent after all", async () => {
  const { store } = await zstdImage();
  await putZstdImage(store, "app:2");
  let claims = false;
  let refusals = 0;
  const errors = [{ code: "MANIFEST_BLOB_UNKNOWN", message: "blob unknown" }];
  const { target, uploads } = registry((transport) => async (request) => {
    const isManifest = request.method === "PUT" && request.url.includes("/manifests/");
    if (!claims || !isManifest || refusals++ > 0) return await transport(request);
    return Response.json({ errors }, { status: 404 });
  });
  await copy(store, "app:1", target, FORMAT);
  claims = true;
  const count = uploads().length;
  await copy(store, "app:2", target, { ...FORMAT, targetReference: "2" });
  assert.equal(refusals, 2);
  assert.equal(uploads().slice(count).filter((method) => method === "PUT").length, 2);
  assert.deepEqual((await validate(target, "2")).problems, []);
});

test("a layer in zstd that is damaged is given up: the registry has nothing of it", async () => {
  const cases: [(bytes: Uint8Array) => Uint8Array, typeof CorruptStreamError][] = [
    [(bytes) => bytes.subarray(0, bytes.length - 9), CorruptStreamError],
    [
      (bytes) => bytes.with(bytes.length >> 1, 1 ^ (bytes[bytes.length >> 1] ?? 0)),
      CorruptStreamError,
    ],
  ];
  for (const [damage, kind] of cases) {
    const { store } = await zstdImage(damage);
    const { target, requests, uploads } = registry();
    await assert.rejects(Promise.resolve(copy(store, "app:1", target, FORMAT)), kind);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(uploads().at(-1), "DELETE");
    assert.deepEqual(requests.filter(({ method }) => method === "PUT"), []);
  }
});

test("a registry that takes no content before it is known gets it afterwards", async () => {
  const { store, layer } = await zstdImage();
  const source = watched(store);
  const { target, uploads } = registry((transport) => async (request) =>
    request.method === "PATCH" ? new Response(null, { status: 405 }) : await transport(request)
  );
  const { descriptor } = await copy(source, "app:1", target, FORMAT);
  assert.equal(descriptor.digest, await digestInStore(store));
  assert.equal(timesRead(source, layer), 3);
  assert.deepEqual((await validate(target, "1")).problems, []);
  assert.equal(uploads().filter((method) => method === "DELETE").length, 1);
});

test("an upload that the registry has lost is sent once more from the source", async () => {
  const { store, layer } = await zstdImage();
  const source = watched(store);
  let sent = 0;
  let lost = "";
  const { target } = registry((transport) => async (request) => {
    const { pathname } = new URL(request.url);
    if (request.method === "PATCH" && ++sent === 2) lost = pathname;
    if (pathname !== lost) return await transport(request);
    const errors = [{ code: "BLOB_UPLOAD_UNKNOWN", message: "it is gone" }];
    return Response.json({ errors }, { status: 404 });
  }, PIECES);
  const { descriptor } = await copy(source, "app:1", target, FORMAT);
  assert.equal(descriptor.digest, await digestInStore(store));
  assert.equal(timesRead(source, layer), 3);
  assert.deepEqual((await validate(target, "1")).problems, []);
});

test("who may not push is told at once, and the layer is not read", async () => {
  const { store, layer } = await zstdImage();
  const source = watched(store);
  const { target } = registry((transport) => async (request) =>
    request.method === "POST" ? new Response(null, { status: 403 }) : await transport(request)
  );
  await assert.rejects(Promise.resolve(copy(source, "app:1", target, FORMAT)), AuthorizationError);
  assert.equal(timesRead(source, layer), 0);
});

test("what cannot be in the format is refused before anything is sent", async () => {
  const { store, root } = await zstdImage();
  await pushArtifact(store, [], { artifactType: "application/x", subject: root });
  const { target, uploads } = registry();
  await assert.rejects(
    Promise.resolve(copy(store, "app:1", target, { ...FORMAT, referrers: true })),
    UnsupportedMediaTypeError,
  );
  assert.deepEqual(uploads(), []);
});

test("an abort gives the upload back, and lets go of the source", async () => {
  const { store } = await zstdImage();
  const source = watched(store);
  const reason = new Error("enough");
  let abort = () => {};
  const { target, uploads } = registry((transport) => async (request) => {
    if (request.method === "PATCH") abort();
    return await transport(request);
  });
  const operation = copy(source, "app:1", target, FORMAT);
  abort = () => operation.abort(reason);
  await assert.rejects(Promise.resolve(operation), (error) => error === reason);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(source.open, 0);
  assert.equal(uploads().at(-1), "DELETE");
});
