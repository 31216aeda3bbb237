/** F1 to F4, F13, F14 and F16: bodies that break on the way down, over real sockets. */
import { test } from "node:test";
import assert from "node:assert/strict";
import { DigestMismatchError, RegistryError, SizeMismatchError } from "../../lib/model/errors.ts";
import type { WireFault } from "../support/fault_proxy.ts";
import { type Bench, drain, failure, noise, putBlob, withBench } from "./bench.ts";

const MIB = 1024 * 1024;
const LARGE = noise(64 * MIB);
const SMALL = noise(200_000, 7);
const GET = /^GET \/v2\/acme\/app\/blobs\//;

/** What may be fetched again for each cut. */
const MOST_AGAIN = 64 * 1024;

/** Where the requests for a blob began. */
function starts({ sent }: Bench): number[] {
  return sent("GET").map(({ headers }) =>
    Number(/^bytes=(\d+)-/.exec(headers.get("range") ?? "")?.[1] ?? 0)
  );
}

const OFFSETS = [1, 65_537, LARGE.byteLength - 1];

const BREAKS: readonly (readonly [name: string, fault: (after: number) => WireFault])[] = [
  ["F1: a reset", (after) => ({ kind: "cut", after })],
  ["F2: an end short of Content-Length", (after) => ({ kind: "end", after })],
  ["F3: a clean end without any length", (after) => ({ kind: "no-length", after })],
  ["F3: chunks without a last one", (after) => ({ kind: "open-chunks", after })],
];

for (const [name, fault] of BREAKS) {
  test(`${name} at ${OFFSETS.length} offsets of 64 MiB: the rest is fetched, once`, async () => {
    for (const after of OFFSETS) {
      await withBench({ wire: [{ on: GET, nth: 1, fault: fault(after) }] }, async (bench) => {
        const blob = await putBlob(bench, LARGE);
        const { result } = await bench.clock.measure(async () =>
          await drain(await bench.repository.fetch(blob))
        );
        assert.equal(result, LARGE.byteLength);
        const [first, second = 0, ...more] = starts(bench);
        assert.deepEqual([first, more], [0, []], `cut after ${after}`);
        assert.ok(second <= after && second >= after - MOST_AGAIN, `${second} after ${after}`);
        assert.equal(bench.sent("GET")[1]?.bytesOut, LARGE.byteLength - second);
      });
    }
  });
}

test("F1: ten resets in a row cost as many requests, and what arrived is not fetched again", async () => {
  const cuts = Array.from({ length: 10 }, (_, i) => i + 1);
  const wire = [{ on: GET, nth: cuts, fault: { kind: "cut", after: 3 * MIB } as const }];
  await withBench({ wire }, async (bench) => {
    const blob = await putBlob(bench, LARGE);
    await bench.clock.measure(async () => await drain(await bench.repository.fetch(blob)));
    const begun = starts(bench);
    assert.equal(begun.length, cuts.length + 1);
    for (const [i, start] of begun.entries()) {
      const before = begun[i - 1];
      if (before === undefined) continue;
      assert.ok(before + 3 * MIB - start <= MOST_AGAIN, `request ${i} began at ${start}`);
    }
  });
});

test("F4: a length that is wrong, or bytes too many, never give more than the blob has", async () => {
  const faults: readonly WireFault[] = [
    { kind: "lie-length", by: -1 },
    { kind: "lie-length", by: 1 },
    { kind: "lie-length", by: 1000 },
    { kind: "lie-length", by: -100_000 },
  ];
  for (const fault of faults) {
    for (const content of [SMALL, noise(3 * MIB)]) {
      await withBench({ wire: [{ on: GET, nth: 1, fault }] }, async (bench) => {
        const blob = await putBlob(bench, content);
        const seen = { bytes: 0 };
        const { result } = await bench.clock.measure(() =>
          bench.repository.fetch(blob).then((stream) => drain(stream, seen)).catch((error) =>
            failure(Promise.reject(error))
          )
        );
        if (typeof result === "number") assert.equal(result, content.byteLength);
        else assert.ok(result instanceof SizeMismatchError, String(result));
        assert.ok(seen.bytes <= content.byteLength, `${seen.bytes} of ${content.byteLength}`);
      });
    }
  }
  const answers = [{ method: "GET", fault: { kind: "append", bytes: 7 } }] as const;
  await withBench({ answers, wire: [{ on: GET, fault: { kind: "no-length" } }] }, async (bench) => {
    const blob = await putBlob(bench, SMALL);
    const seen = { bytes: 0 };
    const error = await failure(bench.repository.fetch(blob).then((stream) => drain(stream, seen)));
    assert.ok(error instanceof SizeMismatchError, String(error));
    assert.ok(seen.bytes <= SMALL.byteLength);
  });
});

