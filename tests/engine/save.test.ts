import { test } from "node:test";
import assert from "node:assert/strict";
import { Engine } from "../../lib/engine/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { corpusBytes } from "../support/corpus.ts";
import { bytesOf, chunks, failure, inspected, json, recorded, scripted, utf8 } from "./scripted.ts";

const ARCHIVE = "made-by-dockerd/docker-20.10-save-one.tar";
const TAR = { headers: { "content-type": "application/x-tar" } };

/** An engine that saves these chunks. */
function saving(...parts: readonly (string | Bytes)[]) {
  return scripted(({ path }) =>
    path === "/images/get" ? new Response(chunks(...parts), TAR) : json(inspected())
  );
}

test("save() gives what the engine saved, byte for byte", async () => {
  const archive = await corpusBytes(ARCHIVE);
  const { engine, sent } = saving(archive.slice(0, 700), archive.slice(700));
  assert.deepEqual(await bytesOf(engine.images.save("app:1")), new Uint8Array(archive));
  assert.equal(sent[0]?.path, "/images/get");
  assert.deepEqual(sent[0]?.query, [["names", "app:1"]]);
});

test("complaint 16: save() of several images repeats their names, and none are refused", async () => {
  const { engine, sent } = saving(new Uint8Array(1024));
  await bytesOf(engine.images.save(["a:1", "r.test:5000/b", "sha256:5f71"]));
  assert.deepEqual(sent[0]?.query, [
    ["names", "a:1"],
    ["names", "r.test:5000/b"],
    ["names", "sha256:5f71"],
  ]);
  assert.throws(() => engine.images.save([]), TypeError);
  assert.throws(() => engine.images.save("a,b"), { code: "INVALID_REFERENCE" });
});

test("save() asks for platforms in JSON, one or several", async () => {
  const { engine, sent } = scripted(() => new Response(new Uint8Array(1024), TAR), {
    speaks: "1.52",
  });
  await bytesOf(engine.images.save("a", { platform: "linux/arm64" }));
  await bytesOf(engine.images.save("a", { platform: ["linux/arm64", "linux/amd64"] }));
  const arm = ["platform", '{"architecture":"arm64","os":"linux"}'];
  const amd = ["platform", '{"architecture":"amd64","os":"linux"}'];
  assert.deepEqual(sent[0]?.query.slice(1), [arm]);
  assert.deepEqual(sent[1]?.query.slice(1), [arm, amd]);
});

test("save() cuts the archive into chunks of the size that is asked for", async () => {
  const archive = await corpusBytes(ARCHIVE);
  const { engine } = saving(archive.slice(0, 100), archive.slice(100, 5000), archive.slice(5000));
  const reader = engine.images.save("a", { chunkSize: 4096 }).getReader();
  const sizes: number[] = [];
  let total = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    for (const byte of value) total += byte;
    sizes.push(value.byteLength);
  }
  assert.ok(sizes.slice(0, -1).every((size) => size === 4096));
  assert.equal(sizes.reduce((sum, size) => sum + size, 0), archive.byteLength);
  assert.equal(total, new Uint8Array(archive).reduce((sum, byte) => sum + byte, 0));
  for (const chunkSize of [0, -1, 1.5, NaN]) {
    assert.throws(() => engine.images.save("a", { chunkSize }), RangeError);
  }
});

test("save() errors when the archive has no end", async () => {
  const archive = await corpusBytes(ARCHIVE);
  for (const cut of [0, 1, 511, 512, 2000, archive.byteLength - 20_000]) {
    const { engine } = saving(archive.slice(0, cut));
    const error = await failure(bytesOf(engine.images.save("app:1")));
    assert.equal(error["code"], "ENGINE_ERROR", String(cut));
    assert.match(String(error["message"]), /Cannot save image "app:1": .*the archive has no end/);
  }
});

test("save() finds the error that engines write behind half an archive", async () => {
  const archive = await corpusBytes(ARCHIVE);
  const line = '{"errorDetail":{"message":"open layer.tar: input/output error"},"error":"x"}\r\n';
  for (const cut of [0, 512, 3000]) {
    const half = archive.slice(0, cut);
    for (const parts of [[half, line], [half, line.slice(0, 20), line.slice(20)]]) {
      const { engine } = saving(...parts);
      const error = await failure(bytesOf(engine.images.save("app:1")));
      assert.equal(error["code"], "ENGINE_ERROR");
      assert.equal(error["said"], "open layer.tar: input/output error");
    }
  }
});

test("save() of what is not there errors with ImageNotFoundError", async () => {
  const reply = await recorded("save-missing");
  const { engine } = scripted(() => reply);
  const error = await failure(bytesOf(engine.images.save("nosuch")));
  assert.equal(error["code"], "IMAGE_NOT_FOUND");
});

test("save() asks the engine when it is read, and cancelling ends the request", async () => {
  let [asked, ended] = [0, 0];
  const engine = new Engine({
    apiVersion: "1.41",
    transport(request) {
      asked++;
      request.signal.addEventListener("abort", () => ended++);
      return Promise.resolve(
        new Response(
          new ReadableStream({
            pull: (controller) => controller.enqueue(utf8("x".repeat(512))),
          }, { highWaterMark: 0 }),
        ),
      );
    },
  });
  await engine.images.save("a").cancel();
  assert.equal(asked, 0);
  const reader = engine.images.save("a").getReader();
  await reader.read();
  assert.equal(asked, 1);
  await reader.cancel();
  assert.equal(ended, 1);
});

test("cancelling save() ends a request that the engine has not answered yet", async () => {
  let ended = false;
  const engine = new Engine({
    apiVersion: "1.41",
    transport: (request) =>
      new Promise((_, reject) => {
        request.signal.addEventListener("abort", () => {
          ended = true;
          reject(request.signal.reason);
        });
      }),
  });
  const reader = engine.images.save("a").getReader();
  const read = reader.read();
  await new Promise((resolve) => setTimeout(resolve, 5));
  await reader.cancel();
  assert.equal((await read).done, true);
  assert.equal(ended, true);
});

test("a handle saves itself by ID, or by a name that it has", async () => {
  const id = `sha256:${"5f".repeat(32)}`;
  const { engine, sent } = scripted(({ path }) =>
    path === "/images/get"
      ? new Response(new Uint8Array(1024), TAR)
      : json(inspected({ RepoTags: ["app:1", "b:2"] }))
  );
  const image = await engine.images.get("app:1");
  const named = async (name?: boolean | string) => {
    await bytesOf(image.save(name === undefined ? {} : { named: name }));
    return sent.at(-1)?.query[0]?.[1];
  };
  assert.equal(await named(), id);
  assert.equal(await named(false), id);
  assert.equal(await named(true), "app:1");
  assert.equal(await named("b:2"), "b:2");
  assert.throws(() => image.save({ named: "other:1" }), /its names are app:1, b:2/);
});
