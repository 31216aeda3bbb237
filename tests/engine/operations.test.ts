import { test } from "node:test";
import assert from "node:assert/strict";
import { Engine, type EngineEvent } from "../../lib/engine/mod.ts";
import {
  bytesOf,
  chunks,
  failure,
  inspected,
  json,
  messages,
  recorded,
  scripted,
  type Sent,
  utf8,
} from "./scripted.ts";

const DIGEST = `sha256:${"7a".repeat(32)}`;

/** The request of an operation, as one line. */
function line({ method, path, query }: Sent): string {
  return `${method} ${path}?${query.map(([key, value]) => `${key}=${value}`).join("&")}`;
}

/** An engine whose operations give `make()`, and that knows every image. */
function working(make: () => Response, speaks = "1.41") {
  return scripted(({ method }) => method === "POST" ? make() : json(inspected()), { speaks });
}

async function eventsOf(operation: AsyncIterable<EngineEvent>): Promise<EngineEvent[]> {
  const events: EngineEvent[] = [];
  for await (const event of operation) events.push(event);
  return events;
}

const pulled = () =>
  messages(
    { status: "Pulling from app", id: "1" },
    { status: "Pulling fs layer", progressDetail: {}, id: "8c1d" },
    { status: "Downloading", progressDetail: { current: 1024, total: 99000 }, id: "8c1d" },
    { status: "Pull complete", progressDetail: {}, id: "8c1d" },
    { status: `Digest: ${DIGEST}` },
    { status: "Status: Downloaded newer image for app:1" },
  );

test("pull() sends name and tag apart, and never asks for all tags by accident", async () => {
  const cases: readonly [string, object, string][] = [
    ["app", {}, "fromImage=docker.io/library/app&tag=latest"],
    ["app:1", {}, "fromImage=docker.io/library/app&tag=1"],
    ["r.test:5000/a/b", {}, "fromImage=r.test:5000/a/b&tag=latest"],
    ["docker.io/library/app:1", {}, "fromImage=docker.io/library/app&tag=1"],
    ["a:b", { tag: "c" }, "fromImage=docker.io/library/a&tag=c"],
    [`app@${DIGEST}`, {}, `fromImage=docker.io/library/app&tag=${DIGEST}`],
    [`app:1@${DIGEST}`, {}, `fromImage=docker.io/library/app&tag=${DIGEST}`],
    ["app", { tag: DIGEST }, `fromImage=docker.io/library/app&tag=${DIGEST}`],
    [
      "app",
      { platform: "linux/arm/v7" },
      "fromImage=docker.io/library/app&tag=latest&platform=linux/arm/v7",
    ],
    [
      "app",
      { platform: { os: "linux", architecture: "arm64" } },
      "fromImage=docker.io/library/app&tag=latest&platform=linux/arm64",
    ],
  ];
  for (const [name, options, query] of cases) {
    const { engine, sent } = working(pulled);
    await engine.images.pull(name, options);
    assert.equal(line(sent[0] as Sent), `POST /images/create?${query}`, name);
  }
});

test("pull() is done when the engine has the image, and gives it", async () => {
  const { engine, sent } = working(pulled);
  const operation = engine.images.pull("app:1");
  const events = await eventsOf(operation);
  assert.deepEqual((await operation).tags, ["app:1"]);
  assert.equal(sent[1]?.path, "/images/app:1/json");
  assert.deepEqual(events.filter(({ type }) => type === "status"), [
    { type: "status", text: "Pulling from app", id: "1" },
    { type: "status", text: `Digest: ${DIGEST}` },
    { type: "status", text: "Status: Downloaded newer image for app:1" },
  ]);
  const layers = events.filter(({ type }) => type === "layer");
  assert.deepEqual(layers.at(-1), { type: "layer", id: "8c1d", status: "Pull complete" });
});

test("pull() by digest asks for the image by that digest afterwards", async () => {
  const { engine, sent } = working(pulled);
  await engine.images.pull(`app:1@${DIGEST}`);
  assert.equal(sent[1]?.path, `/images/app@${DIGEST}/json`);
});

test("pull() gives the newest state of a layer with its progress", async () => {
  const { engine } = working(() =>
    messages(
      { status: "Downloading", progressDetail: { current: 1, total: 10 }, id: "a" },
      { status: "Downloading", progressDetail: { current: 5, total: 10 }, id: "a" },
      { status: "Waiting", progressDetail: {}, id: "b" },
    )
  );
  const operation = engine.images.pull("app");
  await operation;
  assert.deepEqual(await eventsOf(operation), [
    { type: "layer", id: "a", status: "Downloading", current: 5, total: 10 },
    { type: "layer", id: "b", status: "Waiting" },
  ]);
});

