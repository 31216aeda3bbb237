import { test } from "node:test";
import assert from "node:assert/strict";
import { NotFoundError } from "../../lib/model/errors.ts";
import { Registry } from "../../lib/registry/registry.ts";
import { proxyHandler, registryHandler } from "../../lib/server/mod.ts";
import { memoryStore } from "../../lib/store/memory_store.ts";
import { copy } from "../../lib/ops/copy.ts";
import { randomIndex } from "../../lib/testing/random_image.ts";
import {
  codeOf,
  descriptorOf,
  imageParts,
  OCI_INDEX,
  OCI_MANIFEST,
  pushBlob,
  pushImage,
  putManifest,
  refused,
  send,
  sha256,
  statusOf,
} from "./client.ts";
import { DOWN, mirrored } from "./mirrored.ts";

test("a mirror answers what its upstream has, and asks for each thing once", async () => {
  const { origin, mirror, asked, errors } = mirrored();
  const { manifest, layer, config, digest } = await pushImage(origin, "acme/app", "1", "x");
  for (const round of ["first", "second"]) {
    const answer = await send(mirror, "GET", "/v2/acme/app/manifests/1");
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("docker-content-digest"), digest);
    assert.equal(answer.headers.get("content-type"), OCI_MANIFEST);
    assert.equal(await answer.text(), manifest);
    for (const content of [config, layer]) {
      const answer = await send(mirror, "GET", `/v2/acme/app/blobs/${sha256(content)}`);
      assert.equal(answer.status, 200);
      assert.equal(await answer.text(), content);
    }
    assert.equal(
      await (await send(mirror, "GET", `/v2/acme/app/manifests/${digest}`)).text(),
      manifest,
    );
    // A tag may have moved: its name is asked for again, and nothing else.
    assert.deepEqual(
      asked(),
      round === "first"
        ? [
          "GET acme/app/manifests/1",
          `GET acme/app/blobs/${sha256(config)}`,
          `GET acme/app/blobs/${sha256(layer)}`,
        ]
        : ["HEAD acme/app/manifests/1"],
    );
  }
  assert.deepEqual(errors, []);
});

test("a mirror knows the base of the API without its upstream, and takes no writes", async () => {
  const { mirror, asked } = mirrored();
  assert.equal(await statusOf(mirror, "GET", "/v2/"), 200);
  const digest = sha256("x");
  for (
    const [method, path, allow] of [
      ["PUT", "demo/manifests/1", "GET, HEAD"],
      ["DELETE", "demo/manifests/1", "GET, HEAD"],
      ["DELETE", `demo/blobs/${digest}`, "GET, HEAD"],
      ["POST", "demo/blobs/uploads/", ""],
      ["GET", "demo/blobs/uploads/1", ""],
      ["PATCH", "demo/blobs/uploads/1", ""],
      ["PUT", "demo/blobs/uploads/1", ""],
      ["DELETE", "demo/blobs/uploads/1", ""],
      ["POST", "_catalog", "GET, HEAD"],
    ] as const
  ) {
    const answer = await send(mirror, method, `/v2/${path}`, {
      ...(method === "PUT" || method === "PATCH" ? { body: "x" } : {}),
    });
    assert.equal(answer.headers.get("allow"), allow, `${method} ${path}`);
    await refused(answer, 405, "UNSUPPORTED", `${method} ${path}`);
  }
  assert.deepEqual(asked(), []);
});

test("HEAD says what GET says, without the body, cached or not", async () => {
  const { origin, mirror, again } = mirrored();
  const { layer, digest } = await pushImage(origin, "demo", "1", "x");
  for (const path of ["manifests/1", `manifests/${digest}`, `blobs/${sha256(layer)}`]) {
    // The first comes from the upstream, the others from the cache.
    for (const handler of [mirror, mirror, again()]) {
      const head = await send(handler, "HEAD", `/v2/demo/${path}`);
      const get = await send(handler, "GET", `/v2/demo/${path}`);
      assert.equal(head.status, 200, path);
      assert.deepEqual([...head.headers], [...get.headers], path);
      await get.body?.cancel();
    }
  }
  for (const path of ["manifests/2", `manifests/${sha256("y")}`, `blobs/${sha256("y")}`]) {
    assert.equal(await statusOf(mirror, "HEAD", `/v2/demo/${path}`), 404, path);
  }
});

