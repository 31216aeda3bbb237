import { test } from "node:test";
import assert from "node:assert/strict";
import { decodeMessages, type EngineMessage } from "../../lib/engine/mod.ts";
import type { ByteStream } from "../../lib/model/bytes.ts";
import { chunks, failure, utf8 } from "./scripted.ts";

async function decode(stream: ByteStream): Promise<EngineMessage[]> {
  const found: EngineMessage[] = [];
  for await (const message of decodeMessages(stream)) found.push(message);
  return found;
}

test("decodeMessages() finds messages wherever chunks are cut, also within characters", async () => {
  const text = '{"stream":"größe → 🐳"}\r\n{"status":"a}{\\"b"}{"id":"é","status":"\\u00e9"}\n';
  const whole = await decode(chunks(text));
  assert.deepEqual(whole, [
    { stream: "größe → 🐳" },
    { status: 'a}{"b' },
    { id: "é", status: "é" },
  ]);
  const bytes = utf8(text);
  for (let size = 1; size < 12; size++) {
    const parts = [];
    for (let at = 0; at < bytes.length; at += size) parts.push(bytes.slice(at, at + size));
    assert.deepEqual(await decode(chunks(...parts)), whole, `chunks of ${size}`);
  }
});

test("decodeMessages() reads several messages in a chunk, with any white space between", async () => {
  assert.deepEqual(
    await decode(chunks(' \t\n{"status":"1"}{"status":"2"}  \r\n\n{"status":"3"}')),
    [
      { status: "1" },
      { status: "2" },
      { status: "3" },
    ],
  );
  assert.deepEqual(await decode(chunks("", "\n", "")), []);
});

test("decodeMessages() passes over empty objects and lists, as engines write them", async () => {
  const found = await decode(chunks('{"status":"1"}{}[][{"status":"x"}]{"status":"2"}'));
  assert.deepEqual(found, [{ status: "1" }, { status: "2" }]);
});

test("decodeMessages() gives progress, errors in both spellings, and more data", async () => {
  const found = await decode(chunks(
    '{"status":"Pushing","id":"a1","progressDetail":{"current":512,"total":1024},"progress":"[>]"}',
    '{"status":"Waiting","id":"a2","progressDetail":{}}',
    '{"status":"Loading","id":"a3","progressDetail":{"current":2,"total":-1,"units":"files"}}',
    '{"errorDetail":{"code":3,"message":"it broke"},"error":"it broke"}',
    '{"error":"only this"}',
    '{"errorDetail":{},"error":"from the other"}',
    '{"aux":{"ID":"sha256:1"}}',
  ));
  assert.deepEqual(found, [
    { status: "Pushing", id: "a1", progress: { current: 512, total: 1024 } },
    { status: "Waiting", id: "a2", progress: {} },
    { status: "Loading", id: "a3", progress: { current: 2, units: "files" } },
    { error: { message: "it broke", code: 3 } },
    { error: { message: "only this", code: undefined } },
    { error: { message: "from the other", code: undefined } },
    { aux: { ID: "sha256:1" } },
  ]);
});

test("decodeMessages() takes keys such as __proto__ as data", async () => {
  const [message] = await decode(chunks('{"__proto__":{"stream":"x"},"status":"1"}'));
  assert.deepEqual(message, { status: "1" });
});

test("decodeMessages() gives what came before what is no message, and then fails", async () => {
  const found: EngineMessage[] = [];
  const work = async () => {
    for await (const message of decodeMessages(chunks('{"status":"1"}', "<html>"))) {
      found.push(message);
    }
  };
  const error = await failure(work());
  assert.deepEqual(found, [{ status: "1" }]);
  assert.ok(error instanceof SyntaxError);
  assert.match(error.message, /<html>/);
  for (const text of ["null", '"x"', "1", '{"a":}', "}", '{"a":1]']) {
    assert.ok(await failure(decode(chunks(text))) instanceof SyntaxError, text);
  }
});

test("decodeMessages() fails when the stream ends within a message", async () => {
  const error = await failure(decode(chunks('{"status":"1"}{"status":"cut')));
  assert.ok(error instanceof SyntaxError);
  assert.match(error.message, /ended within a message/);
});

test("decodeMessages() refuses messages that are too long or too deep", async () => {
  const block = utf8("x".repeat(1024 * 1024));
  const endless = new ReadableStream({
    start: (controller) => controller.enqueue(utf8('{"stream":"')),
    pull: (controller) => controller.enqueue(block.slice()),
  }, { highWaterMark: 0 });
  assert.equal((await failure(decode(endless)))["code"], "LIMIT_EXCEEDED");
  const deep = await failure(decode(chunks(`{"a":${"[".repeat(100)}`)));
  assert.equal(deep["code"], "LIMIT_EXCEEDED");
});

test("decodeMessages() cancels the stream when the loop is left", async () => {
  let reason: unknown;
  const stream = new ReadableStream({
    pull: (controller) => controller.enqueue(utf8('{"status":"1"}')),
    cancel(why) {
      reason = why ?? "cancelled";
    },
  }, { highWaterMark: 0 });
  for await (const message of decodeMessages(stream)) {
    assert.deepEqual(message, { status: "1" });
    break;
  }
  assert.equal(reason, "cancelled");
});
