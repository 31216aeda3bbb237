import assert from "node:assert/strict";
import { test } from "node:test";
import { BuildError, BuildSessionError, Engine, EngineError } from "../../lib/engine/mod.ts";
import { streamFrom } from "../../lib/bytes/stream_from.ts";
import { chunks, failure, messages, recorded, scripted } from "./scripted.ts";
import { building, DOCKERFILE, ID } from "./scripted_build.ts";

test("a build that fails after a good begin is a BuildError with the log", async () => {
  const { engine, sent } = building(() => recorded("build-fails-mid-stream"));
  const error = await failure(engine.images.build(DOCKERFILE, { tags: "app:1" }));
  assert.ok(error instanceof BuildError);
  assert.match(
    error.message,
    /^Cannot build "app:1": COPY failed: file not found in build context or excluded/,
  );
  assert.equal(error.log, "Step 1/2 : FROM scratch\n ---> \nStep 2/2 : COPY missing /x\n");
  assert.equal(error.status, 200);
  assert.equal(error.code, "BUILD_FAILED");
  // No second request hides the cause.
  assert.equal(sent.length, 1);
});

test("every recorded failure of a build is a BuildError in the engine's words", async () => {
  for (const name of ["build-scratch", "build-outside-dockerfile", "build-gz"]) {
    const { engine } = building(() => recorded(name));
    const error = await failure(engine.images.build(DOCKERFILE));
    assert.ok(error instanceof BuildError, name);
    assert.match(error.message, /No image was generated\. Is your Dockerfile empty\?/);
  }
  const { engine } = building(() => recorded("build-missing-dockerfile"));
  const error = await failure(engine.images.build({ entries: [] }, { dockerfile: "Nope" }));
  assert.ok(error instanceof BuildError);
  assert.equal(error.message, "Cannot build an image: Cannot locate specified Dockerfile: Nope");
  assert.equal(error.status, 500);
});

test("the exit code of a step is in the error", async () => {
  const message = "The command '/bin/sh -c exit 3' returned a non-zero code: 3";
  const { engine } = building(() =>
    messages({ stream: "Step 2/2 : RUN exit 3" }, {
      errorDetail: { code: 3, message },
      error: message,
    })
  );
  const error = await failure(engine.images.build(DOCKERFILE));
  assert.ok(error instanceof BuildError);
  assert.equal(error.exitCode, 3);
  assert.equal(error.said, message);
});

test("a build that tells no ID is no success", async () => {
  for (const said of [[], [{ stream: "x Successfully built abcd\n" }], [{ stream: "done\n" }]]) {
    const { engine } = building(() => messages(...said));
    const error = await failure(engine.images.build(DOCKERFILE));
    assert.ok(error instanceof BuildError);
    assert.match(error.message, /does not tell the ID/);
    assert.equal(error.log, said.map(({ stream }) => stream).join(""));
  }
});

test("a stream that breaks off is no success, whatever came before", async () => {
  const { engine } = building(() =>
    new Response(chunks(`{"aux":{"ID":"${ID}"}}\r\n{"stream":"Succ`))
  );
  const error = await failure(engine.images.build(DOCKERFILE));
  assert.ok(error instanceof BuildError);
  assert.match(error.message, /not whole/);
});

test("the log of an error keeps its end, however long it is", async () => {
  const line = `${"x".repeat(1023)}\n`;
  const { engine } = building(() =>
    messages(
      ...Array.from({ length: 3000 }, () => ({ stream: line })),
      { stream: "the end\n" },
      { error: "no" },
    )
  );
  const error = await failure(engine.images.build(DOCKERFILE));
  assert.ok(error instanceof BuildError);
  assert.equal(error.log.length, 1024 * 1024);
  assert.ok(error.log.endsWith("the end\n"));
});

test("a context that breaks off is the error, not what the transport makes of it", async () => {
  const broken = new Error("the disk is gone");
  const { engine } = scripted(() => {
    throw new TypeError("fetch failed");
  });
  const entries = [{
    path: "a",
    size: 5,
    body: () =>
      streamFrom({
        [Symbol.iterator]: () => ({
          next: () => {
            throw broken;
          },
        }),
      }),
  }];
  assert.equal(await failure(engine.images.build({ entries })), broken as unknown);
});

test("an engine that refuses while the context is still being sent is heard, and the context let go", async () => {
  let isClosed = false;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull: (controller) => controller.enqueue(new Uint8Array(1024)),
    cancel: () => void (isClosed = true),
  }, { highWaterMark: 0 });
  const engine = new Engine({
    transport: (request) => {
      const isPing = new URL(request.url).pathname === "/_ping";
      const headers = { "api-version": "1.41", "content-type": "application/json" };
      if (isPing) return Promise.resolve(new Response(null, { headers }));
      const text = JSON.stringify({ message: "dockerfile parse error line 2: unknown" });
      return Promise.resolve(new Response(text, { status: 400, headers }));
    },
  });
  const error = await failure(engine.images.build(body));
  assert.ok(error instanceof BuildError);
  assert.equal(error.status, 400);
  assert.match(error.message, /dockerfile parse error line 2/);
  assert.equal(isClosed, true);
});

test("errors of the engine that are no errors of the build stay what they are", async () => {
  const { engine } = scripted(() => {
    throw new TypeError("connect ECONNREFUSED");
  });
  const error = await failure(engine.images.build(DOCKERFILE));
  assert.ok(error instanceof EngineError);
  assert.equal(error.reason, "unreachable");
});

test("an engine that says that it needs a session is a BuildSessionError with what to do", async () => {
  const { engine } = building(() =>
    messages({ errorDetail: { message: "failed to authorize: no active sessions" } })
  );
  const error = await failure(engine.images.build(DOCKERFILE, { version: 2 }));
  assert.ok(error instanceof BuildSessionError);
  assert.ok(error instanceof BuildError);
  assert.equal(error.code, "BUILD_NEEDS_SESSION");
  assert.match(error.message, /no active sessions; BuildKit needs a session/);
});
