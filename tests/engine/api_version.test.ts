import { test } from "node:test";
import assert from "node:assert/strict";
import {
  compareApiVersions,
  Engine,
  MAX_API_VERSION,
  negotiateApiVersion,
} from "../../lib/engine/mod.ts";
import { bytesOf, failure, json, recorded, scripted } from "./scripted.ts";

test("compareApiVersions() compares numbers: 1.10 is newer than 1.9", () => {
  assert.ok(compareApiVersions("1.10", "1.9") > 0);
  assert.ok(compareApiVersions("1.24", "1.41") < 0);
  assert.ok(compareApiVersions("2.0", "1.99") > 0);
  assert.equal(compareApiVersions("1.41", "1.41"), 0);
  assert.throws(() => compareApiVersions("1", "1.41"), TypeError);
});

test("negotiateApiVersion() takes the older of the two newest, and refuses what is too old", () => {
  assert.equal(negotiateApiVersion("1.41", "HEAD /_ping"), "1.41");
  assert.equal(negotiateApiVersion("1.99", "HEAD /_ping"), MAX_API_VERSION);
  assert.throws(() => negotiateApiVersion("1.23", "HEAD /_ping"), { code: "API_VERSION" });
});

test("an engine is asked for its version once, and spoken to in it", async () => {
  let pings = 0;
  const paths: string[] = [];
  const engine = new Engine({
    transport(request) {
      const { pathname } = new URL(request.url);
      paths.push(pathname);
      if (pathname === "/_ping") pings++;
      return Promise.resolve(
        pathname === "/_ping"
          ? new Response(null, { headers: { "api-version": "1.41" } })
          : json([]),
      );
    },
  });
  await engine.images.list();
  await engine.images.list();
  assert.equal(await engine.apiVersion(), "1.41");
  assert.equal(pings, 1);
  assert.deepEqual(paths, ["/_ping", "/v1.41/images/json", "/v1.41/images/json"]);
});

test("a version that is given is not asked for", async () => {
  const { engine, sent } = scripted(() => json([]), { apiVersion: "1.30", speaks: "1.41" });
  assert.equal(await engine.apiVersion(), "1.30");
  await engine.images.list();
  assert.equal(sent[0]?.version, "1.30");
  assert.throws(() => scripted(() => json([]), { apiVersion: "latest" }), TypeError);
});

test("engines without HEAD /_ping are asked by GET, and behind proxies by /version", async () => {
  const methods: string[] = [];
  const engine = new Engine({
    transport(request) {
      const { pathname } = new URL(request.url);
      methods.push(`${request.method} ${pathname}`);
      if (request.method === "HEAD") return Promise.resolve(new Response(null, { status: 404 }));
      if (pathname === "/_ping") return Promise.resolve(new Response("OK"));
      return Promise.resolve(json({ ApiVersion: "1.38" }));
    },
  });
  assert.equal(await engine.apiVersion(), "1.38");
  assert.deepEqual(methods, ["HEAD /_ping", "GET /_ping", "GET /version"]);
});

test("ping() tells what the recorded engine says of itself", async () => {
  for (const name of ["ping", "ping-head"]) {
    const reply = await recorded(name);
    const { headers } = reply;
    const engine = new Engine({
      transport: () => Promise.resolve(new Response(null, { headers })),
    });
    assert.deepEqual(await engine.ping(), {
      apiVersion: "1.41",
      os: "linux",
      builderVersion: "",
      isExperimental: false,
      server: "Docker/20.10.24+dfsg1 (linux)",
    }, name);
  }
});

test("what an engine is too old for is refused before it is asked", async () => {
  const { engine, sent } = scripted(() => json([]));
  const { images } = engine;
  const platform = "linux/arm64";
  const cases: readonly [string, string, () => PromiseLike<unknown>][] = [
    ["inspect, platform", "1.49", () => images.get("a", { platform })],
    ["inspect, manifests", "1.48", () => images.get("a", { manifests: true })],
    ["history", "1.48", () => images.history("a", { platform })],
    ["list, manifests", "1.47", () => images.list({ manifests: true })],
    ["list, identity", "1.54", () => images.list({ manifests: true, identity: true })],
    ["list, shared size", "1.42", () => images.list({ sharedSize: true })],
    ["push", "1.46", () => images.push("a", { platform })],
    ["load", "1.48", () => images.load(new Uint8Array(), { platform })],
    [
      "load, several",
      "1.52",
      () => images.load(new Uint8Array(), { platform: [platform, "amd64"] }),
    ],
    ["save", "1.48", () => bytesOf(images.save("a", { platform }))],
    ["remove", "1.50", () => images.remove("a", { platforms: [platform] })],
    ["attestations", "1.55", () => images.attestations("a")],
    ["prune builds", "1.48", () => images.pruneBuilds({ minFreeSpace: 1 })],
  ];
  for (const [name, needed, work] of cases) {
    const error = await failure(work());
    assert.equal(error["code"], "API_VERSION", name);
    assert.equal(error["needed"], needed, name);
    assert.equal(error["apiVersion"], "1.41", name);
    assert.match(
      String(error["message"]),
      new RegExp(`needs version ${needed} .* speaks 1.41`),
      name,
    );
  }
  assert.deepEqual(sent, []);
});

test("old gates hold as well: pruning, distribution and platforms of pulls", async () => {
  const { engine, sent } = scripted(() => json({}), { speaks: "1.24" });
  const cases = [
    () => engine.images.prune(),
    () => engine.images.pruneBuilds(),
    () => engine.images.distribution("a"),
    () => engine.images.pull("a", { platform: "linux/arm64" }),
    () => engine.images.import(new Uint8Array(), { message: "x" }),
  ];
  for (const work of cases) assert.equal((await failure(work()))["code"], "API_VERSION");
  assert.deepEqual(sent, []);
});

test("an engine that was replaced by an older one is spoken to anew", async () => {
  const { engine, sent } = scripted(({ version }) =>
    version === "1.41"
      ? json(
        { message: "client version 1.41 is too new. Maximum supported API version is 1.39" },
        { status: 400, headers: { "content-type": "application/json", "api-version": "1.39" } },
      )
      : json([])
  );
  assert.deepEqual(await engine.images.list(), []);
  assert.deepEqual(sent.map(({ version }) => version), ["1.41", "1.39"]);
  assert.equal(await engine.apiVersion(), "1.39");
});

test("a version that nobody has in common is an ApiVersionError in the engine's own words", async () => {
  for (const name of ["api-too-new", "api-too-old"]) {
    const reply = await recorded(name);
    const { engine } = scripted(() => reply, { apiVersion: "1.99" });
    const error = await failure(engine.images.list());
    assert.equal(error["code"], "API_VERSION", name);
    assert.match(String(error["message"]), /client version \d+\.\d+ is too (new|old)/, name);
  }
});
