import { test } from "node:test";
import assert from "node:assert/strict";
import {
  type BuildContext,
  type BuildOptions,
  Engine,
  EngineError,
  type EngineImages,
  type EngineOptions,
} from "../../lib/engine/mod.ts";
import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";
import { answering, bytesOf, chunks, failure, json, scripted, utf8 } from "./scripted.ts";

const NAMES = [
  "",
  " ",
  ".",
  "..",
  "../info",
  "../../containers/json",
  "a/../b",
  "a//b",
  "/a",
  "a/",
  "a?b",
  "a#b",
  "a%2f..",
  "a b",
  "a\tb",
  "a\nb",
  "a\r\nX-Evil: 1",
  "a\0b",
  "a,b",
  "a\\b",
  "Upper",
  "a:",
  "a:tag:tag",
  "a@sha256:12",
  "ä",
  "a‮b",
  `a:${"t".repeat(129)}`,
  "a/".repeat(128) + "a",
  "http://r.test/a",
  "x".repeat(1_000_000),
];

test("hostile names are refused by every method, before anything is sent", async () => {
  const { engine, sent } = scripted(() => json([]));
  const { images } = engine;
  const methods: Readonly<Record<string, (name: string) => unknown>> = {
    get: (name) => images.get(name),
    history: (name) => images.history(name),
    pull: (name) => images.pull(name),
    pullAll: (name) => images.pullAll(name),
    push: (name) => images.push(name),
    tag: (name) => images.tag(name, "b"),
    tagAs: (name) => images.tag("a", name),
    remove: (name) => images.remove(name),
    save: (name) => images.save(name),
    distribution: (name) => images.distribution(name),
    import: (name) => images.import(utf8(""), { name }),
    importImage: (name) => images.import({ image: name }),
  };
  for (const [method, run] of Object.entries(methods)) {
    for (const name of NAMES) {
      const shown = `${method} ${JSON.stringify(name.slice(0, 30))}`;
      const error = await failure((async () => await run(name))());
      assert.equal(error["code"], "INVALID_REFERENCE", shown);
      assert.ok(String(error["message"]).length < 1000, shown);
    }
  }
  assert.deepEqual(sent, []);
});

test("hostile tags are refused too", async () => {
  const { engine, sent } = scripted(() => json([]));
  for (const tag of ["", " ", "a b", "a\nb", "a/b", "../x", "a&fromSrc=-", "sha256:12", ".a"]) {
    for (
      const run of [
        async () => await engine.images.pull("a", { tag }),
        async () => await engine.images.push("a", { tag }),
        async () => await engine.images.tag("a", "b", { tag }),
        async () => await engine.images.import(utf8(""), { name: "b", tag }),
      ]
    ) {
      assert.equal((await failure(run()))["code"], "INVALID_REFERENCE", JSON.stringify(tag));
    }
  }
  assert.deepEqual(sent, []);
});

test("a name that could be confused with a path of the API stays a name", async () => {
  const { engine, sent } = scripted(() => json([]));
  for (const name of ["json", "get", "search", "load", "create", "prune"]) {
    await failure(engine.images.get(name));
    assert.equal(sent.at(-1)?.path, `/images/${name}/json`);
  }
});

test("search terms with control characters, or without any, are refused", async () => {
  const { engine, sent } = scripted(() => json([]));
  for (const term of ["", " ", "a\nb", "\0"]) {
    assert.equal((await failure(engine.images.search(term)))["code"], "INVALID_REFERENCE");
  }
  assert.deepEqual(sent, []);
});

test("redirects are not followed, and are errors", async () => {
  for (const status of [301, 302, 307, 308]) {
    const headers = { location: "/v1.41/images/json" };
    const { engine, sent } = scripted(() => new Response(null, { status, headers }));
    const error = await failure(engine.images.get("a"));
    assert.ok(error instanceof EngineError);
    assert.equal(error.status, status);
    assert.equal(sent.length, 1);
  }
});

