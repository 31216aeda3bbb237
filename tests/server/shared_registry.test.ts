// A Worker makes a handler for each request, in isolates that know nothing of one another.
import { test } from "node:test";
import assert from "node:assert/strict";
import type { Descriptor } from "../../lib/model/descriptor.ts";
import type { Transport } from "../../lib/model/transport.ts";
import { registryHandler, type RegistryHandlerOptions } from "../../lib/server/mod.ts";
import { type BucketStore, bucketStore } from "../../lib/store/bucket_store.ts";
import { MemoryBucket } from "../support/memory_bucket.ts";
import {
  descriptorOf,
  imageParts,
  locationOf,
  noise,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_LAYER,
  OCI_MANIFEST,
  pushBlob,
  pushImage,
  putManifest,
  refused,
  send,
  sendWire,
  sha256,
  sha512,
  statusOf,
  utf8,
} from "./client.ts";

function worker(bucket: MemoryBucket, options: RegistryHandlerOptions = {}): Transport {
  return (request) => registryHandler(bucketStore(bucket), options)(request);
}

async function bytesOf(response: Response): Promise<Uint8Array> {
  assert.equal(response.status, 200);
  return new Uint8Array(await response.arrayBuffer());
}

test("an upload goes on in other handlers, in chunks of any size", async () => {
  const bucket = new MemoryBucket({ pageSize: 2 });
  const handler = worker(bucket);
  const content = noise(9_000_001);
  let location = locationOf(await send(handler, "POST", "/v2/a/b/blobs/uploads/"));
  for (const [start, end] of [[0, 1], [1, 70_000], [70_000, 8_999_999]] as const) {
    const patched = await sendWire(handler, "PATCH", location, {
      body: content.slice(start, end),
      headers: { "content-range": `${start}-${end - 1}` },
    });
    assert.equal(patched.status, 202);
    assert.equal(patched.headers.get("range"), `0-${end - 1}`);
    location = locationOf(patched);
    const status = await send(handler, "GET", location);
    assert.equal(status.headers.get("range"), `0-${end - 1}`);
  }
  await refused(
    await sendWire(handler, "PATCH", location, {
      body: "x",
      headers: { "content-range": "5-5" },
    }),
    416,
    "BLOB_UPLOAD_INVALID",
  );
  const digest = sha256(content);
  const put = await sendWire(handler, "PUT", `${location}?digest=${digest}`, {
    body: content.slice(8_999_999),
  });
  assert.equal(put.status, 201);
  assert.deepEqual(await bytesOf(await send(handler, "GET", `/v2/a/b/blobs/${digest}`)), content);
  assert.deepEqual(bucket.keys("uploads/"), []);
  assert.equal(await statusOf(handler, "GET", location), 404);
});

test("an upload of unknown length is proved before it is a blob, by any algorithm", async () => {
  for (const digest of [sha256(noise(100_000)), sha512(noise(100_000))]) {
    const bucket = new MemoryBucket();
    const handler = worker(bucket);
    const stream = () =>
      new Response(noise(100_000)).body as ReadableStream<Uint8Array<ArrayBuffer>>;
    const wrong = locationOf(await send(handler, "POST", "/v2/a/b/blobs/uploads/"));
    assert.equal((await send(handler, "PATCH", wrong, { body: stream() })).status, 202);
    const other = digest.replace(/.$/, (last) => last === "0" ? "1" : "0");
    await refused(
      await send(handler, "PUT", `${wrong}?digest=${other}`),
      400,
      "DIGEST_INVALID",
    );
    assert.deepEqual(bucket.keys(), []);
    const right = locationOf(await send(handler, "POST", "/v2/a/b/blobs/uploads/"));
    assert.equal((await send(handler, "PATCH", right, { body: stream() })).status, 202);
    assert.equal((await send(handler, "PUT", `${right}?digest=${digest}`)).status, 201);
    assert.equal(await statusOf(handler, "HEAD", `/v2/a/b/blobs/${digest}`), 200);
  }
});

