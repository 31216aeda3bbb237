import { test } from "node:test";
import assert from "node:assert/strict";
import { digestBytes } from "../../lib/hash/mod.ts";
import type { Bytes, ByteSource } from "../../lib/model/bytes.ts";
import {
  DigestMismatchError,
  NotFoundError,
  SizeMismatchError,
  UploadError,
} from "../../lib/model/errors.ts";
import { turn } from "./fake_clock.ts";
import { bench, descriptorOf, errorResponse, failure, noise, OCI_LAYER } from "./scripted.ts";
import { piecesOf, uploadRegistry } from "./upload_registry.ts";

const LARGE = noise(2_500_000);
const LAYER = descriptorOf(LARGE, OCI_LAYER);
const HUGE = noise(9_000_000);
const HUGE_LAYER = descriptorOf(HUGE, OCI_LAYER);
const MIB = 1024 * 1024;

/** A transport that only has traits: the script answers. */
function limited(script: ReturnType<typeof uploadRegistry>["script"], traits: object) {
  const b = bench(script);
  const transport = Object.assign((request: Request) => b.transport(request), { traits });
  return { ...bench(() => undefined, { transport }), seen: b.transport.seen };
}

test("a blob is pushed in chunks of a given size, from bytes, a stream or a function", async () => {
  const sources: Record<string, () => ByteSource> = {
    bytes: () => LARGE,
    stream: () => piecesOf(LARGE),
    function: () => () => piecesOf(LARGE),
    "one piece": () => piecesOf(LARGE, { size: LARGE.length }),
  };
  for (const [name, source] of Object.entries(sources)) {
    const registry = uploadRegistry();
    const b = bench(registry.script);
    await b.clock.run(b.repository.push(LAYER, source(), { upload: { chunkBytes: 1_000_000 } }));
    assert.deepEqual(registry.stored.get(LAYER.digest), LARGE, name);
    assert.deepEqual(registry.log, [
      "POST",
      "PATCH 0-999999",
      "PATCH 1000000-1999999",
      "PATCH 2000000-2499999",
      "PUT",
    ], name);
    const [, first, second, , put] = b.transport.seen;
    assert.equal(first?.headers.get("content-type"), "application/octet-stream");
    assert.match(first?.path ?? "", /_state=0$/);
    assert.match(second?.path ?? "", /_state=1$/, "the newest location counts");
    const digest = `&digest=${encodeURIComponent(LAYER.digest)}`;
    assert.ok(put?.path.endsWith(`_state=3${digest}`), put?.path);
    assert.equal(b.clock.pending, 0, `${name}: timers are left`);
  }
});

test("content of one chunk is sent in one PUT", async () => {
  const registry = uploadRegistry();
  const b = bench(registry.script);
  await b.clock.run(b.repository.push(LAYER, LARGE, { upload: { chunkBytes: LARGE.length } }));
  assert.deepEqual(registry.log, ["POST", "PUT 0-2499999"]);
  for (const chunkBytes of [0, -1, 1.5, NaN]) {
    await assert.rejects(b.repository.push(LAYER, LARGE, { upload: { chunkBytes } }), RangeError);
    await assert.rejects(b.repository.startUpload({ chunkBytes }), RangeError);
  }
  await assert.rejects(b.repository.startUpload({ chunkBytes: Infinity }), RangeError);
});

test("chunkBytes: Infinity streams the content in one PATCH without a range", async () => {
  const registry = uploadRegistry();
  const b = bench(registry.script);
  const upload = { chunkBytes: Infinity };
  await b.clock.run(b.repository.push(LAYER, piecesOf(LARGE), { upload }));
  assert.deepEqual(registry.log, ["POST", "PATCH 0-2499999", "PUT"]);
  assert.equal(b.transport.seen[1]?.headers.has("content-range"), false);
  assert.deepEqual(registry.stored.get(LAYER.digest), LARGE);
});