test("HEAD of a tag is enough for a mirror to know it when its upstream is gone", async () => {
  // containerd asks for the digest of a tag, and reads by the digest.
  const { origin, mirror, rules, asked } = mirrored();
  const { digest } = await pushImage(origin, "demo", "1", "x");
  assert.equal(await statusOf(mirror, "HEAD", "/v2/demo/manifests/1"), 200);
  asked();
  assert.equal(await statusOf(mirror, "GET", `/v2/demo/manifests/${digest}`), 200);
  assert.deepEqual(asked(), []);
  rules.push(DOWN);
  const answer = await send(mirror, "HEAD", "/v2/demo/manifests/1");
  assert.equal(answer.headers.get("docker-content-digest"), digest);
});

test("HEAD of a manifest by its digest takes one request, and none once it is known", async () => {
  const { origin, mirror, asked } = mirrored();
  const { digest } = await pushImage(origin, "demo", "1", "x");
  assert.equal(await statusOf(mirror, "HEAD", `/v2/demo/manifests/${digest}`), 200);
  assert.deepEqual(asked(), [`HEAD demo/manifests/${digest}`]);
  await statusOf(mirror, "GET", `/v2/demo/manifests/${digest}`);
  asked();
  assert.equal(await statusOf(mirror, "HEAD", `/v2/demo/manifests/${digest}`), 200);
  assert.deepEqual(asked(), []);
});

test("HEAD of a blob that the cache has not got leaves it upstream", async () => {
  const { origin, mirror, asked, cache } = mirrored();
  const { layer, digest } = await pushImage(origin, "demo", "1", "x");
  await statusOf(mirror, "GET", `/v2/demo/manifests/${digest}`);
  asked();
  const answer = await send(mirror, "HEAD", `/v2/demo/blobs/${sha256(layer)}`);
  assert.equal(answer.headers.get("content-length"), String(layer.length));
  assert.deepEqual(asked(), [`HEAD demo/blobs/${sha256(layer)}`]);
  assert.equal(await cache.exists(descriptorOf("", layer)), false);
});

test("a mirror follows a tag that moves", async () => {
  const { origin, mirror, asked } = mirrored();
  await pushImage(origin, "demo", "1", "old");
  await statusOf(mirror, "GET", "/v2/demo/manifests/1");
  const { manifest, digest } = await pushImage(origin, "demo", "1", "new");
  asked();
  assert.equal(await (await send(mirror, "GET", "/v2/demo/manifests/1")).text(), manifest);
  assert.deepEqual(asked(), ["HEAD demo/manifests/1", `GET demo/manifests/${digest}`]);
  assert.equal(await (await send(mirror, "GET", "/v2/demo/manifests/1")).text(), manifest);
  assert.deepEqual(asked(), ["HEAD demo/manifests/1"]);
});

test("tags stand for what they were last seen to stand for as long as tagMaxAgeMs says", async () => {
  const { origin, asked, again } = mirrored();
  await pushImage(origin, "demo", "1", "old");
  const mirror = again({ tagMaxAgeMs: 3_600_000 });
  const { manifest: old } = imageParts("old");
  await statusOf(mirror, "GET", "/v2/demo/manifests/1");
  await pushImage(origin, "demo", "1", "new");
  asked();
  assert.equal(await (await send(mirror, "GET", "/v2/demo/manifests/1")).text(), old);
  assert.deepEqual(asked(), []);
  // Another one does not know how old it is.
  assert.notEqual(
    await (await send(again({ tagMaxAgeMs: 3_600_000 }), "GET", "/v2/demo/manifests/1")).text(),
    old,
  );
  assert.throws(() => again({ tagMaxAgeMs: -1 }), RangeError);
  assert.throws(() => again({ tagMaxAgeMs: NaN }), RangeError);
});

test("a tag that was looked up too long ago is looked up again", async () => {
  const { origin, asked, again } = mirrored();
  await pushImage(origin, "demo", "1", "x");
  const mirror = again({ tagMaxAgeMs: 1 });
  await statusOf(mirror, "GET", "/v2/demo/manifests/1");
  asked();
  await new Promise((resolve) => setTimeout(resolve, 5));
  await statusOf(mirror, "GET", "/v2/demo/manifests/1");
  assert.deepEqual(asked(), ["HEAD demo/manifests/1"]);
});

test("a clock that is set back does not make a tag last for longer", async () => {
  const { origin, asked, again } = mirrored();
  await pushImage(origin, "demo", "1", "x");
  const mirror = again({ tagMaxAgeMs: 60_000 });
  await statusOf(mirror, "GET", "/v2/demo/manifests/1");
  asked();
  const { now } = Date;
  try {
    Date.now = () => now() - 3_600_000;
    await statusOf(mirror, "GET", "/v2/demo/manifests/1");
  } finally {
    Date.now = now;
  }
  assert.deepEqual(asked(), ["HEAD demo/manifests/1"]);
});

