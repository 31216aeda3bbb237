import { test } from "node:test";
import assert from "node:assert/strict";
import {
  chunks,
  DIGEST,
  eventsOf,
  failure,
  inspected,
  json,
  line,
  messages,
  pulled,
  recorded,
  scripted,
  type Sent,
  working,
} from "./scripted.ts";

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
    "GET /images/sha256:1/json",
    "GET /images/sha256:2/json",
  ]);
  assert.throws(() => engine.images.pullAll("app:1"), TypeError);
});