test("what came before a cut stays, and the client goes on behind it", async () => {
  const handler = worker(new MemoryBucket());
  const location = locationOf(await send(handler, "POST", "/v2/a/b/blobs/uploads/"));
  let sent = 0;
  const cut = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      if (sent++ === 3) controller.error(new Error("the client went away"));
      else controller.enqueue(noise(1000, sent));
    },
  });
  assert.equal((await send(handler, "PATCH", location, { body: cut })).status, 400);
  const status = await send(handler, "GET", location);
  assert.equal(status.headers.get("range"), "0-2999");
});

test("of two handlers that append at the same place, one is refused", async () => {
  const bucket = new MemoryBucket();
  const handler = worker(bucket);
  const location = locationOf(await send(handler, "POST", "/v2/a/b/blobs/uploads/"));
  const answers = await Promise.all(
    ["first", "other"].map((body) => sendWire(handler, "PATCH", location, { body })),
  );
  assert.deepEqual(answers.map(({ status }) => status).sort(), [202, 409]);
  const winner = answers[0]?.status === 202 ? "first" : "other";
  const put = await send(handler, "PUT", `${location}?digest=${sha256(winner)}`);
  assert.equal(put.status, 201);
});

test("of two handlers whose pieces meet in the middle of a body, one is refused", async () => {
  const handler = worker(new MemoryBucket());
  const location = locationOf(await send(handler, "POST", "/v2/a/b/blobs/uploads/"));
  // More than is gathered to a piece: the first one is written while the body goes on.
  const bodies = [noise(9_000_001, 1), noise(9_000_001, 2)];
  const answers = await Promise.all(
    bodies.map((body) => sendWire(handler, "PATCH", location, { body })),
  );
  assert.deepEqual(answers.map(({ status }) => status).sort(), [202, 409]);
  const kept = bodies[answers.findIndex(({ status }) => status === 202)];
  assert.ok(kept !== undefined);
  const digest = sha256(kept);
  assert.equal((await send(handler, "PUT", `${location}?digest=${digest}`)).status, 201);
  assert.equal(await statusOf(handler, "HEAD", `/v2/a/b/blobs/${digest}`), 200);
});

test("a handler that lost an upload to another one refuses at once, and reads no more", async () => {
  const handler = worker(new MemoryBucket());
  const location = locationOf(await send(handler, "POST", "/v2/a/b/blobs/uploads/"));
  let go = () => {};
  const gate = new Promise<void>((resolve) => go = resolve);
  let pulls = 0;
  let isCancelled = false;
  const endless = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      if (++pulls === 2) await gate;
      // Behind what is gathered to a piece nothing comes, and no end either.
      if (pulls === 12) return await new Promise(() => {});
      controller.enqueue(noise(1_000_000, pulls));
    },
    cancel: () => void (isCancelled = true),
  }, { highWaterMark: 0 });
  const loser = sendWire(handler, "PATCH", location, { body: endless });
  while (pulls < 2) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.equal((await sendWire(handler, "PATCH", location, { body: "first" })).status, 202);
  go();
  assert.equal((await loser).status, 409);
  assert.equal(isCancelled, true);
});

test("an upload belongs to its repository, and ends when it is cancelled", async () => {
  const bucket = new MemoryBucket();
  const handler = worker(bucket);
  const location = locationOf(await send(handler, "POST", "/v2/a/b/blobs/uploads/"));
  await sendWire(handler, "PATCH", location, { body: "hello" });
  assert.equal(await statusOf(handler, "GET", location.replace("a/b", "c/d")), 404);
  assert.equal(await statusOf(handler, "DELETE", location), 204);
  assert.equal(await statusOf(handler, "GET", location), 404);
  assert.deepEqual(bucket.keys(), []);
});

test("uploads that were given up a day ago are removed when one starts", async () => {
  const bucket = new MemoryBucket();
  const handler = worker(bucket);
  const location = locationOf(await send(handler, "POST", "/v2/a/b/blobs/uploads/"));
  await sendWire(handler, "PATCH", location, { body: "hello" });
  const old = new Date(Date.now() - 25 * 60 * 60 * 1000);
  for (const [key, object] of [...bucket.objects]) {
    bucket.objects.set(key, { ...object, uploaded: old });
  }
  const next = locationOf(await send(handler, "POST", "/v2/a/b/blobs/uploads/"));
  assert.deepEqual(bucket.keys(), [`uploads/${next.split("/").at(-1)}`]);
});

