import assert from "node:assert/strict";
import { test } from "node:test";
import { BuildError, type BuildEvent } from "../../lib/engine/mod.ts";
import { encodeBase64 } from "../../lib/model/base64.ts";
import { encodeFields, type Field, trace } from "./build_trace.ts";
import {
  chunks,
  eventsOf,
  failure,
  inspected,
  json,
  messages,
  scripted,
  utf8,
} from "./scripted.ts";

const ID = `sha256:${"5f".repeat(32)}`;
const DOCKERFILE = { dockerfile: "FROM scratch\n" };
const STEP = `sha256:${"a1".repeat(32)}`;
const BASE = `sha256:${"b2".repeat(32)}`;
const MADE = { id: "moby.image.id", aux: { ID } };

/** BuildKit that says what it is told to. */
function building(...said: readonly unknown[]) {
  return scripted(({ method }) =>
    method === "POST" ? messages(...said) : json(inspected({ Id: ID }))
  );
}

function eventsFor(...said: readonly unknown[]): Promise<BuildEvent[]> {
  return eventsOf(building(...said).engine.images.build(DOCKERFILE, { version: 2 }));
}

function log(message: string | Uint8Array<ArrayBuffer>, stream = 1): Field {
  return [3, [[1, STEP], [3, stream], [4, message]]];
}

test("steps of BuildKit are events: known, begun, from the cache, ended, failed", async () => {
  const vertex = (...fields: readonly Field[]): Field => [1, [[1, STEP], [2, BASE], [
    3,
    "[2/2] RUN make",
  ], ...fields]];
  const events = await eventsFor(
    trace([1, [[1, BASE], [3, "[1/2] FROM base"], [4, 1]]]),
    trace(vertex()),
    trace(vertex([5, [[1, 1700000000], [2, 500000000]]])),
    trace(vertex([5, [[1, 1700000000]]], [6, [[1, 1700000001], [2, 250000000]]], [7, "exit 3"])),
    MADE,
  );
  const step = {
    type: "step",
    id: STEP,
    number: 2,
    name: "[2/2] RUN make",
    inputs: [BASE],
    isCached: false,
    startedAt: undefined,
    completedAt: undefined,
    error: "",
  };
  // The newest state of a step may take the place of those that nobody took yet.
  const newest = new Map(events.map((event) => [event.type === "step" ? event.id : "", event]));
  assert.deepEqual([...newest.values()], [
    { ...step, id: BASE, number: 1, name: "[1/2] FROM base", inputs: [], isCached: true },
    {
      ...step,
      startedAt: new Date(1700000000_000),
      completedAt: new Date(1700000001_250),
      error: "exit 3",
    },
    { type: "image", id: ID },
  ]);
});

test("progress, warnings and output of steps are events", async () => {
  const events = await eventsFor(
    trace(
      [2, [[1, "sha256:1"], [2, STEP], [3, "extracting"], [4, 5], [5, 2 ** 40], [6, [[1, 1]]]]],
      [2, [[1, "exporting layers"], [2, STEP], [8, [[1, 1]]]]],
      log("hi\n"),
      log("err\n", 2),
      [4, [[1, STEP], [2, 1], [3, "JSON arguments"], [4, "more"], [4, "yet more"], [
        5,
        "https://x",
      ]]],
    ),
    MADE,
  );
  const progress = { type: "progress", step: STEP };
  assert.deepEqual(events, [
    {
      ...progress,
      id: "sha256:1",
      name: "extracting",
      current: 5,
      total: 2 ** 40,
      isDone: false,
    },
    {
      ...progress,
      id: "exporting layers",
      name: "exporting layers",
      current: 0,
      total: 0,
      isDone: true,
    },
    {
      type: "warning",
      step: STEP,
      text: "JSON arguments",
      detail: ["more", "yet more"],
      url: "https://x",
    },
    { type: "log", text: "hi\n", step: STEP, stream: "stdout" },
    { type: "log", text: "err\n", step: STEP, stream: "stderr" },
    { type: "image", id: ID },
  ]);
});

test("characters that are cut between two messages stay whole, and one that is cut off is told", async () => {
  const [first, second] = [utf8("日本").subarray(0, 4), utf8("日本").subarray(4)];
  const events = await eventsFor(
    trace(log(first)),
    trace(log("x", 2), log(second)),
    trace(log(utf8("é").subarray(0, 1))),
    trace([1, [[1, STEP], [6, [[1, 1]]]]]),
    MADE,
  );
  const texts = events.flatMap((event) => event.type === "log" ? [event.text] : []);
  assert.deepEqual(texts, ["日", "x", "本", "\ufffd"]);
});

