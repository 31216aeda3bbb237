import { test } from "node:test";
import assert from "node:assert/strict";
import {
  ApiVersionError,
  ConflictError,
  Engine,
  type EngineImages,
  ImageNotFoundError,
} from "../../lib/engine/mod.ts";
import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";
import { NotFoundError } from "../../lib/model/errors.ts";
import { failure, json, scripted, utf8 } from "./scripted.ts";

/** A stream that gives some bytes, and fails then. */
function failing(error: unknown): ByteStream {
  let isBegun = false;
  return new ReadableStream<Bytes>({
    pull(controller) {
      if (isBegun) controller.error(error);
      else controller.enqueue(new Uint8Array(512));
      isBegun = true;
    },
  }, { highWaterMark: 0 });
}

test("errors of engines have the class and the reason of what they say, whatever the status", async () => {
  const cases: readonly [number, string, string, string | undefined][] = [
    [404, "No such image: a:latest", "IMAGE_NOT_FOUND", "not-found"],
    [404, "", "IMAGE_NOT_FOUND", "not-found"],
    // podman
    [500, "a: image not known", "IMAGE_NOT_FOUND", "not-found"],
    [400, "a: image not known", "ENGINE_ERROR", "not-found"],
    // The path is not known, which says nothing of the image.
    [404, "page not found", "ENGINE_ERROR", undefined],
    [404, "Not Found", "ENGINE_ERROR", undefined],
    [409, "it is in the way", "ENGINE_CONFLICT", "conflict"],
    [500, "image is in use by a container", "ENGINE_CONFLICT", "conflict"],
    [400, "image is in use by a container", "ENGINE_ERROR", undefined],
    [401, "who is there?", "ENGINE_ERROR", "authentication"],
    [403, "not on a Sunday", "ENGINE_ERROR", "authorization"],
    [429, "slow down", "ENGINE_ERROR", "rate-limit"],
    [500, "the disk is on fire", "ENGINE_ERROR", undefined],
    [500, "client version 1.41 is too new", "ENGINE_ERROR", undefined],
    [400, "client version 1.41 is too new", "API_VERSION", undefined],
  ];
  for (const [status, message, code, reason] of cases) {
    const { engine } = scripted(() => json({ message }, { status }));
    const error = await failure(engine.images.get("a"));
    assert.equal(error["code"], code, `${status} ${message}`);
    assert.equal(error["reason"], reason, `${status} ${message}`);
    assert.equal(error["status"], status);
    assert.equal(error instanceof ImageNotFoundError, code === "IMAGE_NOT_FOUND");
    assert.equal(error instanceof ConflictError, code === "ENGINE_CONFLICT");
    assert.equal(error instanceof ApiVersionError, code === "API_VERSION");
  }
});

test("what is no image is not missing as one", async () => {
  const { engine } = scripted(() => json({ message: "no such image: a" }, { status: 404 }));
  assert.equal((await failure(engine.images.search("a")))["code"], "ENGINE_ERROR");
});

test("an error body says why in whatever form it comes", async () => {
  const cases: readonly [string, string, string][] = [
    ["application/json", '{"message":"","error":"why"}', "why"],
    ["application/json", '{"message":5,"cause":"why"}', "why"],
    ["application/json", '"why"', '"why"'],
    ["text/html", "the <b>proxy</b> is tired", "the  proxy  is tired"],
    ["", "  <p>tired</p>", "tired"],
    ["text/plain", "a <b> is no tag", "a <b> is no tag"],
  ];
  for (const [type, body, words] of cases) {
    const { engine } = scripted(() =>
      new Response(body, { status: 500, headers: { "content-type": type } })
    );
    const error = await failure(engine.images.get("a"));
    assert.equal(error["message"], `Cannot inspect image "a": ${words}`, body);
  }
});

test("the failure of what is sent is the failure of the call", async () => {
  const works: Readonly<Record<string, (images: EngineImages, body: ByteStream) => unknown>> = {
    load: (images, body) => images.load(body),
    import: (images, body) => images.import(body),
    build: (images, body) => images.build(body),
  };
  for (const [name, work] of Object.entries(works)) {
    const cause = new Error("the disk is broken");
    const { engine } = scripted(() => json({}));
    const error = await failure(work(engine.images, failing(cause)) as PromiseLike<unknown>);
    assert.ok((error as unknown) === cause || error["cause"] === cause, `${name}: ${error}`);
  }
});

test("a build whose context broke off has failed, though the engine knows nothing of it", async () => {
  const cause = new Error("the disk is broken");
  const id = `sha256:${"1".repeat(64)}`;
  const engine = new Engine({
    name: "a patient engine",
    async transport(request) {
      const { pathname } = new URL(request.url);
      const headers = { "api-version": "1.41" };
      if (pathname.endsWith("/_ping")) return new Response(null, { headers });
      await request.arrayBuffer().catch(() => {});
      return pathname.endsWith("/build")
        ? new Response(JSON.stringify({ aux: { ID: id } }))
        : json({ Id: id });
    },
  });
  const error = await failure(engine.images.build(failing(cause)));
  assert.ok((error as unknown) === cause || error["cause"] === cause, String(error));
});

test("an error of the transport that says what it is stays as it is", async () => {
  const told = new NotFoundError("Cannot connect: there is no socket");
  const { engine } = scripted(() => Promise.reject(told));
  assert.equal(await failure(engine.images.list()), told as unknown);
});

test("what can be read once is not sent again to an engine of another version", async () => {
  const refusal = () =>
    json(
      { message: "client version 1.41 is too new. Maximum supported API version is 1.40" },
      { status: 400, headers: { "api-version": "1.40" } },
    );
  for (const isStream of [true, false]) {
    const { engine, sent } = scripted(({ version }) =>
      version === "1.41" ? refusal() : json({ stream: "Loaded image: a:1\n" })
    );
    const bytes = utf8("archive");
    const body: ByteStream | Bytes = isStream ? new Blob([bytes]).stream() : bytes;
    const result = await engine.images.load(body).then(() => "loaded", (error: unknown) => error);
    const loads = sent.filter(({ path }) => path === "/images/load").map(({ version }) => version);
    if (isStream) assert.ok(result instanceof ApiVersionError, String(result));
    assert.deepEqual(loads, isStream ? ["1.41"] : ["1.41", "1.40"]);
  }
});

test("an engine that has pulled an image, and cannot show it, says why", async () => {
  for (const [status, code] of [[500, "ENGINE_ERROR"], [404, "PULL_FAILED"]] as const) {
    const { engine } = scripted(({ path }) =>
      path === "/images/create"
        ? json({ status: "Pulling from library/a" })
        : json({ message: "No disk, no luck" }, { status })
    );
    const error = await failure(engine.images.pull("a"));
    assert.equal(error["code"], code);
    assert.match(String(error["message"]), /No disk, no luck/);
  }
});

test("all tags of a name that has a digest already cannot be pulled", async () => {
  const { engine, sent } = scripted(() => json({ status: "Pulling" }));
  for (const name of ["a:1", `a@sha256:${"1".repeat(64)}`]) {
    const pulling = (async () => await engine.images.pullAll(name))();
    assert.ok((await failure(pulling)) instanceof TypeError, name);
  }
  assert.deepEqual(sent, []);
});
