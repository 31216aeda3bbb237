import { test } from "node:test";
import assert from "node:assert/strict";
import { Engine } from "../../lib/engine/mod.ts";
import { bytesOf, failure, pulled, utf8, working } from "./scripted.ts";

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

test("an abort is thrown as it is, also when the connection breaks by it", async () => {
  const reason = new Error("enough");
  const controller = new AbortController();
  const engine = new Engine({
    apiVersion: "1.41",
    transport: () => {
      controller.abort(reason);
      return Promise.reject(new TypeError("terminated"));
    },
  });
  const { signal } = controller;
  assert.equal(await failure(engine.images.list({ signal })), reason as unknown);
});