test("F5: bytes that come twice are refused, and the error names both digests", async () => {
  for (const offset of [0, 65_536, SMALL.byteLength - 11]) {
    const fault = { kind: "duplicate", offset, bytes: 10 } as const;
    await withBench({ wire: [{ on: GET, fault }] }, async (bench) => {
      const blob = await putBlob(bench, SMALL);
      const seen = { bytes: 0 };
      const error = await failure(
        bench.repository.fetch(blob).then((stream) => drain(stream, seen)),
      );
      assert.ok(error instanceof DigestMismatchError, `${offset}: ${String(error)}`);
      assert.equal(error.expected, blob.digest);
      assert.notEqual(error.actual, blob.digest);
      assert.ok(seen.bytes < SMALL.byteLength, "it was handed over whole");
    });
  }
});

test("F13: silence behind ten bytes is an error after 60 seconds, and the rest is fetched", async () => {
  for (const after of [0, 10, 100_000]) {
    const wire = [{ on: GET, nth: 1, fault: { kind: "stall-body", after } }] as const;
    await withBench({ wire }, async (bench) => {
      const blob = await putBlob(bench, SMALL);
      const { ms, result } = await bench.clock.measure(async () =>
        await drain(await bench.repository.fetch(blob))
      );
      assert.equal(result, SMALL.byteLength);
      assert.ok(ms >= 59_000 && ms <= 61_000, `${ms} ms behind ${after} bytes`);
      assert.deepEqual(starts(bench), [0, after]);
    });
  }
});

test("F13: a registry that gives 1 kB in a second is not silent", async () => {
  const content = noise(40_000, 3);
  const wire = [{ on: GET, fault: { kind: "trickle", bytes: 1000, ms: 1000 } }] as const;
  await withBench({ wire }, async (bench) => {
    const blob = await putBlob(bench, content);
    const { ms, result } = await bench.clock.measure(async () =>
      await drain(await bench.repository.fetch(blob))
    );
    assert.equal(result, content.byteLength);
    assert.ok(ms >= 39_000 && ms <= 60_000, `${ms} ms`);
    assert.equal(bench.sent("GET").length, 1);
  });
});

test("F14: one byte in 59 seconds goes on for ever, until a signal ends it", async () => {
  const wire = [{ on: GET, fault: { kind: "trickle", bytes: 1, ms: 59_000 } }] as const;
  await withBench({ wire }, async (bench) => {
    const blob = await putBlob(bench, SMALL);
    const controller = new AbortController();
    const reason = new Error("too slow");
    const stop = bench.clock.setTimer(8 * 59_000 + 1, () => controller.abort(reason));
    const { ms, result } = await bench.clock.measure(() =>
      failure(bench.repository.fetch(blob, { signal: controller.signal }).then(drain))
    );
    stop();
    assert.equal(result, reason);
    assert.equal(ms, 8 * 59_000 + 1);
    assert.equal(bench.sent("GET").length, 1);
    assert.equal(bench.sent("GET")[0]?.bytesOut, 8);
  });
});

test("F16: ranges that are ignored, wrong or refused never give a spliced blob", async () => {
  const faults = [
    { kind: "ignore-range" },
    { kind: "shift-range", by: 1 },
    { kind: "shift-range", by: -1000 },
    { kind: "headers", headers: { "content-range": null } },
    { kind: "status", status: 416, headers: { "content-range": "bytes */200000" } },
  ] as const;
  for (const fault of faults) {
    for (const after of [1, 65_536, SMALL.byteLength - 1]) {
      const options = {
        wire: [{ on: GET, nth: 1, fault: { kind: "cut", after } }],
        answers: [{ method: "GET", path: /\/blobs\//, nth: 2, fault }],
      } as const;
      await withBench(options, async (bench) => {
        const blob = await putBlob(bench, SMALL);
        const { result } = await bench.clock.measure(async () =>
          await drain(await bench.repository.fetch(blob))
        );
        assert.equal(result, SMALL.byteLength);
        const asked = bench.sent("GET").length;
        assert.ok(asked <= 3, `${asked} requests for ${fault.kind} after ${after}`);
      });
    }
  }
});

test("F1: a blob whose connection always breaks at the same byte ends after three more", async () => {
  const wire = [
    { on: GET, nth: 1, fault: { kind: "cut", after: 1000 } },
    { on: GET, fault: { kind: "cut", after: 0 } },
  ] as const;
  await withBench({ wire }, async (bench) => {
    const blob = await putBlob(bench, SMALL);
    const { result } = await bench.clock.measure(() =>
      failure(bench.repository.fetch(blob).then(drain))
    );
    assert.ok(result instanceof RegistryError);
    assert.match(result.message, /broke off .* after 1000 of 200000 bytes/);
    assert.equal(bench.sent("GET").length, 4);
  });
});
