import { test } from "node:test";
import assert from "node:assert/strict";
import { staticCredentials } from "../../lib/auth/mod.ts";
import { readAll } from "../../lib/bytes/mod.ts";
import { Engine } from "../../lib/engine/mod.ts";
import { ApiVersionError } from "../../lib/model/errors.ts";
import type { Transport } from "../../lib/model/transport.ts";
import { dockerArchive, memoryStore } from "../../lib/store/mod.ts";
import { readTar, writeTar } from "../../lib/tar/mod.ts";
import {
  type FakeEngine,
  fakeEngine,
  type FakeEngineOptions,
  memoryRegistry,
  randomImage,
  randomIndex,
} from "../../lib/testing/mod.ts";
import { failure, utf8 } from "../engine/scripted.ts";

const LIMITS = { maxBytes: 16 * 1024 * 1024, what: "the archive" };

function faked(options: FakeEngineOptions = {}): FakeEngine & { readonly engine: Engine } {
  const fake = fakeEngine(options);
  return { ...fake, engine: new Engine({ transport: fake.transport }) };
}

test("fakeEngine() has the images of its store, and takes down what it was asked", async () => {
  const store = memoryStore();
  const image = await randomImage("stored");
  const index = await randomIndex("stored");
  await image.pushTo(store, "acme/app:1");
  await image.pushTo(store, "docker.io/library/app");
  await index.pushTo(store, "multi:1");
  await (await randomImage("elsewhere", { platform: { os: "linux", architecture: "arm64" } }))
    .pushTo(store, "arm:1");
  const { engine, requests } = faked({ store });
  const found = await engine.images.get("app");
  assert.equal(found.id, image.manifest.config.digest);
  assert.deepEqual(found.tags, ["acme/app:1", "app:latest"]);
  assert.equal((await engine.images.get("multi:1")).id, index.images[0]?.manifest.config.digest);
  assert.equal((await engine.images.get("arm:1")).platform.architecture, "arm64");
  // Layers come out as engines have them: uncompressed.
  const archive = dockerArchive(await readAll(engine.images.save("acme/app:1"), LIMITS));
  const manifest = await archive.resolve("acme/app:1");
  const raw = await readAll(await archive.fetch(manifest), LIMITS);
  const { layers } = JSON.parse(new TextDecoder().decode(raw)) as typeof image.manifest;
  assert.deepEqual(layers.map(({ digest }) => digest), image.config.rootfs.diff_ids);
  await archive.close();
  assert.deepEqual(requests.map(({ method, path, status }) => `${method} ${path} ${status}`), [
    "HEAD /_ping 200",
    "GET /v1.41/images/app/json 200",
    "GET /v1.41/images/multi:1/json 200",
    "GET /v1.41/images/arm:1/json 200",
    "GET /v1.41/images/get?names=acme%2Fapp%3A1 200",
  ]);
});

test("fakeEngine() changes its store: names and content come and go there", async () => {
  const { engine, store } = faked();
  const tree = await readAll(writeTar([{ path: "a", body: utf8("a") }]), LIMITS);
  const { id } = await engine.images.import(tree, { name: "app:1" });
  const descriptor = await store.resolve("app:1");
  assert.ok(await store.exists(descriptor));
  await engine.images.remove("app:1");
  await assert.rejects(store.resolve("app:1"));
  assert.equal(await store.exists(descriptor), false);
  assert.equal(await store.exists({ mediaType: "", digest: id, size: 0 }), false);
});

test("fakeEngine() runs its images where it is told to", async () => {
  const { transport: network, store, host } = memoryRegistry();
  const index = await randomIndex("platform");
  await index.pushTo(store, "app:1");
  const { engine } = faked({
    network,
    platform: { os: "linux", architecture: "arm64" },
    now: () => new Date(86_400_000),
  });
  const image = await engine.images.pull(`${host}/app:1`);
  assert.equal(image.platform.architecture, "arm64");
  assert.equal((await engine.version()).architecture, "arm64");
  const built = await engine.images.build({ dockerfile: "FROM scratch\nLABEL a=b\n" });
  assert.equal(built.platform.architecture, "arm64");
  assert.equal(built.created?.toISOString(), "1970-01-02T00:00:00.000Z");
});

