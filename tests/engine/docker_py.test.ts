// What docker-py's own tests hold it to and no other test here does; the whole table is in
// tests/tools/behaviours/docker_py.ts.
import { test } from "node:test";
import assert from "node:assert/strict";
import {
  type CredentialRequest,
  dockerConfigCredentials,
  hostOfKey,
  parseDockerConfig,
} from "../../lib/auth/mod.ts";
import { Engine } from "../../lib/engine/mod.ts";
import { readAll } from "../../lib/bytes/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import {
  ImageNotFoundError,
  InvalidPlatformError,
  InvalidReferenceError,
} from "../../lib/model/errors.ts";
import { familiarName, parseReference } from "../../lib/model/reference.ts";
import { writeTar } from "../../lib/tar/mod.ts";
import {
  type FakeEngine,
  fakeEngine,
  type FakeEngineOptions,
  memoryRegistry,
  randomImage,
  randomIndex,
} from "../../lib/testing/mod.ts";
import { answering, chunks, DIGEST, failure, json, messages, scripted, utf8 } from "./scripted.ts";

interface Faked extends FakeEngine {
  readonly engine: Engine;
}

function faked(options: FakeEngineOptions = {}): Faked {
  const fake = fakeEngine(options);
  return { ...fake, engine: new Engine({ transport: fake.transport }) };
}

const LIMITS = { maxBytes: 16 * 1024 * 1024, what: "the archive" };

async function treeOf(...names: readonly string[]): Promise<Bytes> {
  return await readAll(writeTar(names.map((path) => ({ path, body: utf8(path) }))), LIMITS);
}

test("names stand in paths as they are", async () => {
  const { engine, sent } = answering(() => json([]));
  const names = ["username/image", "r.test:5000/a/b:1", `r.test/a@${DIGEST}`, "image_name-1.2"];
  for (const name of names) await engine.images.history(name);
  assert.deepEqual(sent.map(({ path }) => path), names.map((name) => `/images/${name}/history`));
});