test("the error of a build has the names and the output of its steps", async () => {
  const { engine } = building(
    trace([1, [[1, BASE], [3, "[1/2] FROM base"], [4, 1]]]),
    trace([1, [[1, STEP], [3, "[2/2] RUN exit 3"], [5, [[1, 1]]]]], log("before\n")),
    trace([1, [[1, STEP], [3, "[2/2] RUN exit 3"], [5, [[1, 1]]], [6, [[1, 2]]], [7, "exit 3"]]]),
    { errorDetail: { message: 'process "/bin/sh -c exit 3" did not complete: exit code: 3' } },
  );
  const error = await failure(engine.images.build(DOCKERFILE, { version: 2, tags: "app" }));
  assert.ok(error instanceof BuildError);
  assert.match(
    error.message,
    /^Cannot build "app": process "\/bin\/sh -c exit 3" did not complete/,
  );
  assert.equal(
    error.log,
    "#1 [1/2] FROM base CACHED\n#2 [2/2] RUN exit 3\nbefore\n#2 ERROR: exit 3\n",
  );
});

test("fields that nobody knows yet are passed over", async () => {
  const fixed = Uint8Array.of(0x91 & 0x7f, 1, 2, 3, 4, 5, 6, 7, 8); // field 2, 64 bits
  const short = Uint8Array.of(0x1d, 1, 2, 3, 4); // field 3, 32 bits
  const events = await eventsFor(
    { id: "moby.buildkit.trace", aux: encodeBase64(fixed) },
    { id: "moby.buildkit.trace", aux: encodeBase64(short) },
    trace([99, "later"], [98, 7], log("hi"), [1, 5]),
    { id: "moby.buildkit.later", aux: "x" },
    MADE,
  );
  assert.deepEqual(events.map(({ type }) => type), ["log", "image"]);
});

test("a trace that cannot be decoded is told once, and the build goes on", async () => {
  const hostile: readonly Uint8Array<ArrayBuffer>[] = [
    Uint8Array.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f),
    Uint8Array.of(...Array.from({ length: 11 }, () => 0xff)),
    Uint8Array.of(0x0b),
    Uint8Array.of(0x0f),
    Uint8Array.of(0x0a),
    Uint8Array.of(0x09, 1, 2),
    encodeFields([[1, Uint8Array.of(0x0a, 0x05, 0x01)]]),
  ];
  for (const bytes of hostile) {
    const aux = encodeBase64(bytes);
    const events = await eventsFor(
      { id: "moby.buildkit.trace", aux },
      { id: "moby.buildkit.trace", aux },
      MADE,
    );
    assert.deepEqual(events.map(({ type }) => type), ["status", "image"], aux);
  }
  for (const aux of ["not base64!", 7, { a: 1 }]) {
    const events = await eventsFor({ id: "moby.buildkit.trace", aux }, MADE);
    assert.deepEqual(events.map(({ type }) => type), ["status", "image"]);
  }
});

test("times that no Date can hold are none, numbers beyond 64 bits do not end the build", async () => {
  const events = await eventsFor(
    trace([1, [[1, STEP], [5, [[1, 2 ** 52]]]]]),
    MADE,
  );
  assert.equal(events[0]?.type === "step" ? events[0].startedAt : "", undefined);
});

test("BuildKit gets version 2, no credentials, and one answer in any chunks", async () => {
  let asked = 0;
  const text = [trace(log("hi")), MADE].map((value) => JSON.stringify(value)).join("");
  const { engine, sent } = scripted(
    ({ method }) =>
      method === "POST" ? new Response(chunks(...Array.from(text))) : json(inspected({ Id: ID })),
    {
      credentials: () => {
        asked++;
        return Promise.resolve({ kind: "basic", username: "u", password: "p" });
      },
    },
  );
  const options = { version: 2, outputs: [{ type: "moby", attributes: { a: "b" } }] } as const;
  const image = await engine.images.build({ dockerfile: "FROM a.test/b" }, options);
  assert.equal(image.id, ID);
  assert.deepEqual(sent[0]?.query, [
    ["version", "2"],
    ["outputs", '[{"Type":"moby","Attrs":{"a":"b"}}]'],
  ]);
  assert.equal(sent[0]?.headers.has("x-registry-config"), false);
  assert.equal(asked, 0);
});