test("pieces that join nothing are no part of an upload, and go with it", async () => {
  const bucket = new MemoryBucket();
  const handler = worker(bucket);
  const location = locationOf(await send(handler, "POST", "/v2/a/b/blobs/uploads/"));
  await sendWire(handler, "PATCH", location, { body: "hello" });
  await bucket.put(`uploads/${location.split("/").at(-1)}/0000000000000007`, utf8("lost"));
  const status = await send(handler, "GET", location);
  assert.equal(status.headers.get("range"), "0-4");
  const put = await send(handler, "PUT", `${location}?digest=${sha256("hello")}`);
  assert.equal(put.status, 201);
  assert.deepEqual(bucket.keys("uploads/"), []);
});

test("an upload in too many pieces is refused: single bytes must not fill the bucket", async () => {
  const bucket = new MemoryBucket();
  const handler = worker(bucket);
  const location = locationOf(await send(handler, "POST", "/v2/a/b/blobs/uploads/"));
  const key = `uploads/${location.split("/").at(-1)}`;
  const piece = await bucket.put(key, utf8("x"), { customMetadata: { repository: "a/b" } });
  assert.ok(piece !== null);
  for (let offset = 0; offset < 10_000; offset++) {
    const path = `${key}/${String(offset).padStart(16, "0")}`;
    bucket.objects.set(path, { ...piece, key: path, bytes: utf8("x") });
  }
  const patched = await sendWire(handler, "PATCH", location, { body: "x" });
  await refused(patched, 413, "SIZE_INVALID");
  assert.deepEqual(bucket.keys(), []);
});

test("an image is pushed and pulled, each request by another handler", async () => {
  const bucket = new MemoryBucket({ pageSize: 2 });
  const handler = worker(bucket);
  const { manifest, layer, digest } = await pushImage(handler, "a/b", "1", "x");
  const pulled = await send(handler, "GET", "/v2/a/b/manifests/1");
  assert.equal(await pulled.text(), manifest);
  assert.equal(await statusOf(handler, "HEAD", `/v2/a/b/manifests/${digest}`), 200);
  const range = { headers: { range: "bytes=6-7" } };
  const part = await send(handler, "GET", `/v2/a/b/blobs/${sha256(layer)}`, range);
  assert.equal(await part.text(), layer.slice(6, 8));
  for (const path of [`blobs/${sha256(layer)}`, `manifests/${digest}`, "manifests/1"]) {
    assert.equal(await statusOf(handler, "GET", `/v2/c/d/${path}`), 404, `c/d/${path}`);
  }
});

test("a blob is mounted where another handler took it, and only from who has it", async () => {
  const handler = worker(new MemoryBucket());
  const digest = await pushBlob(handler, "a/b", "content");
  const mount = (to: string, from: string) =>
    statusOf(handler, "POST", `/v2/${to}/blobs/uploads/?mount=${digest}${from}`);
  assert.equal(await mount("c/d", "&from=e/f"), 202);
  assert.equal(await mount("c/d", "&from=a/b"), 201);
  assert.equal(await statusOf(handler, "HEAD", `/v2/c/d/blobs/${digest}`), 200);
  assert.equal(await mount("g/h", ""), 201);
});

test("knowing a digest is not enough to be given content that the bucket has", async () => {
  const handler = worker(new MemoryBucket());
  const digest = await pushBlob(handler, "a/b", "secret");
  const location = locationOf(await send(handler, "POST", "/v2/c/d/blobs/uploads/"));
  await sendWire(handler, "PATCH", location, { body: "public" });
  await refused(await send(handler, "PUT", `${location}?digest=${digest}`), 400, "DIGEST_INVALID");
  assert.equal(await statusOf(handler, "GET", `/v2/c/d/blobs/${digest}`), 404);
});