test("complaint 1: a pull whose stream has an error fails with the engine's words, and asks no more", async () => {
  const message = "filesystem layer verification failed for digest sha256:1";
  const { engine, sent } = working(() =>
    messages({ status: "Pulling from app" }, { errorDetail: { message }, error: message })
  );
  const error = await failure(engine.images.pull("app"));
  assert.equal(error["code"], "PULL_FAILED");
  assert.equal(error["said"], message);
  assert.equal(error["status"], 200);
  assert.equal(error["message"], `Cannot pull "app:latest": ${message}`);
  assert.equal(sent.length, 1);
});

test("complaint 22: a pull tells why it failed, whatever status the engine chose", async () => {
  const cases: readonly [number, string, string | undefined][] = [
    [404, "manifest for app:1 not found: manifest unknown: manifest unknown", "not-found"],
    [
      404,
      "pull access denied for app, repository does not exist or may require 'docker login'",
      "authorization",
    ],
    [500, 'Head "http://r/v2/app/manifests/1": no basic auth credentials', "authentication"],
    [500, "unauthorized: authentication required", "authentication"],
    [500, "toomanyrequests: You have reached your pull rate limit", "rate-limit"],
    [500, "denied: requested access to the resource is denied", "authorization"],
    [401, "", "authentication"],
    [429, "", "rate-limit"],
    [500, "write /var/lib/x: no space left on device", undefined],
  ];
  for (const [status, message, reason] of cases) {
    const { engine } = working(() => json({ message }, { status }));
    const error = await failure(engine.images.pull("app:1"));
    assert.equal(error["code"], "PULL_FAILED", message);
    assert.equal(error["status"], status, message);
    assert.equal(error["reason"], reason, message);
    assert.match(String(error["message"]), /^Cannot pull "app:1": ./);
  }
  // An index without this platform begins well on Docker 20.10.
  const { engine } = working(() =>
    messages({ status: "Pulling from app" }, {
      error: "no matching manifest for linux/amd64 in the manifest list entries",
    })
  );
  assert.equal((await failure(engine.images.pull("app")))["reason"], "not-found");
});

test("pull() fails as the recorded engine does", async () => {
  for (const name of ["pull-bad-ref", "pull-conn-refused"]) {
    const reply = await recorded(name);
    const error = await failure(working(() => reply).engine.images.pull("app"));
    assert.equal(error["code"], "PULL_FAILED", name);
    assert.notEqual(error["said"], "", name);
  }
});

test("pull() does not take silence or half an answer for success", async () => {
  const answers = [
    () => new Response(""),
    () => new Response("{}\n"),
    () => new Response(chunks('{"status":"Pulling from app"}', '{"status":"Down')),
    () => new Response("<html>gateway</html>"),
  ];
  for (const make of answers) {
    const { engine, sent } = working(make);
    assert.equal((await failure(engine.images.pull("app")))["code"], "PULL_FAILED");
    assert.equal(sent.length, 1);
  }
});

test("pull() fails when the engine says that all is well and has nothing", async () => {
  const { engine } = scripted(({ method }) =>
    method === "POST" ? pulled() : json({ message: "No such image: app:1" }, { status: 404 })
  );
  const error = await failure(engine.images.pull("app:1"));
  assert.equal(error["code"], "PULL_FAILED");
  assert.match(String(error["message"]), /does not have it/);
});

test("pull() takes answers without a content type, as podman's", async () => {
  const { engine } = working(() =>
    new Response(chunks('{"status":"Pulling fs layer","id":"a"}\n'))
  );
  assert.equal((await engine.images.pull("app")).size, 10);
});

test("pullAll() asks for no tag, and gives every image of the repository", async () => {
  const { engine, sent } = scripted(({ method, path }) => {
    if (method === "POST") return pulled();
    return json(path === "/images/json" ? [{ Id: "sha256:1" }, { Id: "sha256:2" }] : inspected());
  });
  assert.equal((await engine.images.pullAll("r.test/app")).length, 2);
  assert.deepEqual(sent.map(line), [
    "POST /images/create?fromImage=r.test/app",
    'GET /images/json?filters={"reference":["r.test/app"]}',
    "GET /images/sha256:1/json?",
    "GET /images/sha256:2/json?",
  ]);
  assert.throws(() => engine.images.pullAll("app:1"), TypeError);
});

