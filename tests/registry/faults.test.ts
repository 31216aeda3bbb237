import { test } from "node:test";
import assert from "node:assert/strict";
import {
  DigestMismatchError,
  NotFoundError,
  RegistryError,
  SizeMismatchError,
} from "../../lib/model/errors.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import {
  type Fault,
  type FaultRule,
  type FaultyTransport,
  faultyTransport,
} from "../../lib/testing/faulty_transport.ts";
import { Registry, type RegistryOptions } from "../../lib/registry/mod.ts";
import { sleep } from "../../lib/registry/clock.ts";
import { FakeClock, turn } from "./fake_clock.ts";
import {
  answer,
  bench,
  descriptorOf,
  failure,
  MANIFEST,
  noise,
  OCI_LAYER,
  OCI_LAYER_GZIP,
  readAllBytes,
} from "./scripted.ts";

/** Larger than what is held back, so that it streams. */
const LARGE = noise(600_000);
const SMALL = noise(4000, 7);

interface Run {
  readonly transport: FaultyTransport;
  readonly clock: FakeClock;
  readonly repository: ReturnType<Registry["repository"]>;
}

/** A registry that serves one blob in chunks, with ranges, and goes wrong by rule. */
function blobRegistry(
  content: Bytes,
  rules: readonly FaultRule[],
  options: RegistryOptions & { headers?: Record<string, string> } = {},
): Run {
  const clock = new FakeClock();
  const serve = (request: Request): Promise<Response> => {
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.get("range") ?? "");
    const start = Number(range?.[1] ?? 0);
    const end = Math.min(Number(range?.[2] ?? content.byteLength - 1), content.byteLength - 1) + 1;
    const body = chunked(content.slice(start, end));
    return Promise.resolve(
      new Response(request.method === "HEAD" ? null : body, {
        status: range === null ? 200 : 206,
        headers: {
          "content-type": "application/octet-stream",
          ...options.headers,
          ...(range === null
            ? {}
            : { "content-range": `bytes ${start}-${end - 1}/${content.byteLength}` }),
        },
      }),
    );
  };
  const transport = faultyTransport(serve, rules, { sleep: (ms) => sleep(clock, ms) });
  const registry = new Registry("registry.example", {
    transport,
    clock,
    ...options,
    retry: { random: () => 0.5, ...options.retry },
  });
  return { transport, clock, repository: registry.repository("acme/app") };
}

const CHUNK = 16_384;

function chunked(content: Bytes): ReadableStream<Bytes> {
  let at = 0;
  return new ReadableStream<Bytes>({
    pull(controller) {
      if (at >= content.byteLength) return controller.close();
      controller.enqueue(content.slice(at, at += CHUNK));
    },
  }, { highWaterMark: 0 });
}

function fetchAll(run: Run, content: Bytes, mediaType = OCI_LAYER): Promise<Bytes> {
  const descriptor = descriptorOf(content, mediaType);
  return run.clock.run(run.repository.fetch(descriptor).then(readAllBytes));
}

const OFFSETS = [0, 1, 511, 512, 513, 65_535, 65_536, 65_537, LARGE.length - 1];

for (const kind of ["cut", "end"] as const) {
  test(`F1, F2 and F3: a body that breaks (${kind}) anywhere is continued where it broke`, async () => {
    for (const after of OFFSETS) {
      const run = blobRegistry(LARGE, [{ nth: 1, fault: { kind, after } }]);
      assert.deepEqual(await fetchAll(run, LARGE), LARGE, `after ${after}`);
      assert.equal(run.transport.exchanges.length, 2, `after ${after}`);
      const read = run.transport.exchanges.reduce((sum, { bytes }) => sum + bytes, 0);
      assert.equal(read, LARGE.length, `bytes read twice after ${after}`);
      const range = after === 0 ? null : `bytes=${after}-${LARGE.length - 1}`;
      assert.equal(run.transport.exchanges[1]?.headers.get("range"), range, `after ${after}`);
    }
  });
}