test("fakeEngine() speaks older versions of the API, and none that it does not know", async () => {
  const { engine, requests } = faked({ apiVersion: "1.29" });
  await engine.images.list({ name: "app" });
  assert.ok(requests.at(-1)?.path.startsWith("/v1.29/images/json?"), requests.at(-1)?.path);
  assert.ok(await failure(engine.images.distribution("app")) instanceof ApiVersionError);
  const narrow = fakeEngine({ minAPIVersion: "1.40" });
  const pinned = new Engine({ transport: narrow.transport, apiVersion: "1.30" });
  // What is too old is said by the engine, and the next version tried.
  await pinned.images.list().catch((error) => assert.ok(error instanceof ApiVersionError));
  assert.equal(narrow.requests[0]?.status, 400);
  for (const apiVersion of ["1.42", "1.11", "x"]) {
    assert.throws(() => fakeEngine({ apiVersion }), RangeError, apiVersion);
  }
});

test("fakeEngine() finds what it was told is there to find", async () => {
  const { engine } = faked({
    searchable: [
      { name: "busybox", description: "small", star_count: 9, is_official: true },
      { name: "acme/busybox", star_count: 1 },
      { name: "other" },
    ],
  });
  const found = await engine.images.search("busybox");
  assert.deepEqual(found, [
    { name: "busybox", description: "small", stars: 9, isOfficial: true, isAutomated: false },
    { name: "acme/busybox", description: "", stars: 1, isOfficial: false, isAutomated: false },
  ]);
  assert.equal((await engine.images.search("busybox", { limit: 1 })).length, 1);
  const official = await engine.images.search("busybox", { filters: { "is-official": true } });
  assert.deepEqual(official.map(({ name }) => name), ["busybox"]);
  const liked = await engine.images.search("busybox", { filters: { stars: 5 } });
  assert.deepEqual(liked.map(({ name }) => name), ["busybox"]);
});

test("fakeEngine() without a network reaches nothing, and says so as engines do", async () => {
  const { engine } = faked();
  const words = /dial tcp: lookup registry\.test: no such host$/;
  for (
    const work of [
      engine.images.pull("registry.test/app:1"),
      engine.images.distribution("registry.test/app:1"),
      engine.login({ registry: "registry.test", username: "u", password: "p" }),
      engine.images.import({ url: "http://registry.test/a.tar" }),
      engine.images.build({ remote: "http://registry.test/a.tar" }),
    ]
  ) assert.match(String((await failure(work))["said"]), words);
});

/** A registry that wants a password. */
function guarded(registry: Transport, username: string): Transport {
  return async (request) => {
    const authorization = `Basic ${btoa(`${username}:secret`)}`;
    if (request.headers.get("authorization") === authorization) return await registry(request);
    const errors = [{ code: "UNAUTHORIZED", message: "authentication required" }];
    return new Response(JSON.stringify({ errors }), {
      status: 401,
      headers: {
        "www-authenticate": 'Basic realm="test"',
        "content-type": "application/json",
      },
    });
  };
}

test("fakeEngine() hands credentials on, for pulls, pushes, builds and logins", async () => {
  const { transport, store, host } = memoryRegistry();
  await (await randomImage("guarded")).pushTo(store, "app:1");
  const fake = fakeEngine({ network: guarded(transport, "me") });
  const basic = { kind: "basic", username: "me", password: "secret" } as const;
  const engine = new Engine({
    transport: fake.transport,
    credentials: staticCredentials(host, basic),
  });
  const nobody = new Engine({ transport: fake.transport });
  const name = `${host}/app:1`;
  const denied = await failure(nobody.images.pull(name));
  assert.equal(denied["status"], 500);
  assert.equal(denied["reason"], "authentication");
  assert.match(String(denied["said"]), /no basic auth credentials$/);
  const dockerfile = `FROM ${name}\nLABEL a=b\n`;
  assert.ok(await failure(nobody.images.build({ dockerfile })));
  assert.deepEqual((await engine.images.build({ dockerfile })).labels["a"], "b");
  await engine.images.pull(name);
  await engine.images.tag(name, `${host}/copy:1`);
  const { digest } = await engine.images.push(`${host}/copy:1`);
  assert.equal((await engine.images.distribution(`${host}/copy:1`)).id, digest);
  assert.ok(await failure(nobody.images.push(`${host}/copy:1`)));
  const login = { registry: host, username: "me", password: "secret" };
  assert.equal((await nobody.login(login)).status, "Login Succeeded");
  const wrong = await failure(nobody.login({ ...login, password: "wrong" }));
  assert.equal(wrong["reason"], "authentication");
});