test("OCI-Chunk-Min-Length makes chunks larger, all but the last", async () => {
  const registry = uploadRegistry({ opened: { "oci-chunk-min-length": "1200000" } });
  const b = bench(registry.script);
  await b.clock.run(b.repository.push(LAYER, piecesOf(LARGE), { upload: { chunkBytes: 500_000 } }));
  assert.deepEqual(registry.bodies.slice(0, 3), [1_200_000, 1_200_000, 100_000]);
  assert.deepEqual(registry.stored.get(LAYER.digest), LARGE);
});

test("a chunk minimum that is too much for memory leads to one PUT", async () => {
  const registry = uploadRegistry({ opened: { "oci-chunk-min-length": String(65 * MIB) } });
  const b = bench(registry.script);
  const upload = { chunkBytes: 500_000 };
  await b.clock.run(b.repository.push(LAYER, () => piecesOf(LARGE), { upload }));
  assert.deepEqual(registry.log.filter((line) => line !== "DELETE"), [
    "POST",
    "POST",
    "PUT 0-2499999",
  ]);
  assert.ok(b.events.some(({ type }) => type === "fallback"));
});

test("a chunk minimum above what a request may have is an error that says both", async () => {
  const registry = uploadRegistry({ opened: { "oci-chunk-min-length": "2000000" } });
  const b = limited(registry.script, { maxRequestBytes: 1_000_000 });
  const error = await failure(b.clock.run(b.repository.push(LAYER, () => piecesOf(LARGE))));
  assert.ok(error instanceof UploadError);
  assert.match(error.message, /chunks of 2000000 bytes, more than the 1000000/);
  assert.equal(registry.sessions.size, 0, "the session is given back");
});

test("content that is more than a request may have is sent in chunks of that size", async () => {
  for (const streamingUpload of [true, false]) {
    const registry = uploadRegistry();
    const b = limited(registry.script, { maxRequestBytes: 1_000_000, streamingUpload });
    await b.clock.run(b.repository.push(LAYER, piecesOf(LARGE)));
    assert.deepEqual(registry.bodies, [1_000_000, 1_000_000, 500_000, 0]);
    assert.deepEqual(registry.stored.get(LAYER.digest), LARGE);
  }
});

test("where requests cannot be streamed, no more than a chunk is held", async () => {
  let read = 0;
  let sent = 0;
  let held = 0;
  const registry = uploadRegistry({
    cut(_turn, body) {
      held = Math.max(held, read - sent);
      sent += body.byteLength;
      return undefined;
    },
  });
  const b = limited(registry.script, { streamingUpload: false });
  const source = piecesOf(HUGE, { onPull: (at) => read = at + 65_536 });
  await b.clock.run(b.repository.push(HUGE_LAYER, source));
  assert.deepEqual(registry.bodies, [4 * MIB, 4 * MIB, HUGE.length - 8 * MIB, 0]);
  assert.ok(held <= 4 * MIB + 65_536, `${held}`);
  assert.deepEqual(registry.stored.get(HUGE_LAYER.digest), HUGE);
});

test("content that is not what was announced is never put together, and the upload given back", async () => {
  const damaged = LARGE.slice();
  damaged[2_000_000] = (damaged[2_000_000] ?? 0) ^ 1;
  const cases: [string, Bytes, typeof DigestMismatchError | typeof SizeMismatchError][] = [
    ["another digest", damaged, DigestMismatchError],
    ["too short", LARGE.slice(1), SizeMismatchError],
    ["too long", new Uint8Array([...LARGE, 1]), SizeMismatchError],
  ];
  for (const [name, content, type] of cases) {
    for (const onState of [undefined, () => {}]) {
      const registry = uploadRegistry();
      const b = bench(registry.script);
      const upload = { chunkBytes: 1_000_000, onState };
      const error = await failure(
        b.clock.run(b.repository.push(LAYER, () => piecesOf(content), { upload })),
      );
      assert.ok(error instanceof type, `${name}: ${String(error)}`);
      assert.ok(!registry.log.includes("PUT"), name);
      assert.equal(registry.sessions.size, 0, name);
    }
  }
});

