import { test } from "node:test";
import assert from "node:assert/strict";
import { AuthenticationError, RegistryError } from "../../lib/model/errors.ts";
import { proxyHandler } from "../../lib/server/mod.ts";
import { memoryStore } from "../../lib/store/memory_store.ts";
import type { Fault } from "../../lib/testing/faulty_transport.ts";
import {
  descriptorOf,
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
  sha256,
  statusOf,
} from "./client.ts";
import { DOWN, mirrored } from "./mirrored.ts";

function status(status: number, headers: Record<string, string> = {}): Fault {
  return { kind: "status", status, headers };
}

test("a tag that the cache has is served while the upstream cannot be asked", async () => {
  for (const fault of [DOWN.fault, status(429), status(500), status(503)]) {
    const { origin, mirror, rules, events, errors, again } = mirrored();
    const { manifest, digest } = await pushImage(origin, "demo", "1", "x");
    await statusOf(mirror, "GET", "/v2/demo/manifests/1");
    rules.push({ fault });
    // Also by a mirror that was started again meanwhile.
    for (const handler of [mirror, again()]) {
      const answer = await send(handler, "GET", "/v2/demo/manifests/1");
      assert.equal(await answer.text(), manifest);
      const event = events.pop();
      assert.equal(event?.type, "stale");
      assert.equal(event?.type === "stale" && `${event.repository}:${event.tag}`, "demo:1");
      assert.equal(event?.descriptor.digest, digest);
      assert.ok(errors.pop() instanceof RegistryError);
    }
  }
});

test("what the upstream says counts more than what the cache has", async () => {
  for (
    const [given, status, code] of [
      [404, 404, "MANIFEST_UNKNOWN"],
      [401, 403, "DENIED"],
      [403, 403, "DENIED"],
    ] as const
  ) {
    const { origin, mirror, rules, events } = mirrored();
    await pushImage(origin, "demo", "1", "x");
    await statusOf(mirror, "GET", "/v2/demo/manifests/1");
    rules.push({ fault: { kind: "status", status: given } });
    const answer = await send(mirror, "GET", "/v2/demo/manifests/1");
    assert.equal(answer.headers.get("www-authenticate"), null);
    await refused(answer, status, code, String(given));
    assert.deepEqual(events, []);
  }
});

test("content that the cache has is served while the upstream is down, by digest", async () => {
  const { origin, mirror, rules, asked, again } = mirrored();
  const { layer, manifest, digest } = await pushImage(origin, "demo", "1", "x");
  await statusOf(mirror, "GET", "/v2/demo/manifests/1");
  await (await send(mirror, "GET", `/v2/demo/blobs/${sha256(layer)}`)).text();
  rules.push(DOWN);
  asked();
  for (const handler of [mirror, again()]) {
    const blob = await send(handler, "GET", `/v2/demo/blobs/${sha256(layer)}`);
    assert.equal(await blob.text(), layer);
    const answer = await send(handler, "GET", `/v2/demo/manifests/${digest}`);
    assert.equal(await answer.text(), manifest);
  }
  assert.deepEqual(asked(), []);
});

test("what the upstream fails at, and the cache has not got, is said in the registry's words", async () => {
  const failures: readonly (readonly [Fault, number, string])[] = [
    [{ kind: "refuse" }, 502, "UNAVAILABLE"],
    [status(500), 502, "UNAVAILABLE"],
    [status(503, { "retry-after": "7" }), 502, "UNAVAILABLE"],
    [status(400), 502, "UNAVAILABLE"],
    [status(429, { "retry-after": "7" }), 429, "TOOMANYREQUESTS"],
    [status(403), 403, "DENIED"],
    [status(401, { "www-authenticate": 'Basic realm="secret realm"' }), 403, "DENIED"],
  ];
  for (const [fault, status, code] of failures) {
    for (
      const path of [
        "demo/manifests/1",
        `demo/manifests/${sha256("x")}`,
        `demo/blobs/${sha256("x")}`,
        "demo/tags/list",
        `demo/referrers/${sha256("x")}`,
      ]
    ) {
      // A server that answers 400 is taken for one without the API for referrers.
      if (path.includes("referrers") && JSON.stringify(fault).includes("400")) continue;
      const { mirror, rules, errors } = mirrored();
      rules.push({ fault });
      const answer = await send(mirror, "GET", `/v2/${path}`);
      const what = `${JSON.stringify(fault)} ${path}`;
      if ("headers" in fault && "retry-after" in (fault.headers ?? {})) {
        assert.equal(answer.headers.get("retry-after"), "7", what);
      }
      assert.equal(answer.headers.get("www-authenticate"), null, what);
      const text = await answer.clone().text();
      assert.doesNotMatch(text, /upstream\.test|secret|realm/, what);
      await refused(answer, status, code, what);
      assert.equal(errors.length, 1, what);
    }
  }
});

test("an upstream that does not answer in time is 504", async () => {
  const late = (name: string) => {
    const cause = Object.assign(new Error("too late"), { name });
    return new RegistryError("no answer of 10.0.0.9", { status: 0, method: "GET", url: "", cause });
  };
  for (const name of ["SilenceError", "TimeoutError"]) {
    const mirror = proxyHandler(() => {
      throw late(name);
    }, memoryStore());
    const answer = await send(mirror, "GET", "/v2/demo/manifests/1");
    assert.doesNotMatch(await answer.clone().text(), /10\.0\.0\.9/);
    await refused(answer, 504, "UNAVAILABLE");
  }
});