test("F1: as many breaks as there may be, while each attempt makes progress", async () => {
  const nths = Array.from({ length: 25 }, (_, index) => index + 1);
  const run = blobRegistry(LARGE, [{ nth: nths, fault: { kind: "cut", after: 20_000 } }]);
  assert.deepEqual(await fetchAll(run, LARGE), LARGE);
  assert.equal(run.transport.exchanges.length, 26);
});

test("F1: three attempts without a new byte are the end", async () => {
  const run = blobRegistry(LARGE, [
    { nth: 1, fault: { kind: "cut", after: 1000 } },
    { nth: [2, 3, 4, 5, 6], fault: { kind: "cut", after: 0 } },
  ]);
  const error = await failure(fetchAll(run, LARGE));
  assert.ok(error instanceof RegistryError, String(error));
  assert.match(error.message, /broke off .* after 1000 of 600000 bytes/);
  assert.equal(run.transport.exchanges.length, 4);
});

test("F1: a server that breaks off after every few bytes is left, however large the blob is", async () => {
  for (const after of [1, 100]) {
    const run = blobRegistry(LARGE, [{ fault: { kind: "cut", after } }]);
    const error = await failure(fetchAll(run, LARGE));
    assert.ok(error instanceof RegistryError, String(error));
    assert.match(error.message, /broke off 33 times, at last after \d+ of 600000 bytes/);
    assert.equal(run.transport.exchanges.length, 33);
  }
});

test("F1: what breaks off after little between longer pieces is read to its end", async () => {
  const short = Array.from({ length: 50 }, (_, index) => 2 * index + 1);
  const long = short.map((nth) => nth + 1);
  const run = blobRegistry(LARGE, [
    { nth: short, fault: { kind: "cut", after: 10 } },
    { nth: long, fault: { kind: "cut", after: 40_000 } },
  ]);
  assert.deepEqual(await fetchAll(run, LARGE), LARGE);
});

test("a break after the last byte is none", async () => {
  const run = blobRegistry(LARGE, [{ fault: { kind: "cut", after: LARGE.length } }]);
  assert.deepEqual(await fetchAll(run, LARGE), LARGE);
  assert.equal(run.transport.exchanges.length, 1);
});

test("F4: bytes behind the end are an error, and never reach the consumer", async () => {
  for (const content of [SMALL, LARGE]) {
    const run = blobRegistry(content, [{ fault: { kind: "append", bytes: 1 } }]);
    let seen = 0;
    const work = run.repository.fetch(descriptorOf(content, OCI_LAYER)).then(async (stream) => {
      const reader = stream.getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        seen += value.byteLength;
      }
    });
    assert.ok(await failure(run.clock.run(work)) instanceof SizeMismatchError);
    assert.ok(seen <= content.byteLength, `${seen} bytes`);
  }
});

test("a blob that is shorter by its Content-Length than its descriptor says has not broken off", async () => {
  for (const [given, wanted] of [[599_999, 600_000], [0, 600_000], [4000, 4001]] as const) {
    const headers = { "content-length": String(given) };
    const run = blobRegistry(LARGE.slice(0, given), [], { headers });
    const error = await failure(fetchAll(run, LARGE.slice(0, wanted)));
    assert.ok(error instanceof SizeMismatchError, String(error));
    assert.equal(error.expected, wanted);
    assert.equal(error.actual, given);
    assert.equal(run.transport.exchanges.length, 1, `${given} of ${wanted} bytes`);
  }
});

test("a range that the blob is too short for has not broken off either", async () => {
  const short = LARGE.slice(0, 599_999);
  for (const hasRanges of [true, false]) {
    const run = bench((_, { headers }) => {
      if (!hasRanges || headers.get("range") === null) {
        return new Response(short, { headers: { "content-length": String(short.length) } });
      }
      const range = `bytes 500000-${short.length - 1}/${short.length}`;
      return new Response(short.slice(500_000), {
        status: 206,
        headers: { "content-range": range },
      });
    });
    const fetched = run.repository.fetch(descriptorOf(LARGE, OCI_LAYER), {
      range: { start: 500_000, end: LARGE.length - 1 },
    });
    const error = await failure(run.clock.run(fetched.then(readAllBytes)));
    assert.ok(error instanceof SizeMismatchError, String(error));
    assert.deepEqual([error.expected, error.actual], [100_000, 99_999]);
    assert.equal(run.transport.seen.length, hasRanges ? 2 : 1);
  }
});