test("an index and its manifests come from the cache by digest, each asked for once", async () => {
  const { origin, mirror, asked, rules } = mirrored();
  const { manifest, digest } = await pushImage(origin, "demo", undefined, "x");
  const index = JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI_INDEX,
    manifests: [descriptorOf(OCI_MANIFEST, manifest)],
  });
  await putManifest(origin, "demo", "1", index, OCI_INDEX);
  await statusOf(mirror, "GET", "/v2/demo/manifests/1");
  asked();
  await statusOf(mirror, "GET", `/v2/demo/manifests/${digest}`);
  assert.deepEqual(asked(), [`GET demo/manifests/${digest}`]);
  rules.push(DOWN);
  assert.equal(await (await send(mirror, "GET", `/v2/demo/manifests/${digest}`)).text(), manifest);
  assert.deepEqual(asked(), []);
});

test("a manifest that is only known by its digest takes one request", async () => {
  const { origin, mirror, asked } = mirrored();
  const { manifest, digest } = await pushImage(origin, "demo", "1", "x");
  assert.equal(await (await send(mirror, "GET", `/v2/demo/manifests/${digest}`)).text(), manifest);
  assert.deepEqual(asked(), [`GET demo/manifests/${digest}`]);
});

test("manifests are answered on conditions, and by what is accepted", async () => {
  const { origin, mirror } = mirrored();
  const { digest } = await pushImage(origin, "demo", "1", "x");
  const headers = { "if-none-match": `"${digest}"` };
  for (const path of ["manifests/1", `manifests/${digest}`]) {
    const answer = await send(mirror, "GET", `/v2/demo/${path}`, { headers });
    assert.equal(answer.status, 304, path);
  }
  const accept = { headers: { accept: OCI_INDEX } };
  await refused(await send(mirror, "GET", "/v2/demo/manifests/1", accept), 404, "MANIFEST_UNKNOWN");
});

test("tags are asked of the upstream each time, and come in pages", async () => {
  const { origin, mirror } = mirrored();
  for (const tag of ["b", "a", "c"]) await pushImage(origin, "demo", tag, "x");
  const first = await send(mirror, "GET", "/v2/demo/tags/list?n=2");
  assert.deepEqual(await first.json(), { name: "demo", tags: ["a", "b"] });
  assert.equal(first.headers.get("link"), '</v2/demo/tags/list?n=2&last=b>; rel="next"');
  await pushImage(origin, "demo", "d", "x");
  const rest = await send(mirror, "GET", "/v2/demo/tags/list?last=b");
  assert.deepEqual(await rest.json(), { name: "demo", tags: ["c", "d"] });
  await refused(await send(mirror, "GET", "/v2/none/tags/list"), 404, "NAME_UNKNOWN");
});

test("referrers are asked of the upstream, whether it has the API or the tag for them", async () => {
  for (const hasAPI of [true, false]) {
    const { origin, mirror, rules, asked } = mirrored();
    if (!hasAPI) rules.push({ path: /referrers/, fault: { kind: "status", status: 404 } });
    const { digest, manifest } = await pushImage(origin, "demo", "1", "x");
    const subject = descriptorOf(OCI_MANIFEST, manifest);
    const signature = await pushImage(origin, "demo", undefined, "s", {
      subject,
      artifactType: "text/signature",
    });
    const listed = {
      ...descriptorOf(OCI_MANIFEST, signature.manifest),
      artifactType: "text/signature",
    };
    const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [listed] };
    await putManifest(origin, "demo", digest.replace(":", "-"), JSON.stringify(index), OCI_INDEX);
    const answer = await send(mirror, "GET", `/v2/demo/referrers/${digest}`);
    assert.equal(answer.headers.get("content-type"), OCI_INDEX);
    const { manifests } = await answer.json() as { manifests: { digest: string }[] };
    assert.deepEqual(manifests.map(({ digest }) => digest), [signature.digest]);
    asked();
    const other = await send(mirror, "GET", `/v2/demo/referrers/${digest}?artifactType=text/other`);
    assert.equal(asked()[0], `GET demo/referrers/${digest}?artifactType=text%2Fother`);
    assert.equal(other.headers.get("oci-filters-applied"), "artifactType");
    assert.deepEqual((await other.json() as { manifests: unknown[] }).manifests, []);
  }
});