test("a proxy answers whatever its upstream throws", async () => {
  const told: unknown[] = [];
  const failure = new TypeError("fetch failed to secret.internal");
  const mirror = proxyHandler(
    () => {
      throw failure;
    },
    memoryStore(),
    { onError: (error, request) => told.push(error, request.url) },
  );
  const answer = await send(mirror, "GET", "/v2/demo/manifests/1");
  assert.doesNotMatch(await answer.clone().text(), /secret/);
  await refused(answer, 502, "UNAVAILABLE");
  assert.deepEqual(told, [failure, "http://registry.test/v2/demo/manifests/1"]);
});

test("credentials that the proxy lacks are not asked of its client", async () => {
  const mirror = proxyHandler(() => {
    throw new AuthenticationError("Cannot log in as admin", {
      status: 401,
      method: "GET",
      url: "https://upstream.test/",
      challenge: "Basic",
    });
  }, memoryStore());
  const answer = await send(mirror, "GET", "/v2/demo/manifests/1");
  assert.equal(answer.headers.get("www-authenticate"), null);
  assert.doesNotMatch(await answer.clone().text(), /admin|Basic|upstream\.test/);
  await refused(answer, 403, "DENIED");
});

test("a manifest that is not what it should be is neither answered nor kept", async () => {
  const { origin, mirror, rules, cache } = mirrored();
  const { digest, manifest } = await pushImage(origin, "demo", "1", "x");
  rules.push({ method: "GET", fault: { kind: "flip", offset: manifest.indexOf("sha256:") + 10 } });
  for (const reference of ["1", digest]) {
    const answer = await send(mirror, "GET", `/v2/demo/manifests/${reference}`);
    await refused(answer, 502, "UNAVAILABLE", reference);
  }
  assert.equal(await cache.exists(descriptorOf(OCI_MANIFEST, manifest)), false);
});

test("a manifest of an upstream that proves nothing is proved by the proxy", async () => {
  const { manifest, digest } = await pushImage(mirrored().origin, "demo", "1", "x");
  const descriptor = descriptorOf(OCI_MANIFEST, manifest);
  const cache = memoryStore();
  const mirror = proxyHandler(() => ({
    exists: () => Promise.resolve(true),
    resolve: () => Promise.resolve(descriptor),
    fetch: () => Promise.resolve(new Response(manifest.replace("sha256", "sha512")).body as never),
  }), cache);
  const answer = await send(mirror, "GET", `/v2/demo/manifests/${digest}`);
  await refused(answer, 502, "UNAVAILABLE");
  assert.equal(await cache.exists(descriptor), false);
});

test("a manifest that lies about the size of its parts does not spoil them for others", async () => {
  for (const length of [10, 300_000]) {
    const { origin, mirror, settled } = mirrored();
    const layer = noise(length);
    const digest = await pushBlob(origin, "demo", layer);
    const { config, manifest } = await pushImage(origin, "demo", "good", "x");
    const lie = JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: descriptorOf(OCI_CONFIG, config),
      layers: [{ ...descriptorOf(OCI_LAYER, layer), size: length + 1 }],
    });
    const child = { ...descriptorOf(OCI_MANIFEST, manifest), size: 5 };
    const index = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [child] });
    assert.equal((await putManifest(origin, "demo", "lie", lie)).status, 201);
    assert.equal((await putManifest(origin, "demo", "index", index, OCI_INDEX)).status, 201);
    for (const tag of ["lie", "index"]) await statusOf(mirror, "GET", `/v2/demo/manifests/${tag}`);
    for (const path of [`blobs/${digest}`, `manifests/${child.digest}`]) {
      const first = await send(mirror, "GET", `/v2/demo/${path}`);
      if (first.status === 200) await assert.rejects(first.arrayBuffer());
      else assert.equal(first.status, 502);
      await settled();
      const second = await send(mirror, "GET", `/v2/demo/${path}`);
      assert.equal(second.status, 200, path);
      const bytes = new Uint8Array(await second.arrayBuffer());
      assert.equal(sha256(bytes), path.replace(/^.*\//, ""));
    }
  }
});

test("a tag of the cache is served whatever an upstream throws that is no registry's", async () => {
  const { origin, registry } = mirrored();
  const { manifest } = await pushImage(origin, "demo", "1", "x");
  let isDown = false;
  const mirror = proxyHandler((name) => {
    const repository = registry.repository(name);
    const resolve = () => Promise.reject(new TypeError("fetch failed"));
    return isDown ? { exists: resolve, fetch: resolve, resolve } : repository;
  }, memoryStore());
  await statusOf(mirror, "GET", "/v2/demo/manifests/1");
  isDown = true;
  assert.equal(await (await send(mirror, "GET", "/v2/demo/manifests/1")).text(), manifest);
});

test("a blob that an upstream without more powers fails at once is still known", async () => {
  const { origin, registry } = mirrored();
  const { layer } = await pushImage(origin, "demo", "1", "x");
  const repository = registry.repository("demo");
  let failures = 1;
  const mirror = proxyHandler(() => ({
    exists: (target) => repository.exists(target),
    resolve: (reference) => repository.resolve(reference),
    fetch: (target, options) =>
      target.digest === sha256(layer) && failures-- > 0
        ? Promise.reject(new TypeError("fetch failed"))
        : repository.fetch(target, options),
  }), memoryStore());
  await statusOf(mirror, "GET", "/v2/demo/manifests/1");
  const path = `/v2/demo/blobs/${sha256(layer)}`;
  await refused(await send(mirror, "GET", path), 502, "UNAVAILABLE");
  assert.equal(await (await send(mirror, "GET", path)).text(), layer);
});
