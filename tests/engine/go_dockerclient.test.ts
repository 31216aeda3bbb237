// What users of go-dockerclient know by other names, and no other test here holds; the whole table is
// in tests/tools/behaviours/go_dockerclient.ts.
import { test } from "node:test";
import assert from "node:assert/strict";
import { parseLegacyDockerConfig } from "../../lib/auth/mod.ts";
import {
  type BuildOptions,
  decodeMessages,
  EngineError,
  type EngineImages,
  ImageNotFoundError,
  parseEngineHost,
} from "../../lib/engine/mod.ts";
import type { ByteStream } from "../../lib/model/bytes.ts";
import {
  answering,
  DIGEST,
  failure,
  inspected,
  json,
  messages,
  scripted,
  utf8,
} from "./scripted.ts";

test("the raw stream of an operation is what request() gives, errors and all", async () => {
  const said = [
    { status: "Pulling from app", id: "1" },
    { status: "Downloading", progressDetail: { current: 1, total: 2 }, id: "5f70" },
    { errorDetail: { message: "unknown blob", code: 7 }, error: "unknown blob" },
  ];
  const { engine, sent } = answering(() => messages(...said));
  const call = { method: "POST", path: "/images/create", query: { fromImage: "app", tag: "1" } };
  const raw = await engine.request({ ...call, method: "POST" });
  assert.deepEqual(
    (await raw.text()).trim().split("\r\n").map((line) => JSON.parse(line)),
    said,
  );
  const again = await engine.request({ ...call, method: "POST" });
  const read = [];
  for await (const message of decodeMessages(again.body as ByteStream)) read.push(message);
  assert.deepEqual(read, [
    { status: "Pulling from app", id: "1" },
    { status: "Downloading", id: "5f70", progress: { current: 1, total: 2 } },
    { error: { message: "unknown blob", code: 7 } },
  ]);
  assert.deepEqual(sent[0]?.query, [["fromImage", "app"], ["tag", "1"]]);
});

test("ErrNoSuchImage: a missing image is an error of its own wherever one is named", async () => {
  const { engine } = answering(() => json({ message: "No such image: a" }, { status: 404 }));
  const works: readonly ((images: EngineImages) => PromiseLike<unknown>)[] = [
    (images) => images.get("a"),
    (images) => images.history("a"),
    (images) => images.remove("a"),
    (images) => images.tag("a", "b"),
    (images) => images.save("a").getReader().read(),
    (images) => images.distribution("a"),
  ];
  for (const work of works) {
    const error = await failure(work(engine.images));
    assert.ok(error instanceof ImageNotFoundError, String(work));
    assert.equal(error.status, 404);
  }
});

test("Error: the status and all words of the engine are in the error", async () => {
  const { engine } = answering(() => json({ message: "server is on fire" }, { status: 500 }));
  const error = await failure(engine.images.list());
  assert.ok(error instanceof EngineError);
  assert.deepEqual([error.status, error.said, error.endpoint], [
    500,
    "server is on fire",
    "GET /v1.41/images/json",
  ]);
});

test("ErrMustSpecifyNames, ErrMissingRepo, ErrMultipleContexts: nothing is sent", async () => {
  const { engine, sent } = scripted(() => json([]));
  const { images } = engine;
  assert.throws(() => images.save([]), TypeError);
  const missing = undefined as unknown as string;
  assert.throws(() => images.build(missing), TypeError);
  const both: BuildOptions = { dockerfile: "Dockerfile" };
  const twice = await failure(images.build({ dockerfile: "FROM scratch" }, both));
  assert.ok(twice instanceof TypeError);
  assert.deepEqual(sent, []);
});

test("ErrInvalidEndpoint, ErrConnectionRefused, ErrCannotParseDockercfg have codes", async () => {
  for (const host of ["htp://", "tcp://a:65536", "a:b"]) {
    assert.throws(() => parseEngineHost(host), { code: "INVALID_ENDPOINT" }, host);
  }
  assert.throws(() => parseLegacyDockerConfig("nothing of the kind"), { code: "INVALID_CONFIG" });
  const { engine } = scripted(() => Promise.reject(new TypeError("connect ECONNREFUSED")));
  assert.equal((await failure(engine.images.list()))["reason"], "unreachable");
});

test("ErrInactivityTimeout: an engine that falls silent in its answer is told by the reason", async () => {
  const { engine } = scripted(() => new Response(new ReadableStream()));
  const idleTimeoutMs = 5;
  const works: readonly ((images: EngineImages) => PromiseLike<unknown>)[] = [
    (images) => images.pull("a", { idleTimeoutMs }),
    (images) => images.push("a", { idleTimeoutMs }),
    (images) => images.load(utf8("a"), { idleTimeoutMs }),
    (images) => images.import(utf8("a"), { idleTimeoutMs }),
    (images) => images.build({ dockerfile: "FROM scratch" }, { idleTimeoutMs }),
    (images) => images.save("a", { idleTimeoutMs }).getReader().read(),
  ];
  for (const work of works) {
    const error = await failure(work(engine.images));
    assert.equal(error["reason"], "silent");
    assert.match(String(error["message"]), /the engine was silent for 0.005 s/);
  }
});

test("names with a tag and a digest are pulled by the digest, and found by it", async () => {
  for (const name of ["base", "tsuru/bs:latest"]) {
    const { engine, sent } = scripted(({ method }) =>
      method === "POST" ? messages({ status: "Status: done" }) : json(inspected())
    );
    await engine.images.pull(`${name}@${DIGEST}`);
    const [repository] = name.split(":");
    const path = repository === "base" ? "library/base" : repository;
    assert.deepEqual(sent[0]?.query, [["fromImage", `docker.io/${path}`], ["tag", DIGEST]]);
    assert.equal(sent[1]?.path, `/images/${repository}@${DIGEST}/json`);
  }
});

test("a name of a search is encoded, and credentials go along with it", async () => {
  const { engine, sent } = answering(() => json([]));
  const credentials = { kind: "basic", username: "u", password: "p" } as const;
  await engine.images.search("a&limit=1 b/ü", { credentials });
  assert.deepEqual(sent[0]?.query, [["term", "a&limit=1 b/ü"]]);
  assert.ok(sent[0]?.headers.get("x-registry-auth"));
});