test("F5: one flipped bit is refused, wherever it is", async () => {
  for (let i = 0; i < 200; i++) {
    const offset = Math.floor((i + 0.5) * SMALL.length / 200);
    const run = blobRegistry(SMALL, [{ nth: 1, fault: { kind: "flip", offset } }]);
    const error = await failure(fetchAll(run, SMALL));
    assert.ok(error instanceof DigestMismatchError, `offset ${offset}: ${String(error)}`);
    assert.equal(error.expected, descriptorOf(SMALL, OCI_LAYER).digest);
    assert.notEqual(error.actual, error.expected);
  }
});

test("F5: the last chunk of a damaged blob is not handed over", async () => {
  const run = blobRegistry(LARGE, [{ fault: { kind: "flip", offset: 300_000 } }]);
  let seen = 0;
  const work = run.repository.fetch(descriptorOf(LARGE, OCI_LAYER)).then(async (stream) => {
    for (const reader = stream.getReader();;) {
      const { done, value } = await reader.read();
      if (done) return;
      seen += value.byteLength;
    }
  });
  assert.ok(await failure(run.clock.run(work)) instanceof DigestMismatchError);
  assert.ok(seen < LARGE.length);
});

test("a small blob that is wrong after it was continued is fetched once more, cleanly", async () => {
  const run = blobRegistry(SMALL, [
    { nth: 1, fault: { kind: "cut", after: 1000 } },
    { nth: 2, fault: { kind: "flip", offset: 5 } },
  ]);
  assert.deepEqual(await fetchAll(run, SMALL), SMALL);
  assert.deepEqual(
    run.transport.exchanges.map(({ headers }) => headers.get("range")),
    [null, "bytes=1000-3999", null],
  );
});

test("a large blob that is wrong after it was continued is an error, because part of it is out", async () => {
  const run = blobRegistry(LARGE, [
    { nth: 1, fault: { kind: "cut", after: 1000 } },
    { nth: 2, fault: { kind: "flip", offset: 5 } },
  ]);
  assert.ok(await failure(fetchAll(run, LARGE)) instanceof DigestMismatchError);
});

test("F12: no header within 30 seconds is an error, and abort works at once", async () => {
  const run = blobRegistry(LARGE, [{ fault: { kind: "stall" } }]);
  const { ms, result } = await run.clock.measure(() =>
    failure(run.repository.fetch(descriptorOf(LARGE, OCI_LAYER)))
  );
  assert.equal(ms, 30_000);
  assert.ok(result instanceof RegistryError);
  assert.match(result.message, /no answer within 30 s/);

  const controller = new AbortController();
  const { signal } = controller;
  const reason = new Error("enough");
  const promise = failure(run.repository.fetch(descriptorOf(LARGE, OCI_LAYER), { signal }));
  await new Promise((resolve) => setTimeout(resolve, 5));
  // The clock stands still: nothing but the abort ends it.
  controller.abort(reason);
  assert.equal(await promise, reason);
  assert.equal(run.clock.pending, 0);
});

test("F12 and F13: timeouts are those that were given", async () => {
  const timeouts = { headersMs: 1500, idleMs: 2500 };
  const silent = blobRegistry(LARGE, [{ fault: { kind: "stall" } }], { timeouts });
  const header = await silent.clock.measure(() =>
    failure(silent.repository.fetch(descriptorOf(LARGE, OCI_LAYER)))
  );
  assert.equal(header.ms, 1500);
  assert.match(String(header.result), /no answer within 1\.5 s/);
  const stalled = { kind: "stall-body", after: 10 } as const;
  const run = blobRegistry(LARGE, [{ nth: 1, fault: stalled }], { timeouts });
  const { ms, result } = await run.clock.measure(() =>
    run.repository.fetch(descriptorOf(LARGE, OCI_LAYER)).then(readAllBytes)
  );
  assert.deepEqual(result, LARGE);
  assert.equal(ms, 2500);
});