test("an error of the source is the error of the push, and the upload is given back", async () => {
  const reason = new RangeError("source broke");
  for (const upload of [undefined, { chunkBytes: 1_000_000 }, { chunkBytes: Infinity }]) {
    const registry = uploadRegistry();
    const b = bench(registry.script);
    const source = piecesOf(LARGE, {
      onPull(at) {
        if (at > 2_000_000) throw reason;
      },
    });
    const error = await failure(b.clock.run(b.repository.push(LAYER, source, { upload })));
    assert.equal(error, reason);
    assert.equal(registry.sessions.size, 0);
  }
});

test("abort ends an upload in chunks at once, and gives it back without waiting for that", async () => {
  let isHanging = false;
  const registry = uploadRegistry({
    async before({ method, count }) {
      if (method === "DELETE") await turn();
      if (method !== "PATCH" || count < 2) return undefined;
      isHanging = true;
      return await new Promise<Response>(() => {});
    },
  });
  const b = bench(registry.script);
  const controller = new AbortController();
  let cancelled = 0;
  const source = piecesOf(LARGE, { onCancel: () => cancelled++ });
  const { signal } = controller;
  const promise = failure(
    b.repository.push(LAYER, source, { upload: { chunkBytes: 1_000_000 }, signal }),
  );
  while (!isHanging) await turn();
  const reason = new Error("stop");
  controller.abort(reason);
  assert.equal(await promise, reason);
  assert.equal(registry.sessions.size, 1, "nobody has waited for the DELETE");
  for (let i = 0; i < 5; i++) await turn();
  assert.equal(registry.sessions.size, 0);
  assert.equal(cancelled, 1);
  assert.equal(b.clock.pending, 0);
});

test("an upload that fails tells so at once; giving it back takes five seconds at most", async () => {
  for (const chunkBytes of [1_000_000, undefined]) {
    for (
      const answer of [
        () => errorResponse(401, "UNAUTHORIZED"),
        () => new Promise<Response>(() => {}),
      ]
    ) {
      let isGivenBack = false;
      const registry = uploadRegistry({
        before({ method }) {
          if (method === "PATCH" || method === "PUT") return errorResponse(403, "DENIED");
          if (method !== "DELETE") return undefined;
          isGivenBack = true;
          return answer();
        },
      });
      const b = bench(registry.script);
      const { ms, result } = await b.clock.measure(() =>
        failure(b.repository.push(LAYER, LARGE, { upload: { chunkBytes } }))
      );
      assert.match(String(result), /403 DENIED/);
      assert.equal(ms, 0, "nobody has waited for the DELETE");
      const isOver = async () => {
        while (!isGivenBack || b.clock.pending > 0) await turn();
      };
      const { ms: rest } = await b.clock.measure(isOver);
      assert.ok(rest <= 5000, `${rest}`);
    }
  }
});

test("startUpload() takes content in pieces and finds its digest", async () => {
  const registry = uploadRegistry();
  const b = bench(registry.script);
  const upload = await b.clock.run(b.repository.startUpload({ chunkBytes: 1_000_000 }));
  assert.equal(upload.offset, 0);
  await b.clock.run(upload.append(LARGE.slice(0, 300_000)));
  assert.deepEqual(registry.log, ["POST"], "less than a chunk waits");
  await b.clock.run(upload.append(piecesOf(LARGE.slice(300_000, 2_000_001))));
  assert.equal(upload.offset, 2_000_000);
  await b.clock.run(upload.append(() => piecesOf(LARGE.slice(2_000_001))));
  const blob = await b.clock.run(upload.finish());
  assert.deepEqual(blob, { ...LAYER, mediaType: "application/octet-stream" });
  assert.deepEqual(registry.stored.get(LAYER.digest), LARGE);
  await assert.rejects(upload.append(LARGE), /the upload is over/);
  await upload.cancel();
  assert.equal(registry.log.at(-1), "PUT");
});