test("push() gives the digest of every tag, from whichever words the engine has", async () => {
  const line = { status: `1: digest: ${DIGEST} size: 942` };
  const aux = { progressDetail: {}, aux: { Tag: "1", Digest: DIGEST, Size: 942 } };
  for (const said of [[line, aux], [aux], [line]]) {
    const { engine, sent } = working(() => messages({ status: "The push refers to" }, ...said));
    assert.deepEqual(await engine.images.push("r.test/app:1"), {
      repository: "r.test/app",
      reference: `r.test/app@${DIGEST}`,
      digest: DIGEST,
      tags: [{ tag: "1", digest: DIGEST, size: 942 }],
      isPartOfIndex: false,
    });
    assert.equal(sent.length, 1);
    const [{ path, query, headers, body } = {} as Sent] = sent;
    assert.equal(path, "/images/r.test/app/push");
    assert.deepEqual(query, [["tag", "1"]]);
    // Docker 20.10 refuses a push that has neither.
    assert.equal(headers?.get("x-registry-auth"), "e30=");
    assert.equal(headers?.get("content-type"), "application/json");
    assert.equal(body, "{}");
  }
});

test("complaint 13: push() asks for the digest where the engine does not tell it", async () => {
  const { engine, sent } = scripted(({ method }) =>
    method === "POST"
      ? messages({ status: "Pushed", id: "a", progressDetail: {} })
      : json(inspected({ RepoDigests: [`other@sha256:1`, `r.test/app@${DIGEST}`] }))
  );
  assert.equal((await engine.images.push("r.test/app:1")).digest, DIGEST);
  assert.equal(sent[1]?.path, "/images/r.test/app:1/json");
  const { engine: mute } = working(() => messages({ status: "Pushed" }));
  const error = await failure(mute.images.push("r.test/app:1"));
  assert.equal(error["code"], "PUSH_FAILED");
  assert.match(String(error["message"]), /does not say/);
});

test("push() of all tags sends no tag, and gives them all", async () => {
  const { engine, sent } = working(() =>
    messages(
      { aux: { Tag: "1", Digest: DIGEST, Size: 1 } },
      { aux: { Tag: "2", Digest: "sha256:22", Size: 2 } },
    )
  );
  const { tags } = await engine.images.push("r.test/app", { allTags: true });
  assert.deepEqual(tags.map(({ tag }) => tag), ["1", "2"]);
  assert.deepEqual(sent[0]?.query, []);
  assert.throws(() => engine.images.push("app:1", { allTags: true }), TypeError);
  assert.throws(() => engine.images.push(`app@${DIGEST}`), TypeError);
});

test("push() knows the tag though podman calls every one latest", async () => {
  const { engine } = scripted(() => messages({ status: `latest: digest: ${DIGEST} size: 341` }));
  const { tags } = await engine.images.push("r.test/app:1");
  assert.deepEqual(tags, [{ tag: "1", digest: DIGEST, size: 341 }]);
});

test("all tags are no matter for podman, which would take the latest one alone", async () => {
  const paths: string[] = [];
  const engine = new Engine({
    transport: ({ url }) => {
      paths.push(new URL(url).pathname);
      const headers = { "api-version": "1.41", "server": "Libpod/4.3.1 (linux)" };
      return Promise.resolve(new Response(null, { headers }));
    },
  });
  for (
    const work of [
      engine.images.pullAll("r.test/app"),
      engine.images.push("r.test/app", { allTags: true }),
    ]
  ) {
    const error = await failure(work);
    assert.equal(error["code"], "ENGINE_ERROR");
    assert.match(String(error["message"]), /r\.test\/app: podman takes one tag at a time/);
  }
  assert.deepEqual(new Set(paths), new Set(["/_ping"]));
});

test("push() says when an engine pushed one image of an index", async () => {
  const { engine, sent } = working(() =>
    messages({ status: `1: digest: ${DIGEST} size: 9` }, {
      aux: { manifestPushedInsteadOfIndex: true, originalIndex: {}, selectedManifest: {} },
    }), "1.46");
  assert.equal(
    (await engine.images.push("app:1", { platform: "linux/arm64" })).isPartOfIndex,
    true,
  );
  assert.deepEqual(sent[0]?.query[1], ["platform", '{"architecture":"arm64","os":"linux"}']);
});