test("fakeEngine() downloads what imports and builds name", async () => {
  const tree = await readAll(
    writeTar([{ path: "Dockerfile", body: utf8("FROM scratch\nADD http://files.test/x /x\n") }]),
    LIMITS,
  );
  const files: Readonly<Record<string, Uint8Array<ArrayBuffer>>> = {
    "/tree.tar": tree,
    "/x": utf8("12345"),
    "/Dockerfile": utf8("FROM scratch\nLABEL from=text\n"),
  };
  const network: Transport = (request) => {
    const file = files[new URL(request.url).pathname];
    return Promise.resolve(new Response(file ?? null, { status: file === undefined ? 404 : 200 }));
  };
  const { engine } = faked({ network });
  const imported = await engine.images.import({ url: "http://files.test/tree.tar" });
  assert.equal(imported.attrs["Comment"], "Imported from http://files.test/tree.tar");
  const built = await engine.images.build({ remote: "http://files.test/tree.tar" });
  assert.equal(built.size, 5);
  const text = await engine.images.build({ remote: "http://files.test/Dockerfile" });
  assert.deepEqual(text.labels, { from: "text" });
  assert.ok(await failure(engine.images.import({ url: "http://files.test/nosuch" })));
});

test("fakeEngine() says what it does not build", async () => {
  const { engine } = faked();
  for (
    const [line, words] of [
      ["RUN make", /runs no containers.*RUN make/],
      ["COPY --from=one a /", /not from other stages/],
      ["HEALTHCHECK NONE", /does not know HEALTHCHECK/],
      ["COPY --chown=me Dockerfile /", /owners by their numbers/],
    ] as const
  ) {
    const error = await failure(engine.images.build({ dockerfile: `FROM scratch\n${line}\n` }));
    assert.equal(error["code"], "BUILD_FAILED");
    assert.match(String(error["said"]), words);
  }
  const kit = engine.images.build({ dockerfile: "FROM scratch\nLABEL a=b\n" }, { version: 2 });
  assert.match(String((await failure(kit))["said"]), /no BuildKit/);
});

test("fakeEngine() copies into images what Dockerfiles say", async () => {
  const { engine, store } = faked();
  const inner = await readAll(writeTar([{ path: "in/x", body: utf8("x") }]), LIMITS);
  const entries = [
    {
      path: "Dockerfile",
      body: "FROM scratch\nARG to=/opt\nENV D=${to:-/none}\nWORKDIR /srv\nCOPY *.txt $D/\n" +
        'COPY ["a.txt", "b c"]\nCOPY --chown=5:6 dir target\nADD inner.tar /unpacked\nCOPY . /all/\n',
    },
    { path: "a.txt", body: "a" },
    { path: "b.txt", body: "b", mode: 0o755 },
    { path: "dir/sub/file", body: "deep" },
    { path: "dir/link", type: "symlink" as const, linkPath: "sub/file" },
    { path: "inner.tar", body: inner, size: inner.length },
  ];
  await engine.images.build({ entries }, { tags: "app:1", buildArgs: { to: "/opt" } });
  const paths: string[][] = [];
  const archive = dockerArchive(await readAll(engine.images.save("app:1"), LIMITS));
  const { layers } = JSON.parse(new TextDecoder().decode(
    await readAll(await archive.fetch(await archive.resolve("")), LIMITS),
  )) as { readonly layers: readonly Parameters<typeof store.fetch>[0][] };
  for (const layer of layers) {
    const found: string[] = [];
    for await (const { path, type, uid, mode } of readTar(await archive.fetch(layer))) {
      if (type !== "directory") found.push(`${path} ${type} ${uid} ${mode.toString(8)}`);
    }
    paths.push(found.sort());
  }
  await archive.close();
  assert.deepEqual(paths.slice(0, 4), [
    ["opt/a.txt file 0 644", "opt/b.txt file 0 755"],
    ["srv/b c file 0 644"],
    ["srv/target/link symlink 5 644", "srv/target/sub/file file 5 644"],
    ["unpacked/in/x file 0 644"],
  ]);
  assert.ok(paths[4]?.includes("all/dir/sub/file file 0 644"));
});

test("fakeEngine() ends its work when nobody waits for it any more", async () => {
  const { transport, store, host } = memoryRegistry();
  await (await randomImage("waiting")).pushTo(store, "app:1");
  let aborted: unknown;
  let begin = (): void => {};
  const begun = new Promise<void>((resolve) => begin = resolve);
  const network: Transport = (request) => {
    if (!request.url.includes("/blobs/")) return transport(request);
    return new Promise((_, reject) => {
      begin();
      request.signal.addEventListener("abort", () => {
        aborted = request.signal.reason;
        reject(request.signal.reason);
      }, { once: true });
    });
  };
  const { engine } = faked({ network });
  const reason = new Error("enough");
  const pull = engine.images.pull(`${host}/app:1`);
  await begun;
  pull.abort(reason);
  assert.equal(await failure(pull), reason);
  for (let i = 0; i < 100 && aborted === undefined; i++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.notEqual(aborted, undefined);
  assert.deepEqual(await engine.images.list({ all: true }), []);
});