test("startUpload() knows sha512 and content of no bytes", async () => {
  const registry = uploadRegistry();
  const b = bench(registry.script);
  const upload = await b.clock.run(b.repository.startUpload({ algorithm: "sha512" }));
  const { digest, size } = await b.clock.run(upload.finish());
  assert.equal(digest, digestBytes("sha512", new Uint8Array()));
  assert.equal(size, 0);
  assert.ok(registry.stored.has(digest));
});

test("startUpload() refuses other content than was announced, and gives the upload back", async () => {
  const registry = uploadRegistry();
  const b = bench(registry.script);
  const { digest } = LAYER;
  const upload = await b.clock.run(b.repository.startUpload({ digest }));
  await b.clock.run(upload.append(LARGE.slice(1)));
  const error = await failure(b.clock.run(upload.finish()));
  assert.ok(error instanceof DigestMismatchError);
  assert.equal(error.expected, digest);
  assert.equal(registry.sessions.size, 0);
  assert.equal(registry.stored.size, 0);
});

test("after an error append() goes on at the offset", async () => {
  let isBroken = true;
  const registry = uploadRegistry({
    before: ({ method, count }) =>
      method === "PATCH" && count > 1 && isBroken ? errorResponse(403, "DENIED") : undefined,
  });
  const b = bench(registry.script);
  const upload = await b.clock.run(b.repository.startUpload({ chunkBytes: 1_000_000 }));
  await failure(b.clock.run(upload.append(LARGE)));
  assert.equal(upload.offset, 1_000_000);
  const cutOff = await failure(upload.finish());
  assert.match(String(cutOff), /an error has cut it off; append it again from 1000000/);
  isBroken = false;
  const signal = AbortSignal.abort(new Error("stop"));
  await failure(upload.append(LARGE.slice(upload.offset), { signal }));
  await b.clock.run(upload.append(LARGE.slice(upload.offset)));
  assert.equal((await b.clock.run(upload.finish())).digest, LAYER.digest);
});

test("what an append() has left in memory is given again after another has failed", async () => {
  const registry = uploadRegistry();
  const b = bench(registry.script);
  const upload = await b.clock.run(b.repository.startUpload());
  await upload.append(LARGE.slice(0, 1000));
  const reason = new Error("stop");
  const signal = AbortSignal.abort(reason);
  assert.equal(await failure(upload.append(LARGE, { signal })), reason);
  assert.ok(await failure(upload.finish()) instanceof TypeError);
  await b.clock.run(upload.append(LARGE.slice(upload.offset)));
  assert.equal((await b.clock.run(upload.finish())).digest, LAYER.digest);
});

test("a part of a chunk that the registry left is no chunk below its minimum", async () => {
  const registry = uploadRegistry({
    opened: { "oci-chunk-min-length": "800000" },
    keep: ({ method, count }) => method === "PATCH" && count === 1 ? 500_000 : undefined,
  });
  const b = bench(registry.script);
  await b.clock.run(b.repository.push(LAYER, piecesOf(LARGE), { upload: { chunkBytes: 800_000 } }));
  assert.deepEqual(registry.bodies, [800_000, 800_000, 800_000, 400_000, 0]);
  assert.deepEqual(registry.stored.get(LAYER.digest), LARGE);
});

test("one call at a time works on an upload", async () => {
  const registry = uploadRegistry();
  const b = bench(registry.script);
  const upload = await b.clock.run(b.repository.startUpload());
  const first = upload.append(LARGE);
  await assert.rejects(upload.finish(), /it is busy; await it/);
  await b.clock.run(first);
  await b.clock.run(upload.cancel());
  assert.equal(registry.sessions.size, 0);
  await assert.rejects(upload.finish(), /the upload is over/);
});

test("a repository that is missing is said to be missing", async () => {
  const b = bench(() => errorResponse(404, "NAME_UNKNOWN"));
  const error = await failure(b.clock.run(b.repository.startUpload()));
  assert.ok(error instanceof NotFoundError);
  assert.match(error.message, /create the repository first/);
});