test("complaint 2: a push that is denied fails", async () => {
  const message = "denied: requested access to the resource is denied";
  const { engine } = working(() =>
    messages(
      { status: "The push refers to repository [r.test/app]" },
      { status: "Retrying in 5 seconds", progressDetail: {}, id: "a" },
      { errorDetail: { message }, error: message },
    )
  );
  const operation = engine.images.push("r.test/app");
  const events: EngineEvent[] = [];
  const error = await failure((async () => {
    for await (const event of operation) events.push(event);
  })());
  assert.equal(error["code"], "PUSH_FAILED");
  assert.equal(error["reason"], "authorization");
  assert.equal(events.length, 2);
  for (const name of ["push-conn-refused", "push-no-auth"]) {
    const reply = await recorded(name);
    const failed = await failure(working(() => reply).engine.images.push("app"));
    assert.equal(failed["code"], "PUSH_FAILED", name);
  }
});

test("complaint 3: load() names what was loaded, by name and by ID", async () => {
  const cases: readonly [readonly string[], readonly string[]][] = [
    [["Loaded image: app:v1\n"], ["app:v1"]],
    [["Loaded image: a:1\nLoaded image ID: sha256:12\n"], ["a:1", "sha256:12"]],
    [["Loaded ima", "ge: a:1\nLoaded image: b:1\n"], ["a:1", "b:1"]],
    // podman: one line, no line break.
    [["Loaded image: localhost/a:v1,localhost/b:v1"], ["localhost/a:v1", "localhost/b:v1"]],
    [[
      "The image a:1 already exists, renaming the old one with ID sha256:1 to empty string\n",
      "Loaded image: a:1\n",
    ], ["a:1"]],
  ];
  for (const [streams, names] of cases) {
    const { engine, sent } = working(() => messages(...streams.map((stream) => ({ stream }))));
    const result = await engine.images.load(utf8("tar"));
    assert.deepEqual(result.names, names);
    assert.equal(result.images.length, names.length);
    assert.deepEqual(sent[0]?.query, [["quiet", "0"]]);
    assert.equal(sent[0]?.headers.get("content-type"), "application/x-tar");
    assert.equal(sent[0]?.body, "tar");
  }
});

test("load() fails unless something was loaded", async () => {
  const cases: readonly [() => Response, RegExp][] = [
    [() => new Response(""), /does not say that it loaded any/],
    [() => messages({ stream: "nothing to see\n" }), /nothing to see/],
    [() => messages({ errorDetail: { message: "unexpected EOF" } }), /unexpected EOF/],
    [() => json({ message: "bad tar" }, { status: 500 }), /bad tar/],
    // containerd: the image is there, and cannot run.
    [
      () =>
        messages({ stream: "Loaded image: a:1\n" }, { stream: "Error unpacking image a:1: x\n" }),
      /Error unpacking image a:1: x/,
    ],
  ];
  for (const [make, words] of cases) {
    const error = await failure(working(make).engine.images.load(utf8("tar")));
    assert.equal(error["code"], "LOAD_FAILED", String(words));
    assert.match(String(error["message"]), words);
  }
  for (const name of ["load-garbage", "load-bad-oci"]) {
    const reply = await recorded(name);
    const error = await failure(working(() => reply).engine.images.load(utf8("tar")));
    assert.equal(error["code"], "LOAD_FAILED", name);
  }
  for (const name of ["load-ok", "load-quiet"]) {
    const reply = await recorded(name);
    const { names } = await working(() => reply).engine.images.load(utf8("tar"));
    assert.equal(names.length, 1, name);
  }
});

test("load() takes bytes, streams, functions, blobs and files; a failing source fails as itself", async () => {
  const make = () => messages({ stream: "Loaded image: a:1\n" });
  const { engine, sent } = scripted(
    ({ method }) => method === "POST" ? make() : json(inspected()),
    {
      openFile: (path) => Promise.resolve(chunks(`file ${path}`)),
    },
  );
  await engine.images.load(chunks("a", "b"));
  await engine.images.load(() => chunks("opened"));
  await engine.images.load(new Blob(["blob"]));
  await engine.images.load({ file: "x.tar" });
  const bodies = sent.filter(({ method }) => method === "POST").map(({ body }) => body);
  assert.deepEqual(bodies, ["ab", "opened", "blob", "file x.tar"]);
  const without = await failure(working(make).engine.images.load({ file: "x.tar" }));
  assert.equal(without["code"], "UNSUPPORTED_PLACE");
  const broken = new Error("the disk broke");
  const source = new ReadableStream({ pull: () => Promise.reject(broken) }, { highWaterMark: 0 });
  assert.equal(await failure(engine.images.load(source)), broken as unknown);
});