test("error bodies of every kind end in an error with what they say", async () => {
  const cases: readonly [ResponseInit & { body: string; type?: string }, RegExp][] = [
    [{ body: '{"message":"of docker"}\n', status: 500 }, /: of docker$/],
    [{ body: '{"cause":"c","message":"of podman","response":404}', status: 500 }, /: of podman$/],
    [{ body: "plain words\n", type: "text/plain", status: 500 }, /: plain words$/],
    [{ body: "<html><b>502 Bad Gateway</b></html>", type: "text/html", status: 502 }, /502 Bad/],
    [{ body: "", status: 503 }, /answered 503 to GET \/v1\.41\/images\/a\/json$/],
    [{ body: "{}", status: 500 }, /answered 500/],
    [{ body: '{"message":', status: 500 }, /\{"message":$/],
    [{ body: "\x1b[2J\x07evil", type: "text/plain", status: 500 }, /: \[2J evil$/],
  ];
  for (const [{ body, type = "application/json", status }, words] of cases) {
    const headers = { "content-type": type };
    const { engine } = scripted(() => new Response(body, { status: status ?? 500, headers }));
    const error = await failure(engine.images.get("a"));
    assert.equal(error["code"], "ENGINE_ERROR", body);
    assert.match(String(error["message"]), words);
    assert.match(String(error["message"]), /^Cannot inspect image "a": /);
  }
});

test("error bodies are read up to a limit, and cut in messages", async () => {
  let pulled = 0;
  const block = utf8("x".repeat(64 * 1024));
  const { engine } = scripted(() =>
    new Response(
      new ReadableStream({
        pull(controller) {
          pulled++;
          controller.enqueue(block.slice());
        },
      }, { highWaterMark: 0 }),
      { status: 500 },
    )
  );
  const error = await failure(engine.images.get("a"));
  assert.ok(String(error["message"]).length < 2000);
  assert.ok(pulled < 40, `${pulled} blocks`);
});

test("an error body of a mebibyte takes time in proportion to it, whatever it says", async () => {
  for (const unit of ["<", "<a", "Bearer ", "https://a@", "\\/", "{", '"', "\0"]) {
    const body = unit.repeat(1024 * 1024 / unit.length);
    const headers = { "content-type": "text/html" };
    const { engine } = scripted(() => new Response(body, { status: 502, headers }));
    const error = await failure(engine.images.get("a"));
    assert.ok(String(error["message"]).length < 2000, unit);
  }
});

test("answers that are no answers end in typed errors", async () => {
  const answers: readonly (() => Response)[] = [
    () => new Response("not json"),
    () => new Response("[1,2"),
    () => new Response('"text"'),
    () => new Response("17"),
    () => new Response(""),
    () => new Response(chunks("{", '"a"')),
  ];
  for (const make of answers) {
    const { engine } = scripted(make);
    for (const work of [() => engine.images.get("a"), () => engine.images.history("a")]) {
      assert.ok(await failure(work()) instanceof EngineError);
    }
  }
});

test("documents of a wrong shape give empty values, not crashes", async () => {
  const { engine } = scripted(() =>
    json({
      Id: 5,
      RepoTags: "x",
      RepoDigests: [1, null, "a@b"],
      Config: { Labels: { a: 1, b: "c" } },
      Created: "yesterday",
      Size: "big",
      Manifests: [1, { ID: "m" }],
    })
  );
  const image = await engine.images.get("a");
  assert.equal(image.id, "");
  assert.deepEqual(image.tags, []);
  assert.deepEqual(image.digests, ["a@b"]);
  assert.deepEqual(image.labels, { b: "c" });
  assert.equal(image.created, undefined);
  assert.equal(image.size, 0);
  assert.deepEqual(image.manifests, [{ ID: "m" }]);
});

test("an engine that cannot be reached is named, with a hint and without secrets", async () => {
  const { engine } = scripted(() => Promise.reject(new TypeError("connect ENOENT /run/x.sock")), {
    apiVersion: "1.41",
  });
  const error = await failure(engine.images.list());
  assert.equal(error["code"], "ENGINE_ERROR");
  assert.equal(error["status"], 0);
  assert.equal(error["reason"], "unreachable");
  assert.match(String(error["message"]), /the test engine: connect ENOENT.*is it running/);
});

test("secrets of the engine's words do not get into errors", async () => {
  const message = 'Get "http://user:word@r.test/x?token=abc": Authorization: Bearer abcdef';
  const { engine } = scripted(() => json({ message }, { status: 500 }));
  const error = await failure(engine.images.get("a"));
  assert.doesNotMatch(`${error["message"]} ${error["said"]}`, /word|abc/);
});

/** An engine, and everything that was asked of it, pings too. */
function asked(options: Partial<EngineOptions> = {}): { engine: Engine; requests: string[] } {
  const requests: string[] = [];
  const transport = ({ url, method }: Request): Promise<Response> => {
    requests.push(`${method} ${new URL(url).pathname}`);
    return Promise.resolve(json({}, { headers: { "api-version": "1.41" } }));
  };
  return { engine: new Engine({ transport, ...options }), requests };
}

async function failureOf(work: () => unknown): Promise<Record<string, unknown>> {
  return await failure((async () => await work())());
}

test("what programs without types forget is a TypeError, and nobody is asked", async () => {
  const { engine, requests } = asked();
  const images = engine.images as unknown as Record<string, (...args: unknown[]) => unknown>;
  const methods = [
    ...["get", "history", "attestations", "pull", "pullAll", "push", "remove", "save", "search"],
    ...["distribution", "load", "import", "build"],
  ];
  for (const method of methods) {
    for (const nothing of [undefined, null, 5, {}, []]) {
      const error = await failureOf(() => images[method]?.call(images, nothing));
      assert.ok(error instanceof TypeError, `${method}: ${error}`);
      assert.match(error.message, /^Cannot /, method);
    }
  }
  for (const name of [null, 5]) {
    assert.ok(await failureOf(() => images["list"]?.call(images, { name })) instanceof TypeError);
    assert.ok(await failureOf(() => images["tag"]?.call(images, "a", name)) instanceof TypeError);
  }
  assert.deepEqual(requests, []);
});

test("names to look for that are empty or have control characters are refused", async () => {
  const { engine, requests } = asked();
  for (const name of ["", " ", "a b", "a\nb", "\0"]) {
    const error = await failureOf(() => engine.images.list({ name }));
    assert.equal(error["code"], "INVALID_REFERENCE", JSON.stringify(name));
  }
  assert.deepEqual(requests, []);
});

test("a login without a user or a registry is refused before it is sent", async () => {
  const { engine, requests } = asked();
  for (const username of ["", "a\nb"]) {
    assert.ok(
      await failureOf(() => engine.login({ username, password: "p" })) instanceof TypeError,
    );
  }
  for (const registry of ["", "a b", "r.test\n"]) {
    const error = await failureOf(() => engine.login({ registry, username: "u", password: "p" }));
    assert.equal(error["code"], "INVALID_REFERENCE", JSON.stringify(registry));
  }
  assert.deepEqual(requests, []);
});

test("archives and contexts that cannot be read are errors before the engine is asked", async () => {
  const unreadable = new Error("permission denied");
  const { engine, requests } = asked({ openFile: () => Promise.reject(unreadable) });
  const { images } = engine;
  for (const run of [images.load, images.import, images.build]) {
    const work = run as (source: { file: string }) => PromiseLike<unknown>;
    assert.equal(await failureOf(() => work.call(images, { file: "a.tar" })), unreadable);
    for (const file of ["", "a\0b"]) {
      assert.ok(await failureOf(() => work.call(images, { file })) instanceof TypeError);
    }
  }
  const contexts = ["", " ", "a\0b", { directory: "" }, { entries: undefined }, new Map()];
  for (const context of contexts) {
    const error = await failureOf(() => images.build(context as BuildContext));
    assert.ok(error instanceof TypeError, JSON.stringify(context));
  }
  for (const dockerfile of ["", " ", "a\nb", "a\0b"]) {
    const error = await failureOf(() => images.build(new Uint8Array(), { dockerfile }));
    assert.ok(error instanceof TypeError, JSON.stringify(dockerfile));
  }
  for (const dockerfile of ["../Dockerfile", "a/../../Dockerfile", ".."]) {
    for (const context of [new Uint8Array(), { entries: [] }, { remote: "https://r.test/a" }]) {
      const error = await failureOf(() => images.build(context, { dockerfile }));
      assert.equal(error["code"], "INVALID_CONTEXT", dockerfile);
    }
  }
  const wrong: readonly BuildOptions[] = [
    { buildArgs: { "": "x" } },
    { buildArgs: { "a=b": "x" } },
    { buildArgs: { a: 5 as unknown as string } },
    { labels: { " ": "x" } },
    { labels: { a: undefined as unknown as string } },
    { cacheFrom: [""] },
  ];
  for (const options of wrong) {
    const error = await failureOf(() => images.build(new Uint8Array(), options));
    assert.ok(error instanceof TypeError, JSON.stringify(options));
  }
  assert.deepEqual(requests, []);
});

test("an archive that is not sent after all is let go", async () => {
  const { engine } = scripted(() => undefined, { speaks: "1.10" });
  for (const method of ["load", "import", "build"] as const) {
    let reason: unknown;
    const archive = new ReadableStream<Bytes>({ cancel: (why) => void (reason = why ?? "gone") });
    const error = await failure(engine.images[method](archive));
    assert.equal(error["code"], "API_VERSION", method);
    assert.ok(reason !== undefined, method);
  }
});

test("clients that cannot work are refused when they are made", () => {
  const transport = () => Promise.resolve(json({}));
  const nothing = undefined as unknown as typeof transport;
  assert.throws(() => new Engine({ transport: nothing }), TypeError);
  for (const baseURL of ["", "nonsense", "unix:///run/docker.sock", "ftp://a"]) {
    assert.throws(() => new Engine({ transport, baseURL }), TypeError, baseURL);
  }
  for (const idleTimeoutMs of [0, -1, Number.NaN, Infinity]) {
    assert.throws(
      () => new Engine({ transport, idleTimeoutMs }),
      RangeError,
      String(idleTimeoutMs),
    );
  }
});

test("an engine that hangs up ends every operation in an error of its kind", async () => {
  const codes: Readonly<Record<string, (images: EngineImages) => PromiseLike<unknown>>> = {
    PULL_FAILED: (images) => images.pull("a"),
    PUSH_FAILED: (images) => images.push("a"),
    LOAD_FAILED: (images) => images.load(utf8("archive")),
    BUILD_FAILED: (images) => images.build({ dockerfile: "FROM scratch" }),
    ENGINE_ERROR: (images) => bytesOf(images.save("a")),
  };
  const rest: readonly ((images: EngineImages) => PromiseLike<unknown>)[] = [
    (images) => images.import(utf8("archive")),
    (images) => images.pullAll("a"),
    (images) => images.list(),
    (images) => images.get("a"),
    (images) => images.history("a"),
    (images) => images.tag("a", "b"),
    (images) => images.remove("a"),
    (images) => images.prune(),
    (images) => images.pruneBuilds(),
    (images) => images.search("a"),
    (images) => images.distribution("a"),
  ];
  for (const run of [...Object.values(codes), ...rest]) {
    const { engine } = scripted(() => Promise.reject(new TypeError("socket hang up")));
    const error = await failure(run(engine.images));
    assert.ok(error instanceof EngineError, String(run));
    assert.equal(error.reason, "unreachable", String(run));
    assert.match(error.message, /^Cannot .*socket hang up/, String(run));
  }
  for (const [code, run] of Object.entries(codes)) {
    const { engine } = scripted(() => new Response(brokenOff('{"status":"Pulling"}\r\n{"sta')));
    const error = await failure(run(engine.images));
    assert.equal(error["code"], code);
    assert.match(String(error["message"]), /broke off: connection reset/, code);
  }
});

/** A stream that fails after its first chunk. */
function brokenOff(text: string): ByteStream {
  let isBegun = false;
  return new ReadableStream<Bytes>({
    pull(controller) {
      if (isBegun) controller.error(new TypeError("connection reset"));
      else controller.enqueue(utf8(text));
      isBegun = true;
    },
  }, { highWaterMark: 0 });
}

test("an error whose body never ends is reported with what has come of it", async () => {
  const { setTimeout: wait } = globalThis;
  const later = <Args extends unknown[]>(run: (...args: Args) => void, ms = 0, ...args: Args) =>
    wait(run, ms >= 1000 ? 0 : ms, ...args);
  Object.assign(globalThis, { setTimeout: later });
  try {
    let cancelled = 0;
    const { engine } = answering(() =>
      new Response(
        new ReadableStream({
          start: (controller) => controller.enqueue(utf8("it is broken")),
          cancel: () => void cancelled++,
        }, { highWaterMark: 0 }),
        { status: 500 },
      )
    );
    const error = await failure(engine.images.list());
    assert.equal(error["status"], 500);
    assert.match(String(error["message"]), /it is broken$/);
    assert.equal(cancelled, 1);
  } finally {
    Object.assign(globalThis, { setTimeout: wait });
  }
});

test("an error body is read up to 64 KiB", async () => {
  let pulled = 0;
  const { engine } = answering(() =>
    new Response(
      new ReadableStream({
        pull(controller) {
          pulled += 1024;
          controller.enqueue(new Uint8Array(1024).fill(97));
        },
      }, { highWaterMark: 0 }),
      { status: 500 },
    )
  );
  const error = await failure(engine.images.list());
  assert.equal(error["status"], 500);
  assert.ok(pulled <= 2 * 64 * 1024, `${pulled} bytes`);
});

test("a call that is aborted while the body of an error comes ends with the reason", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const reason = new Error("enough");
  const { engine } = answering(() => {
    const body = new ReadableStream({ pull: () => controller.abort(reason) }, { highWaterMark: 0 });
    return new Response(body, { status: 500 });
  });
  assert.equal(await failure(engine.images.list({ signal })), reason as unknown);
});