test("lists that the upstream does not have are 404", async () => {
  const { origin, mirror, again, registry, rules } = mirrored();
  await pushImage(origin, "demo", "1", "x");
  await refused(await send(mirror, "GET", "/v2/_catalog"), 404, "UNSUPPORTED");
  const listing = again({ catalog: () => registry.catalog() });
  assert.deepEqual(await (await send(listing, "GET", "/v2/_catalog")).json(), {
    repositories: ["demo"],
  });
  rules.push({ path: /_catalog/, fault: { kind: "status", status: 404 } });
  await refused(await send(listing, "GET", "/v2/_catalog"), 404, "UNSUPPORTED");
  const plain = proxyHandler(() => {
    const { resolve, exists, fetch } = memoryStore();
    return { resolve, exists, fetch };
  }, memoryStore());
  for (const path of ["demo/tags/list", `demo/referrers/${sha256("x")}`]) {
    await refused(await send(plain, "GET", `/v2/${path}`), 404, "UNSUPPORTED", path);
  }
});

test("what is not there upstream is not there", async () => {
  const { origin, mirror } = mirrored();
  await pushImage(origin, "demo", "1", "x");
  const none = sha256("none");
  for (
    const [path, code] of [
      ["demo/manifests/2", "MANIFEST_UNKNOWN"],
      ["demo/manifests/*", "MANIFEST_UNKNOWN"],
      [`demo/manifests/${none}`, "MANIFEST_UNKNOWN"],
      [`demo/manifests/md5:${"0".repeat(32)}`, "MANIFEST_UNKNOWN"],
      [`demo/blobs/${none}`, "BLOB_UNKNOWN"],
      [`demo/blobs/md5:${"0".repeat(32)}`, "BLOB_UNKNOWN"],
      ["Demo/manifests/1", "NAME_INVALID"],
    ] as const
  ) {
    await refused(await send(mirror, "GET", `/v2/${path}`), 404, code, path);
  }
  await refused(await send(mirror, "GET", "/v2/demo/blobs/x"), 400, "DIGEST_INVALID");
});

test("a repository that the upstream does not know, or shall not have, is an unknown name", async () => {
  const { mirror, rules } = mirrored();
  rules.push({
    fault: {
      kind: "status",
      status: 404,
      body: JSON.stringify({ errors: [{ code: "NAME_UNKNOWN", message: "no" }] }),
    },
  });
  await refused(await send(mirror, "GET", "/v2/demo/manifests/1"), 404, "NAME_UNKNOWN");
  const closed = proxyHandler((name) => {
    throw new NotFoundError(`Cannot mirror ${name}`);
  }, memoryStore());
  await refused(await send(closed, "GET", "/v2/demo/manifests/1"), 404, "NAME_UNKNOWN");
});

test("one repository is not given what another one brought into the cache", async () => {
  const { origin, mirror, asked } = mirrored();
  const { layer, digest } = await pushImage(origin, "private", "1", "x");
  await pushImage(origin, "public", "1", "y");
  await statusOf(mirror, "GET", "/v2/private/manifests/1");
  await statusOf(mirror, "GET", `/v2/private/blobs/${sha256(layer)}`);
  await statusOf(mirror, "GET", "/v2/public/manifests/1");
  asked();
  for (const method of ["GET", "HEAD"]) {
    for (const path of [`manifests/${digest}`, `blobs/${sha256(layer)}`]) {
      assert.equal(await statusOf(mirror, method, `/v2/public/${path}`), 404, `${method} ${path}`);
      assert.ok(
        asked().every((line) => line.startsWith("HEAD public/") || line.startsWith("GET public/")),
      );
    }
  }
});

test("what the upstream says that a repository has comes from the cache, whoever brought it", async () => {
  const { origin, mirror, asked } = mirrored();
  const { layer, digest, manifest } = await pushImage(origin, "one", "1", "x");
  await pushImage(origin, "two", "1", "x");
  await statusOf(mirror, "GET", "/v2/one/manifests/1");
  await statusOf(mirror, "GET", `/v2/one/blobs/${sha256(layer)}`);
  asked();
  assert.equal(await (await send(mirror, "GET", `/v2/two/blobs/${sha256(layer)}`)).text(), layer);
  assert.equal(await (await send(mirror, "GET", `/v2/two/manifests/${digest}`)).text(), manifest);
  assert.deepEqual(asked(), [`HEAD two/blobs/${sha256(layer)}`, `HEAD two/manifests/${digest}`]);
  // Known from now on.
  assert.equal(await statusOf(mirror, "GET", `/v2/two/blobs/${sha256(layer)}`), 200);
  assert.equal(await statusOf(mirror, "HEAD", `/v2/two/manifests/${digest}`), 200);
  assert.deepEqual(asked(), []);
});