test("load() takes quiet and platforms", async () => {
  const { engine, sent } = working(() => messages({ stream: "Loaded image: a:1\n" }), "1.52");
  await engine.images.load(utf8(""), { quiet: true, platform: ["linux/arm64", "linux/amd64"] });
  assert.deepEqual(sent[0]?.query, [
    ["quiet", "1"],
    ["platform", '{"architecture":"arm64","os":"linux"}'],
    ["platform", '{"architecture":"amd64","os":"linux"}'],
  ]);
});

test("import() sends an archive as one, and gives the image", async () => {
  const { engine, sent } = working(() => messages({ status: DIGEST }));
  const image = await engine.images.import(utf8("tar"), {
    name: "r.test/site:dev",
    changes: ["CMD a", 'ENV x="ü"'],
    message: "hello",
    platform: "linux/arm64",
  });
  assert.equal(image.size, 10);
  assert.deepEqual(sent[0]?.query, [
    ["fromSrc", "-"],
    ["repo", "r.test/site:dev"],
    ["changes", "CMD a"],
    ["changes", 'ENV x="ü"'],
    ["message", "hello"],
    ["platform", "linux/arm64"],
  ]);
  // Engines swallow the body of a form.
  assert.equal(sent[0]?.headers.get("content-type"), "application/x-tar");
  assert.equal(sent[0]?.body, "tar");
  assert.equal(sent[1]?.path, `/images/${DIGEST}/json`);
});

test("import() of a URL sends no body, and reads past the empty line after the download", async () => {
  const { engine, sent } = working(() =>
    messages(
      { status: "Downloading from http://a.test/x.tar" },
      { status: "Importing", progressDetail: { current: 1, total: 2 } },
      {},
      { status: DIGEST },
    )
  );
  await engine.images.import({ url: "http://a.test/x.tar" }, { name: "site" });
  assert.deepEqual(sent[0]?.query, [
    ["fromSrc", "http://a.test/x.tar"],
    ["repo", "site:latest"],
  ]);
  assert.equal(sent[0]?.body, "");
  for (const url of ["ftp://a/x", "-", "x.tar", "file:///etc/passwd", "http://a/\nb"]) {
    assert.throws(() => engine.images.import({ url }), { code: "INVALID_URL" }, url);
  }
});

test("import() of an image pulls it and names it", async () => {
  const { engine, sent } = scripted(({ method, path }) => {
    if (path === "/images/create") return pulled();
    return method === "POST" ? new Response(null, { status: 201 }) : json(inspected());
  });
  await engine.images.import({ image: "app:1" }, { name: "mine:2" });
  assert.deepEqual(sent.map(({ method, path }) => `${method} ${path}`), [
    "POST /images/create",
    "GET /images/app:1/json",
    `POST /images/sha256:${"5f".repeat(32)}/tag`,
    "GET /images/mine:2/json",
  ]);
  const changed = { changes: ["CMD a"] };
  assert.throws(() => engine.images.import({ image: "app" }, changed), TypeError);
});

test("import() fails unless the engine tells an ID", async () => {
  const reply = await recorded("import");
  const image = await working(() => reply).engine.images.import(utf8("tar"));
  assert.equal(image.size, 10);
  const cases: readonly (() => Response)[] = [
    () => messages({ status: "Importing" }),
    () => json({ message: "ApplyLayer exit status 1: unexpected EOF" }, { status: 500 }),
    () => messages({ error: "no space left" }),
  ];
  for (const make of cases) {
    const error = await failure(working(make).engine.images.import(utf8("tar")));
    assert.equal(error["code"], "LOAD_FAILED");
  }
  for (const change of ["", " ", "CMD a\nRUN b"]) {
    const { engine } = working(() => messages());
    assert.throws(() => engine.images.import(utf8(""), { changes: [change] }), TypeError);
  }
});