test("content goes when the last repository that holds it lets go of it", async () => {
  const bucket = new MemoryBucket();
  const handler = worker(bucket);
  const digest = await pushBlob(handler, "a/b", "content");
  await pushBlob(handler, "c/d", "content");
  assert.equal(await statusOf(handler, "DELETE", `/v2/a/b/blobs/${digest}`), 202);
  assert.equal(await statusOf(handler, "GET", `/v2/a/b/blobs/${digest}`), 404);
  assert.equal(await statusOf(handler, "GET", `/v2/c/d/blobs/${digest}`), 200);
  assert.equal(await statusOf(handler, "DELETE", `/v2/c/d/blobs/${digest}`), 202);
  assert.deepEqual(bucket.keys(), []);
});

test("a manifest that is deleted goes with its tags, and stays where others have it", async () => {
  const bucket = new MemoryBucket();
  const handler = worker(bucket);
  const { digest } = await pushImage(handler, "a/b", "1", "x");
  await pushImage(handler, "c/d", "1", "x");
  assert.equal(await statusOf(handler, "DELETE", `/v2/a/b/manifests/${digest}`), 202);
  assert.equal(await statusOf(handler, "GET", "/v2/a/b/manifests/1"), 404);
  assert.equal(await statusOf(handler, "GET", `/v2/a/b/manifests/${digest}`), 404);
  assert.equal(await statusOf(handler, "GET", "/v2/c/d/manifests/1"), 200);
  assert.equal(await statusOf(handler, "DELETE", "/v2/c/d/manifests/1"), 202);
  assert.equal(await statusOf(handler, "GET", `/v2/c/d/manifests/${digest}`), 200);
  assert.equal(await statusOf(handler, "DELETE", `/v2/c/d/manifests/${digest}`), 202);
  assert.deepEqual(bucket.keys("held/").filter((key) => key.includes("/manifest/")), []);
  assert.deepEqual(bucket.keys("names/"), []);
});

test("referrers are those of the repository", async () => {
  const bucket = new MemoryBucket();
  const handler = worker(bucket);
  const { manifest } = await pushImage(handler, "a/b", "1", "x");
  const subject = descriptorOf(OCI_MANIFEST, manifest);
  const note = await pushImage(handler, "a/b", undefined, "y", { subject });
  const list = async (repository: string) => {
    const answer = await send(handler, "GET", `/v2/${repository}/referrers/${subject.digest}`);
    const { manifests } = await answer.json() as { manifests: { digest: string }[] };
    return manifests.map(({ digest }) => digest);
  };
  assert.deepEqual(await list("a/b"), [note.digest]);
  assert.deepEqual(await list("c/d"), []);
  const store = bucketStore(bucket);
  const loose = imageParts("loose", { subject });
  await store.push(descriptorOf(OCI_MANIFEST, loose.manifest), utf8(loose.manifest));
  assert.deepEqual(await list("a/b"), [loose.digest, note.digest].sort(), "it is with its subject");
  assert.deepEqual(await list("c/d"), [], "and only there");
  await store.delete(descriptorOf(OCI_MANIFEST, loose.manifest));
  await pushImage(handler, "c/d", "1", "x");
  assert.deepEqual(await list("c/d"), [], "the other repository has the subject, not the note");
});

async function storeImage(
  store: BucketStore,
  { config, layer, manifest }: ReturnType<typeof imageParts>,
): Promise<Descriptor> {
  await store.push(descriptorOf(OCI_CONFIG, config), utf8(config));
  await store.push(descriptorOf(OCI_LAYER, layer), utf8(layer));
  const descriptor = descriptorOf(OCI_MANIFEST, manifest);
  await store.push(descriptor, utf8(manifest));
  return descriptor;
}

test("what was copied into the bucket is served under its names, down to the layers", async () => {
  const bucket = new MemoryBucket();
  const store = bucketStore(bucket);
  const parts = imageParts("x");
  const manifest = await storeImage(store, parts);
  const raw = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [manifest] });
  await store.push(descriptorOf(OCI_INDEX, raw), utf8(raw));
  await store.tag(descriptorOf(OCI_INDEX, raw), "library/alpine:3.20");
  const handler = worker(bucket);
  for (
    const path of [
      "manifests/3.20",
      `manifests/${parts.digest}`,
      `blobs/${sha256(parts.layer)}`,
      `blobs/${sha256(parts.config)}`,
    ]
  ) {
    assert.equal(await statusOf(handler, "GET", `/v2/library/alpine/${path}`), 200, path);
    assert.equal(await statusOf(handler, "GET", `/v2/library/other/${path}`), 404, path);
  }
  const tags = await send(handler, "GET", "/v2/library/alpine/tags/list");
  assert.deepEqual(await tags.json(), { name: "library/alpine", tags: ["3.20"] });
  const catalog = await send(handler, "GET", "/v2/_catalog");
  assert.deepEqual(await catalog.json(), { repositories: ["library/alpine"] });
});