test("a timeout that is no time is refused", () => {
  for (const ms of [0, -1, NaN]) {
    for (const timeouts of [{ headersMs: ms }, { idleMs: ms }]) {
      const make = () => new Registry("registry.example", { timeouts });
      assert.throws(make, { name: "RangeError", message: /Cannot time out: / });
    }
  }
});

test("F12: a transport that takes no notice of an abort is left behind", async () => {
  let cancelled = false;
  let answerLate: (response: Response) => void = () => {};
  const registry = new Registry("registry.example", {
    transport: () => new Promise((resolve) => answerLate = resolve),
  });
  const controller = new AbortController();
  const promise = failure(registry.repository("a").resolve("b", { signal: controller.signal }));
  setTimeout(() => controller.abort("stop"), 2);
  assert.equal(await promise, "stop");
  answerLate(new Response(new ReadableStream({ cancel: () => void (cancelled = true) })));
  await turn();
  assert.equal(cancelled, true, "the late answer is let go");
});

test("F13: silence in a body is an error after 60 seconds, and the rest is fetched", async () => {
  const run = blobRegistry(LARGE, [{ nth: 1, fault: { kind: "stall-body", after: 10 } }]);
  const { ms, result } = await run.clock.measure(() =>
    run.repository.fetch(descriptorOf(LARGE, OCI_LAYER)).then(readAllBytes)
  );
  assert.deepEqual(result, LARGE);
  assert.equal(ms, 60_000);
  assert.equal(run.transport.exchanges[1]?.headers.get("range"), `bytes=10-${LARGE.length - 1}`);
});

test("F13 and F14: slow but steady is no error, for hours, and a signal ends it (lesson 80)", async () => {
  const content = noise(300_000, 3);
  const slow: Fault = { kind: "throttle", bytes: 1000, ms: 59_000 };
  const run = blobRegistry(content, [{ fault: slow }]);
  const { ms, result } = await run.clock.measure(() =>
    run.repository.fetch(descriptorOf(content, OCI_LAYER)).then(readAllBytes)
  );
  assert.deepEqual(result, content);
  assert.ok(ms > 59_000 * 300, `${ms}`);
  assert.equal(run.transport.exchanges.length, 1);

  const controller = new AbortController();
  const again = blobRegistry(content, [{ fault: slow }]);
  const stream = await again.clock.run(
    again.repository.fetch(descriptorOf(content, OCI_LAYER), { signal: controller.signal }),
  );
  const reading = failure(readAllBytes(stream));
  const reason = new Error("too slow");
  controller.abort(reason);
  assert.equal(await again.clock.run(reading), reason);
  assert.equal(again.transport.exchanges.length, 1);
});

test("a consumer that takes its time is no silence of the registry", async () => {
  const run = blobRegistry(LARGE, []);
  const stream = await run.clock.run(run.repository.fetch(descriptorOf(LARGE, OCI_LAYER)));
  const reader = stream.getReader();
  await run.clock.run(reader.read());
  await run.clock.run(sleep(run.clock, 10 * 60_000));
  await run.clock.run(reader.read());
  await run.clock.run(reader.cancel());
  assert.equal(run.transport.exchanges.length, 1);
});

test("F16: a server without ranges is read from the start, and what is known is skipped", async () => {
  const run = blobRegistry(LARGE, [
    { nth: 1, fault: { kind: "cut", after: 100_000 } },
    { nth: 2, fault: { kind: "ignore-range" } },
  ]);
  assert.deepEqual(await fetchAll(run, LARGE), LARGE);
  const part = blobRegistry(LARGE, [{ fault: { kind: "ignore-range" } }]);
  const stream = await part.clock.run(
    part.repository.fetch(descriptorOf(LARGE, OCI_LAYER), {
      range: { start: 50_000, end: 50_009 },
    }),
  );
  assert.deepEqual(await part.clock.run(readAllBytes(stream)), LARGE.slice(50_000, 50_010));
  assert.equal(part.transport.exchanges[0]?.isCancelled, true);
});

test("F16: a wrong Content-Range is never spliced in", async () => {
  for (const by of [-1, 1, 1000]) {
    const run = blobRegistry(LARGE, [
      { nth: 1, fault: { kind: "cut", after: 100_000 } },
      { nth: 2, fault: { kind: "shift-range", by } },
    ]);
    assert.deepEqual(await fetchAll(run, LARGE), LARGE, `shifted by ${by}`);
    assert.equal(run.transport.exchanges[2]?.headers.get("range"), null);
  }
});