test("abort() ends the request of an operation, with the reason as it is", async () => {
  const reason = new Error("enough");
  for (const name of ["pull", "push", "load", "import"] as const) {
    let ended = false;
    const engine = new Engine({
      apiVersion: "1.41",
      transport: (request) => {
        request.signal.addEventListener("abort", () => ended = true);
        const body = new ReadableStream({
          start: (controller) => controller.enqueue(utf8('{"status":"x"}')),
          cancel() {
            ended = true;
          },
        });
        return Promise.resolve(new Response(body));
      },
    });
    const { images } = engine;
    const operation = {
      pull: () => images.pull("a"),
      push: () => images.push("a"),
      load: () => images.load(utf8("")),
      import: () => images.import(utf8("")),
    }[name]();
    for await (const _ of operation) {
      operation.abort(reason);
      break;
    }
    assert.equal(await failure(operation as PromiseLike<unknown>), reason as unknown, name);
    assert.equal(ended, true, name);
  }
});

test("a signal that has aborted sends nothing", async () => {
  const { engine, sent } = working(pulled);
  const signal = AbortSignal.abort("no");
  assert.equal(await failure(engine.images.pull("a", { signal })), "no" as unknown);
  assert.equal(await failure(engine.images.list({ signal })), "no" as unknown);
  assert.equal(await failure(bytesOf(engine.images.save("a", { signal }))), "no" as unknown);
  assert.deepEqual(sent, []);
});

test("an engine that is silent for too long is an error where a limit was set", async () => {
  const { engine } = working(() =>
    new Response(
      new ReadableStream({
        start: (controller) => controller.enqueue(utf8('{"status":"x"}')),
      }),
    )
  );
  const error = await failure(engine.images.pull("a", { idleTimeoutMs: 20 }));
  assert.equal(error["code"], "PULL_FAILED");
  assert.equal(error["reason"], "silent");
});

test("distribution() gives digest and platforms, and pulls exactly that", async () => {
  const { engine, sent } = scripted(({ method, path }) => {
    if (method === "POST") return pulled();
    if (!path.startsWith("/distribution")) {
      return json(path === "/version" ? { Os: "linux", Arch: "arm64" } : inspected());
    }
    return json({
      Descriptor: { mediaType: "application/vnd.oci.image.index.v1+json", digest: DIGEST, size: 9 },
      Platforms: [
        { architecture: "arm64", os: "linux", variant: "v8" },
        { architecture: "amd64", os: "linux" },
        { architecture: "unknown", os: "unknown" },
      ],
    });
  });
  const data = await engine.images.distribution("r.test/app:1");
  assert.equal(sent[0]?.path, "/distribution/r.test/app:1/json");
  assert.equal(data.id, DIGEST);
  assert.equal(data.shortID, DIGEST.slice(0, 19));
  assert.equal(data.descriptor.size, 9);
  assert.deepEqual(data.platforms?.length, 2);
  assert.equal(await data.hasPlatform("linux/amd64"), true);
  // docker-py does not find an entry that has a variant when none is asked for.
  assert.equal(await data.hasPlatform("linux/arm64"), true);
  assert.equal(await data.hasPlatform({ os: "windows", architecture: "amd64" }), false);
  assert.equal(await data.hasPlatform("linux"), true);
  assert.equal((await failure(data.hasPlatform("a/b/c/d")))["code"], "INVALID_PLATFORM");
  await data.pull({ platform: "linux/amd64" });
  const pull = sent.find(({ method }) => method === "POST");
  assert.deepEqual(pull?.query, [
    ["fromImage", "r.test/app"],
    ["tag", DIGEST],
    ["platform", "linux/amd64"],
  ]);
  await data.reload();
  assert.equal(sent.at(-1)?.path, "/distribution/r.test/app:1/json");
});

test("distribution() keeps the credentials that it was given for reload() and pull()", async () => {
  const { engine, sent } = scripted(({ method, path }) => {
    if (method === "POST") return pulled();
    return json(
      path.startsWith("/distribution") ? { Descriptor: { digest: DIGEST } } : inspected(),
    );
  });
  const credentials = { kind: "basic", username: "u", password: "p" } as const;
  const data = await engine.images.distribution("app", { credentials });
  await data.reload();
  await data.pull();
  for (const request of sent.slice(0, 3)) {
    assert.ok(request.headers.has("x-registry-auth"), request.path);
  }
});

test("hasPlatform() does not guess where the engine does not tell", async () => {
  const { engine } = scripted(() => json({ Descriptor: {}, Platforms: null }));
  const data = await engine.images.distribution("app");
  assert.equal(data.platforms, undefined);
  assert.equal((await failure(data.hasPlatform("linux/amd64")))["code"], "ENGINE_ERROR");
});