test("the name of the client is lading's, or what it was given", async () => {
  const given = answering(() => json([]), { headers: { "User-Agent": "acme/1" } });
  await given.engine.images.list();
  const own = answering(() => json([]));
  await own.engine.images.list();
  const [theirs, ours] = [given, own].map(({ sent }) => sent[0]?.headers.get("user-agent"));
  // Browsers keep the name to themselves.
  if (theirs === null && ours === null) return;
  assert.equal(theirs, "acme/1");
  assert.match(ours ?? "", /^lading\//);
});

test("an answer in one piece is as good as one in many", async () => {
  const lines = '{"stream":"Loaded image: app:1\\n"}\r\n{"stream":"Loaded image: app:2\\n"}\r\n';
  const { engine } = scripted(({ path }) =>
    path === "/images/load"
      ? new Response(lines, { headers: { "content-type": "application/json" } })
      : json({ Id: `sha256:${"5f".repeat(32)}` })
  );
  const { names } = await engine.images.load(utf8("archive"));
  assert.deepEqual(names, ["app:1", "app:2"]);
});

test("bytes that are no UTF-8 are replaced, and the rest is whole", async () => {
  const { engine } = scripted(({ path }) =>
    path === "/images/load"
      ? new Response(chunks(
        '{"stream":"a',
        new Uint8Array([0xed, 0xf3]),
        new Uint8Array([0xf3]),
        'z\\n"}{"stream":"Loaded image: app:1\\n"}',
      ))
      : json({ Id: `sha256:${"5f".repeat(32)}` })
  );
  const load = engine.images.load(utf8("archive"));
  const texts: string[] = [];
  for await (const event of load) if (event.type === "log") texts.push(event.text);
  assert.equal(texts[0], "a\u{FFFD}\u{FFFD}\u{FFFD}z\n");
});

test("filters of every kind are lists of texts", async () => {
  const { engine, sent } = answering(() => json([]));
  for (
    const filters of [
      { dangling: true },
      { dangling: "true" },
      { stars: 3 },
      { label: ["a", "b=c"] },
      { label: "a", dangling: false },
      {},
    ]
  ) await engine.images.list({ filters });
  const written = sent.map(({ query }) => query.find(([key]) => key === "filters")?.[1]);
  assert.deepEqual(written, [
    '{"dangling":["true"]}',
    '{"dangling":["true"]}',
    '{"stars":["3"]}',
    '{"label":["a","b=c"]}',
    '{"label":["a"],"dangling":["false"]}',
    undefined,
  ]);
});

test("names fall into repository and tag, and a tag of its own goes first", async () => {
  for (
    const [name, repository, tag, own] of [
      ["root", "root", "latest", undefined],
      ["root:tag", "root", "tag", undefined],
      ["user/repo", "user/repo", "latest", undefined],
      ["user/repo:tag", "user/repo", "tag", undefined],
      ["url.test:5000/repo", "url.test:5000/repo", "latest", undefined],
      ["url.test:5000/repo:tag", "url.test:5000/repo", "tag", undefined],
      [`root@${DIGEST}`, "root", DIGEST, undefined],
      [`user/repo@${DIGEST}`, "user/repo", DIGEST, undefined],
      [`url.test:5000/repo@${DIGEST}`, "url.test:5000/repo", DIGEST, undefined],
      ["repo:one", "repo", "two", "two"],
      ["repo", "repo", DIGEST, DIGEST],
    ] as const
  ) {
    const { engine, sent } = scripted(({ method }) =>
      method === "POST" ? messages({ status: "Status: done" }) : json({ Id: "sha256:1" })
    );
    await engine.images.pull(name, { tag: own });
    const { query = [] } = sent[0] ?? {};
    assert.deepEqual(query.map(([key]) => key), ["fromImage", "tag"], name);
    const [image = "", wanted] = query.map(([, value]) => value);
    assert.equal(familiarName(parseReference(image)), repository, name);
    assert.equal(wanted, tag, name);
  }
});

test("which 404 is a missing image, and which is something else", async () => {
  const said = [
    "no such image: app: No such image: app:latest",
    "repository app not found: does not exist or no pull access",
    "repository does not exist or may require 'docker login'",
    "image with reference app was found but does not match the specified platform: wanted arm64",
    "image with reference app was found but its platform (linux/amd64) does not match the specified",
  ];
  for (const message of said) {
    const { engine } = answering(() => json({ message }, { status: 404 }));
    const error = await failure(engine.images.get("app"));
    assert.ok(error instanceof ImageNotFoundError, message);
    assert.equal(error.status, 404);
    assert.equal(error.said, message);
  }
  const { engine } = answering(() => json({ message: "page not found" }, { status: 404 }));
  const error = await failure(engine.request({ path: "/nosuch" }));
  assert.ok(!(error instanceof ImageNotFoundError));
  assert.equal(error["status"], 404);
});

test("a platform that is none is refused before the engine is asked", async () => {
  const { engine, requests } = faked();
  for (const platform of ["foobar/x/y/z/a", "linux//v7", ""]) {
    // What is wrong with an argument may be told at once.
    const error = await failure((async () => await engine.images.pull("app:1", { platform }))());
    assert.ok(error instanceof InvalidPlatformError, `${platform}: ${error}`);
  }
  assert.deepEqual(requests.filter(({ path }) => path !== "/_ping"), []);
});

test("a name and the same with latest find the same image", async () => {
  const { engine } = faked();
  await engine.images.import(await treeOf("a"), { name: "alpine" });
  await engine.images.import(await treeOf("b"), { name: "other" });
  for (const name of ["alpine", "alpine:latest"]) {
    const found = await engine.images.list({ name });
    assert.deepEqual(found.map(({ tags }) => tags), [["alpine:latest"]], name);
  }
});

test("a name that was taken away finds the image no more, and others do", async () => {
  const { engine } = faked();
  const image = await engine.images.import(await treeOf("a"), { name: "some/repo:1" });
  await image.tag("other/repo:1");
  await engine.images.remove("some/repo:1");
  assert.deepEqual(await engine.images.list({ name: "some/repo" }), []);
  const [left] = await engine.images.list({ name: "other/repo" });
  assert.equal(left?.id, image.id);
  await image.reload();
  assert.deepEqual(image.tags, ["other/repo:1"]);
});

test("bytes of an import are bytes, whatever they spell", async () => {
  const { engine, requests } = faked();
  const error = await failure(engine.images.import(utf8("http://r.test/a.tar")));
  assert.equal(error["code"], "LOAD_FAILED");
  assert.deepEqual(requests.map(({ path }) => path).filter((path) => path.includes("fromSrc")), [
    "/v1.41/images/create?fromSrc=-",
  ]);
});

test("names of archives come back: of the image, the first, one of them, or none", async () => {
  const { engine } = faked();
  const image = await engine.images.import(await treeOf("a"), { name: "app:1" });
  await image.tag("some/repo:2");
  // The handle knows the names of when it was made.
  assert.throws(() => image.save({ named: "some/repo:2" }), TypeError);
  await image.reload();
  for (
    const [named, expected] of [
      [false, [image.id]],
      [true, ["app:1"]],
      ["some/repo:2", ["some/repo:2"]],
    ] as const
  ) {
    const archive = await readAll(image.save({ named }), LIMITS);
    await engine.images.remove(image.id, { force: true });
    assert.deepEqual((await engine.images.load(archive)).names, expected);
    for (const name of ["app:1", "some/repo:2"]) await engine.images.tag(image.id, name);
  }
});

test("platforms of a registry are asked for as texts, objects, or as the engine is", async () => {
  const { transport: network, store, host } = memoryRegistry();
  const index = await randomIndex("platforms", {
    platforms: [
      { os: "linux", architecture: "amd64" },
      { os: "linux", architecture: "arm", variant: "v7" },
    ],
  });
  await index.pushTo(store, "acme/app:1");
  const { engine } = faked({ network });
  const data = await engine.images.distribution(`${host}/acme/app:1`);
  assert.equal(data.id, index.descriptor.digest);
  assert.equal(data.shortID, index.descriptor.digest.slice(0, 19));
  for (
    const [platform, has] of [
      ["linux/amd64", true],
      ["linux", true],
      ["amd64", true],
      ["linux/arm/v7", true],
      ["windows/amd64", false],
      ["linux/s390x", false],
      [{ os: "linux", architecture: "amd64" }, true],
      [{ os: "linux", architecture: "s390x" }, false],
    ] as const
  ) assert.equal(await data.hasPlatform(platform), has, JSON.stringify(platform));
  const bad = await failure(data.hasPlatform("linux/amd64/v1/more"));
  assert.ok(bad instanceof InvalidPlatformError);
  const image = await data.pull({ platform: "linux/arm/v7" });
  assert.equal(image.platform.architecture, "arm");
  assert.deepEqual(image.digests, [`${host}/acme/app@${data.id}`]);
});

test("the registry of a name is the one whose credentials are asked for", async () => {
  for (
    const [name, registry, repository] of [
      ["image", "docker.io", "library/image"],
      ["image.valid", "docker.io", "library/image.valid"],
      ["username/image", "docker.io", "username/image"],
      ["docker.io/image", "docker.io", "library/image"],
      ["index.docker.io/image", "docker.io", "library/image"],
      ["hostname:5000/image", "hostname:5000", "image"],
      ["hostname:5000/username/image", "hostname:5000", "username/image"],
      ["localhost/image", "localhost", "image"],
      ["localhost/username/image", "localhost", "username/image"],
      ["my.registry.net/image", "my.registry.net", "image"],
      ["my.registry.net:5000/image", "my.registry.net:5000", "image"],
    ] as const
  ) {
    const asked: CredentialRequest[] = [];
    const { engine } = scripted(
      ({ method }) =>
        method === "POST" ? messages({ status: "Status: done" }) : json({ Id: "sha256:1" }),
      {
        credentials: (request) => {
          asked.push(request);
          return Promise.resolve({ kind: "anonymous" });
        },
      },
    );
    await engine.images.pull(name);
    assert.equal(asked.length, 1, name);
    assert.equal(asked[0]?.registry, registry, name);
    assert.equal(asked[0]?.repository, repository, name);
  }
  const { engine, sent } = answering(() => json([]));
  for (const name of ["-gecko.com/image", "gecko.com-/image", "http://gecko.com/image"]) {
    assert.throws(() => engine.images.pull(name), InvalidReferenceError, name);
  }
  assert.deepEqual(sent, []);
});

const entryOf = (username: string): { readonly auth: string } => ({
  auth: btoa(`${username}:password`),
});

test("the entry of a registry is found under every spelling of it", async () => {
  const config = parseDockerConfig(JSON.stringify({
    auths: {
      "https://index.docker.io/v1/": entryOf("hub"),
      "my.registry.net": entryOf("private"),
      "http://legacy.registry.url/v1/": entryOf("legacy"),
    },
  }));
  const provider = dockerConfigCredentials(config);
  for (
    const [spelling, username] of [
      ["my.registry.net", "private"],
      ["my.registry.net/v1/", "private"],
      ["http://my.registry.net", "private"],
      ["http://my.registry.net/", "private"],
      ["http://my.registry.net/v1/", "private"],
      ["https://my.registry.net", "private"],
      ["https://my.registry.net/v1/", "private"],
      ["docker.io", "hub"],
      ["index.docker.io", "hub"],
      ["http://index.docker.io", "hub"],
      ["https://index.docker.io/v1/", "hub"],
      ["legacy.registry.url", "legacy"],
      ["http://legacy.registry.url/v1/", "legacy"],
      ["does.not.exist", undefined],
      ["https://does.not.exist/v1/", undefined],
    ] as const
  ) {
    const found = await provider({ registry: hostOfKey(spelling) });
    assert.equal(found.kind === "basic" ? found.username : undefined, username, spelling);
  }
});

test("odd configurations give what is good in them", async () => {
  const find = async (config: unknown, registry = "r.test"): Promise<unknown> =>
    await dockerConfigCredentials(parseDockerConfig(JSON.stringify(config)))({ registry });
  const nobody = { kind: "anonymous" };
  assert.deepEqual(await find({}), nobody);
  assert.deepEqual(await find({ detachKeys: "ctrl-q", auths: {} }), nobody);
  assert.deepEqual(await find({ HttpHeaders: { a: "b" }, unknown: { auths: 1 } }), nobody);
  assert.deepEqual(await find({ auths: { "r.test": {} } }), nobody);
  assert.deepEqual(await find({ auths: { "r.test": { email: "a@b" } } }), nobody);
  const utf = new TextEncoder().encode("ü:🔑:x");
  const auth = btoa(String.fromCharCode(...utf));
  assert.deepEqual(await find({ auths: { "r.test": { auth, email: null } } }), {
    kind: "basic",
    username: "ü",
    password: "🔑:x",
  });
  // An identity token goes before the password beside it.
  const both = { auth: btoa("u:p"), identitytoken: "token" };
  assert.deepEqual(await find({ auths: { "r.test": both } }), {
    kind: "identity-token",
    token: "token",
  });
  const broken = await failure(find({ auths: { "r.test": "text" } }));
  assert.equal(broken["code"], "INVALID_CONFIG");
  assert.deepEqual(await find({ auths: { "r.test": "text" } }, "other.test"), nobody);
});

test("only the registry in question is looked up, and only its helper can fail", async () => {
  const ran: string[] = [];
  const config = parseDockerConfig(JSON.stringify({
    auths: { "plain.test": entryOf("plain") },
    credsStore: "store",
    credHelpers: { "good.test": "good", "broken.test": "broken" },
  }));
  const credentials = dockerConfigCredentials(config, {
    helper: (program, verb, input) => {
      ran.push(`${program} ${verb} ${input}`);
      const isBroken = program === "docker-credential-broken";
      const stdout = program === "docker-credential-good"
        ? '{"ServerURL":"good.test","Username":"u","Secret":"s"}'
        : "credentials not found in native keychain\n";
      return Promise.resolve({
        code: program === "docker-credential-good" ? 0 : 1,
        stdout: isBroken ? "it is locked" : stdout,
        stderr: "",
      });
    },
  });
  const { store, transport } = memoryRegistry({ host: "good.test" });
  await (await randomImage("helped")).pushTo(store, "app:1");
  const fake = fakeEngine({ network: transport });
  const engine = new Engine({ transport: fake.transport, credentials });
  await engine.images.pull("good.test/app:1");
  assert.deepEqual(ran.splice(0), ["docker-credential-good get good.test"]);
  assert.deepEqual(await credentials({ registry: "plain.test" }), {
    kind: "basic",
    username: "plain",
    password: "password",
  });
  assert.deepEqual(ran.splice(0), ["docker-credential-store get plain.test"]);
});

test("handles of one image have one ID, and are written by its names", async () => {
  const { engine } = faked();
  const image = await engine.images.import(await treeOf("a"), { name: "app:1" });
  await image.tag("some/repo:2");
  const [one, two] = [await engine.images.get("app:1"), await engine.images.get("some/repo:2")];
  assert.equal(one.id, two.id);
  assert.equal(String(one), "app:1, some/repo:2");
  await engine.images.remove(image.id, { force: true });
  const nameless = await engine.images.import(await treeOf("a"));
  assert.equal(String(nameless), nameless.shortID);
});

test("nothing is ever sent as a form, which engines swallow", async () => {
  const { engine, sent } = scripted(() => undefined);
  const { images } = engine;
  const works: readonly (() => PromiseLike<unknown>)[] = [
    () => images.pull("a"),
    () => images.push("a"),
    () => images.load(utf8("archive")),
    () => images.load(new Blob(["archive"], { type: "application/x-www-form-urlencoded" })),
    () => images.import(utf8("archive")),
    () => images.import({ url: "http://r.test/a.tar" }),
    () => images.build({ dockerfile: "FROM scratch" }),
    () => images.build({ remote: "http://r.test/a.tar" }),
    () => images.tag("a", "b"),
    () => images.remove("a"),
    () => images.prune(),
    () => images.pruneBuilds(),
    () => engine.login({ username: "u", password: "p" }),
    () => engine.request({ method: "POST", path: "/commit", query: { container: "c" } }),
    () => engine.request({ method: "POST", path: "/containers/create", body: { Image: "a" } }),
  ];
  for (const work of works) await failure(work());
  const types = new Set(sent.map(({ headers, body }) => {
    const type = headers.get("content-type");
    return body === "" ? type : type ?? "none";
  }));
  assert.deepEqual(types, new Set([null, "application/json", "application/x-tar"]));
  assert.equal(sent.length, works.length);
});

test("a login is kept nowhere: what comes after it has the credentials of the machine", async () => {
  const { engine, sent } = scripted(({ path, method }) => {
    if (path === "/auth") return json({ IdentityToken: "token", Status: "Login Succeeded" });
    return method === "POST" ? messages({ status: "Status: done" }) : json({ Id: "sha256:1" });
  });
  await engine.login({ registry: "r.test", username: "u", password: "p" });
  await engine.images.pull("r.test/app");
  assert.equal(sent[1]?.path, "/images/create");
  assert.equal(sent[1]?.headers.get("x-registry-auth"), null);
});

test("complaint 9: nothing has a time limit that nobody asked for", async () => {
  const { engine, requests } = faked();
  const { setTimeout: own } = globalThis;
  const limits: unknown[] = [];
  const noted = (...args: Parameters<typeof setTimeout>) => {
    limits.push(args[1]);
    return own(...args);
  };
  globalThis.setTimeout = noted as typeof setTimeout;
  try {
    const image = await engine.images.import(await treeOf("a"), { name: "app:1" });
    const archive = await readAll(image.save({ named: true }), LIMITS);
    await engine.images.load(archive);
    await engine.images.build({ dockerfile: "FROM app:1\nLABEL a=b\n" });
    await engine.images.list();
    await engine.images.prune();
  } finally {
    globalThis.setTimeout = own;
  }
  assert.deepEqual(limits, []);
  assert.ok(requests.length > 5);
});