test("bare names are served under the default repository", async () => {
  const bucket = new MemoryBucket();
  const store = bucketStore(bucket);
  const parts = imageParts("x");
  const manifest = await storeImage(store, parts);
  await store.tag(manifest, "3.20");
  const handler = worker(bucket, { defaultRepository: "alpine" });
  assert.equal(await statusOf(handler, "GET", "/v2/alpine/manifests/3.20"), 200);
  assert.equal(await statusOf(handler, "GET", `/v2/alpine/blobs/${sha256(parts.layer)}`), 200);
  const other = worker(bucket);
  assert.equal(await statusOf(other, "GET", `/v2/alpine/blobs/${sha256(parts.layer)}`), 404);
});

test("referrers of the default repository are found, pushed or copied", async () => {
  const bucket = new MemoryBucket();
  const handler = worker(bucket, { defaultRepository: "alpine" });
  const { manifest } = await pushImage(handler, "alpine", "3.20", "x");
  const subject = descriptorOf(OCI_MANIFEST, manifest);
  const pushed = await pushImage(handler, "alpine", undefined, "y", { subject });
  const copied = imageParts("z", { subject });
  const store = bucketStore(bucket);
  await store.push(descriptorOf(OCI_MANIFEST, copied.manifest), utf8(copied.manifest));
  await store.tag(descriptorOf(OCI_MANIFEST, copied.manifest), copied.digest);
  const answer = await send(handler, "GET", `/v2/alpine/referrers/${subject.digest}`);
  const { manifests } = await answer.json() as { manifests: { digest: string }[] };
  assert.deepEqual(
    manifests.map(({ digest }) => digest),
    [pushed.digest, copied.digest].sort(),
  );
});

test("a request costs few calls of the bucket, however many tags a repository has", async () => {
  const bucket = new MemoryBucket();
  const handler = worker(bucket);
  const { manifest, layer, digest } = await pushImage(handler, "a/b", "0", "x");
  for (let tag = 1; tag < 30; tag++) await putManifest(handler, "a/b", String(tag), manifest);
  const cases = [
    ["HEAD", `/v2/a/b/blobs/${sha256(noise(3))}`, 404, 1],
    ["GET", `/v2/a/b/blobs/${sha256(layer)}`, 200, 2],
    ["GET", `/v2/a/b/manifests/${digest}`, 200, 2],
    ["GET", "/v2/a/b/manifests/17", 200, 2],
    ["GET", "/v2/a/b/manifests/none", 404, 1],
  ] as const;
  for (const [method, path, status, calls] of cases) {
    bucket.calls.length = 0;
    assert.equal(await statusOf(handler, method, path), status, path);
    assert.equal(bucket.calls.length, calls, `${method} ${path}: ${bucket.calls}`);
  }
});

test("conditions of tags hold between handlers: no update is lost", async () => {
  const handler = worker(new MemoryBucket());
  const images = await Promise.all(
    ["x", "y", "z"].map((seed) => pushImage(handler, "a/b", undefined, seed)),
  );
  const put = async (headers: Readonly<Record<string, string>>) => {
    const answers = await Promise.all(
      images.map(({ manifest }) =>
        putManifest(handler, "a/b", "1", manifest, OCI_MANIFEST, headers)
      ),
    );
    const statuses = answers.map(({ status }) => status);
    assert.deepEqual([...statuses].sort(), [201, 412, 412]);
    const winner = images[statuses.indexOf(201)]?.digest;
    const head = await send(handler, "HEAD", "/v2/a/b/manifests/1");
    assert.equal(head.headers.get("docker-content-digest"), winner);
    return winner;
  };
  await put({ "if-none-match": "*" });
  const other = await pushImage(handler, "a/b", "1", "w");
  await put({ "if-match": `"${other.digest}"` });
});
