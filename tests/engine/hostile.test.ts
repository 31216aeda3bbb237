import { test } from "node:test";
import assert from "node:assert/strict";
import { EngineError } from "../../lib/engine/mod.ts";
import { chunks, failure, json, scripted, utf8 } from "./scripted.ts";

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