test("a blob that no manifest has named is asked for by its digest, where that can be", async () => {
  const { origin, mirror, asked } = mirrored();
  const digest = await pushBlob(origin, "demo", "hello");
  assert.equal(await (await send(mirror, "GET", `/v2/demo/blobs/${digest}`)).text(), "hello");
  assert.deepEqual(asked(), [`HEAD demo/blobs/${digest}`, `GET demo/blobs/${digest}`]);
  const store = memoryStore();
  const blob = descriptorOf("", "hello");
  await store.push(blob, new TextEncoder().encode("hello"));
  const plain = proxyHandler(() => store, memoryStore());
  await refused(await send(plain, "GET", `/v2/demo/blobs/${digest}`), 404, "BLOB_UNKNOWN");
});

test("the client of lading copies through a mirror, and again when the upstream is gone", async () => {
  const { origin, mirror, rules, settled } = mirrored();
  const index = await randomIndex("seed", { layers: 2 });
  const from = new Registry("origin.test", { transport: origin }).repository("acme/app");
  await index.pushTo(from, "1");
  for (const isDown of [false, true]) {
    if (isDown) rules.push(DOWN);
    const source = new Registry("mirror.test", { transport: mirror }).repository("acme/app");
    const target = memoryStore();
    const { descriptor } = await copy(source, "1", target, { platform: "all" });
    assert.equal(descriptor.digest, index.descriptor.digest);
    assert.equal((await target.resolve("1")).digest, index.descriptor.digest);
  }
  await settled();
});

test("what a mirror has kept, a registry serves without an upstream", async () => {
  const { origin, mirror, cache, settled } = mirrored();
  const { layer, digest } = await pushImage(origin, "acme/app", "1", "x");
  await statusOf(mirror, "GET", "/v2/acme/app/manifests/1");
  await (await send(mirror, "GET", `/v2/acme/app/blobs/${sha256(layer)}`)).text();
  await settled();
  const registry = registryHandler(cache, { readOnly: true });
  const answer = await send(registry, "HEAD", "/v2/acme/app/manifests/1");
  assert.equal(answer.headers.get("docker-content-digest"), digest);
  const blob = await send(registry, "GET", `/v2/acme/app/blobs/${sha256(layer)}`);
  assert.equal(await blob.text(), layer);
});

test("an upstream with nothing but the least that a source has is enough", async () => {
  const store = memoryStore();
  const { manifest, config, layer } = imageParts("x");
  for (const [type, text] of [["", config], ["", layer], [OCI_MANIFEST, manifest]] as const) {
    await store.push(descriptorOf(type, text), new TextEncoder().encode(text));
  }
  await store.tag(descriptorOf(OCI_MANIFEST, manifest), "1");
  const mirror = proxyHandler(() => ({
    exists: (target) => store.exists(target),
    fetch: (target, options) => store.fetch(target, options),
    resolve: (reference) => store.resolve(reference),
  }), memoryStore());
  assert.equal(await (await send(mirror, "GET", "/v2/demo/manifests/1")).text(), manifest);
  assert.equal(await (await send(mirror, "GET", `/v2/demo/blobs/${sha256(layer)}`)).text(), layer);
  assert.equal(await codeOf(await send(mirror, "GET", "/v2/demo/manifests/2")), "MANIFEST_UNKNOWN");
});

test("a signed manifest of schema 1 passes, and is not kept", async () => {
  const raw = JSON.stringify({ schemaVersion: 1, name: "demo", signatures: [{}] });
  const mediaType = "application/vnd.docker.distribution.manifest.v1+prettyjws";
  // Its digest is that of what was signed.
  const descriptor = { mediaType, digest: sha256("payload"), size: raw.length };
  const errors: unknown[] = [];
  const cache = memoryStore();
  const mirror = proxyHandler(
    () => ({
      exists: () => Promise.resolve(true),
      resolve: () => Promise.resolve(descriptor),
      fetch: () => Promise.resolve(new Response(raw).body as never),
    }),
    cache,
    { onError: (error) => errors.push(error) },
  );
  const answer = await send(mirror, "GET", "/v2/demo/manifests/1");
  assert.equal(await answer.text(), raw);
  assert.equal(answer.headers.get("content-type"), mediaType);
  assert.equal(await cache.exists(descriptor), false);
  assert.deepEqual(errors, []);
});