test("F16: a 206 without Content-Range, and a 416, lead to the whole content", async () => {
  const faults: Fault[] = [
    { kind: "headers", headers: { "content-range": null } },
    { kind: "status", status: 416, headers: { "content-range": "bytes */600000" } },
    { kind: "headers", headers: { "content-encoding": "gzip" } },
  ];
  for (const fault of faults) {
    const run = blobRegistry(LARGE, [
      { nth: 1, fault: { kind: "cut", after: 100_000 } },
      { nth: 2, fault },
    ]);
    assert.deepEqual(await fetchAll(run, LARGE), LARGE, JSON.stringify(fault));
  }
});

test("a blob that has gone between two attempts is an error of its own", async () => {
  const run = blobRegistry(LARGE, [
    { nth: 1, fault: { kind: "cut", after: 100_000 } },
    { nth: 2, fault: { kind: "status", status: 404 } },
  ]);
  assert.ok(await failure(fetchAll(run, LARGE)) instanceof NotFoundError);
});

test("lesson 79: a range is always closed, and checked for its length", async () => {
  const run = blobRegistry(LARGE, []);
  const descriptor = descriptorOf(LARGE, OCI_LAYER);
  const tail = await run.clock.run(run.repository.fetch(descriptor, { range: { start: 599_990 } }));
  assert.deepEqual(await run.clock.run(readAllBytes(tail)), LARGE.slice(599_990));
  assert.equal(run.transport.exchanges[0]?.headers.get("range"), "bytes=599990-599999");
  const over = { start: 599_990, end: 700_000 };
  const cut = await run.clock.run(run.repository.fetch(descriptor, { range: over }));
  assert.deepEqual(await run.clock.run(readAllBytes(cut)), LARGE.slice(599_990));
  for (const range of [{ start: 600_000 }, { start: -1 }, { start: 5, end: 4 }, { start: 0.5 }]) {
    const error = await failure(run.repository.fetch(descriptor, { range }));
    assert.ok(error instanceof RangeError, JSON.stringify(range));
  }
});

test("a range that breaks off is continued too", async () => {
  const run = blobRegistry(LARGE, [{ nth: 1, fault: { kind: "cut", after: 7 } }]);
  const range = { start: 1000, end: 50_000 };
  const stream = await run.clock.run(
    run.repository.fetch(descriptorOf(LARGE, OCI_LAYER), { range }),
  );
  assert.deepEqual(await run.clock.run(readAllBytes(stream)), LARGE.slice(1000, 50_001));
  assert.deepEqual(run.transport.exchanges.map(({ headers }) => headers.get("range")), [
    "bytes=1000-50000",
    "bytes=1007-50000",
  ]);
});

test("lesson 57: an encoded blob is decoded, whether or not it is a gzip file itself", async () => {
  const plain = noise(100_000, 9);
  const zipped = new Uint8Array(
    await new Response(
      new Blob([plain]).stream().pipeThrough(new CompressionStream("gzip")),
    ).arrayBuffer(),
  );
  const encode = async (bytes: Bytes) =>
    new Uint8Array(
      await new Response(
        new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip")),
      ).arrayBuffer(),
    );
  const headers = { "content-encoding": "gzip" };
  const cases: [string, Bytes, Bytes, string][] = [
    ["encoded on the wire", await encode(plain), plain, OCI_LAYER],
    ["decoded by the runtime", plain, plain, OCI_LAYER],
    ["a gzip file, encoded again", await encode(zipped), zipped, OCI_LAYER_GZIP],
    ["a gzip file, decoded once by the runtime", zipped, zipped, OCI_LAYER_GZIP],
  ];
  for (const [name, wire, content, type] of cases) {
    const run = blobRegistry(wire, [], { headers });
    assert.deepEqual(await fetchAll(run, content, type), content, name);
  }
  // quay#1310: the header describes the layer, not the transfer.
  const length = { ...headers, "content-length": String(zipped.length) };
  const labelled = blobRegistry(zipped, [], { headers: length });
  assert.deepEqual(await fetchAll(labelled, zipped, OCI_LAYER_GZIP), zipped);
});

test("an encoded blob that breaks off is read from the start, not by a range", async () => {
  const headers = { "content-encoding": "gzip" };
  const run = blobRegistry(LARGE, [{ nth: 1, fault: { kind: "cut", after: 300_000 } }], {
    headers,
  });
  assert.deepEqual(await fetchAll(run, LARGE), LARGE);
  assert.equal(run.transport.exchanges[1]?.headers.get("range"), null);
});

test("an empty blob is read like any other", async () => {
  const empty = new Uint8Array();
  const run = blobRegistry(empty, []);
  assert.deepEqual(await fetchAll(run, empty), empty);
});

test("cancelling a blob cancels its body, also before the first read", async () => {
  for (const isRead of [false, true]) {
    const run = blobRegistry(LARGE, []);
    const stream = await run.clock.run(run.repository.fetch(descriptorOf(LARGE, OCI_LAYER)));
    const reader = stream.getReader();
    if (isRead) await run.clock.run(reader.read());
    await run.clock.run(reader.cancel());
    assert.equal(run.transport.exchanges[0]?.isCancelled, true);
    assert.equal(run.clock.pending, 0, "timers are left");
  }
});

/** A fetch of LARGE whose body comes chunk by chunk, when the test wants. */
async function slowFetch(signal?: AbortSignal) {
  let answerPull = () => {};
  const body = new ReadableStream<Bytes>({
    pull: (controller) =>
      new Promise<void>((done) => {
        answerPull = () => {
          controller.enqueue(LARGE.slice(0, 1000));
          done();
        };
      }),
  }, { highWaterMark: 0 });
  const run = bench(() => new Response(body));
  const stream = await run.clock.run(
    run.repository.fetch(descriptorOf(LARGE, OCI_LAYER), { signal }),
  );
  return { ...run, reader: stream.getReader(), giveChunk: () => answerPull() };
}

test("a download that is cancelled during a read asks for nothing more", async () => {
  const { reader, clock, transport, events } = await slowFetch();
  const reading = reader.read();
  await turn();
  await clock.run(reader.cancel("enough"));
  assert.deepEqual(await reading, { done: true, value: undefined });
  await turn();
  assert.equal(transport.seen.length, 1);
  assert.deepEqual(events, []);
  assert.equal(clock.pending, 0, "timers are left");
});

test("a download that is aborted and cancelled while a chunk arrives rejects nowhere else", async () => {
  for (let steps = 0; steps < 12; steps += 1) {
    const abort = new AbortController();
    const { reader, clock, giveChunk } = await slowFetch(abort.signal);
    const reading = reader.read().catch(() => {});
    await turn();
    giveChunk();
    for (let step = 0; step < steps; step += 1) await undefined;
    abort.abort(new Error("enough"));
    const cancelled = reader.cancel().catch(() => {});
    await Promise.all([reading, cancelled]);
    await turn(); // A rejection that nobody takes fails the test here.
    assert.equal(clock.pending, 0, "timers are left");
  }
});

test("a manifest that breaks off is asked for again", async () => {
  const clock = new FakeClock();
  const transport = faultyTransport((request) => Promise.resolve(answer(MANIFEST, request)), [
    { nth: [1, 2], fault: { kind: "cut", after: 5 } },
  ]);
  const registry = new Registry("registry.example", { transport, clock });
  const manifest = await clock.run(registry.repository("acme/app").manifest("v1"));
  assert.equal(manifest.descriptor.digest, MANIFEST.descriptor.digest);
  assert.equal(transport.exchanges.length, 3);
});

test("lesson 82: a blob is streamed, not collected", async () => {
  const run = blobRegistry(LARGE, []);
  const stream = await run.clock.run(run.repository.fetch(descriptorOf(LARGE, OCI_LAYER)));
  const reader = stream.getReader();
  await run.clock.run(reader.read());
  const bytes = run.transport.exchanges[0]?.bytes ?? 0;
  assert.ok(bytes <= 3 * CHUNK, `${bytes} bytes were taken for the first chunk`);
  await reader.cancel();
});
