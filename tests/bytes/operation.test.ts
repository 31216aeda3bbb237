import { test } from "node:test";
import assert from "node:assert/strict";
import { mapConcurrent, SingleFlight, startOperation } from "../../lib/bytes/mod.ts";

const tick = (ms = 1): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test("an operation gives its result to everyone who awaits it", async () => {
  let runs = 0;
  const operation = startOperation(() => Promise.resolve(++runs));
  assert.equal(await operation, 1);
  assert.equal(await operation, 1);
});

test("an operation that nobody iterates does not stall, and keeps the newest state of each key", async () => {
  const operation = startOperation<string, { key: string; value: number }>(async ({ emit }) => {
    for (let value = 0; value < 100_000; value++) emit({ key: `k${value % 3}`, value });
    await undefined;
    return "done";
  }, { coalesce: (event) => event.key });
  assert.equal(await operation, "done");
  const events: number[] = [];
  for await (const event of operation) events.push(event.value);
  assert.deepEqual(events.sort(), [99_997, 99_998, 99_999]);
});

test("an operation keeps a bounded number of events without a key", async () => {
  const operation = startOperation<void, number>(async ({ emit }) => {
    for (let value = 0; value < 50_000; value++) emit(value);
    await undefined;
  });
  await operation;
  let count = 0;
  let last = 0;
  for await (const event of operation) {
    count++;
    last = event;
  }
  assert.ok(count <= 4096, `${count} events waited`);
  assert.equal(last, 49_999);
});

test("iterating an operation gives progress as it happens and ends with the work", async () => {
  const operation = startOperation<string, number>(async ({ emit }) => {
    for (let i = 0; i < 5; i++) {
      emit(i);
      await tick();
    }
    return "done";
  });
  const events: number[] = [];
  for await (const event of operation) events.push(event);
  assert.deepEqual(events, [0, 1, 2, 3, 4]);
  assert.equal(await operation, "done");
});

test("iterating an operation that fails throws its error", async () => {
  const boom = new Error("boom");
  const operation = startOperation<void, number>(async ({ emit }) => {
    emit(1);
    await tick();
    throw boom;
  });
  const events: number[] = [];
  await assert.rejects(async () => {
    for await (const event of operation) events.push(event);
  }, (error: unknown) => error === boom);
  assert.deepEqual(events, [1]);
  await assert.rejects(Promise.resolve(operation), (error: unknown) => error === boom);
});

test("an operation that fails and is not awaited makes no unhandled rejection", async () => {
  const unhandled: unknown[] = [];
  const listener = (event: Event): void => {
    event.preventDefault();
    unhandled.push(event);
  };
  globalThis.addEventListener?.("unhandledrejection", listener);
  startOperation(() => Promise.reject(new Error("nobody looks")));
  await tick(20);
  globalThis.removeEventListener?.("unhandledrejection", listener);
  assert.deepEqual(unhandled, []);
});

test("leaving the loop early does not end an operation", async () => {
  const operation = startOperation<string, number>(async ({ emit }) => {
    emit(1);
    await tick(5);
    return "done";
  });
  for await (const _ of operation) break;
  assert.equal(await operation, "done");
});

test("abort() rejects an operation with the reason, whatever the work threw", async () => {
  const operation = startOperation<void, never>(async ({ signal }) => {
    await new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(new Error("socket closed")));
    });
  });
  await tick();
  const reason = new Error("enough");
  operation.abort(reason);
  await assert.rejects(Promise.resolve(operation), (error: unknown) => error === reason);
});

test("abort() without a reason rejects with an AbortError", async () => {
  const operation = startOperation<void, never>(({ signal }) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)))
  );
  operation.abort();
  await assert.rejects(Promise.resolve(operation), { name: "AbortError" });
});

test("an operation whose signal has aborted does not start", async () => {
  let started = false;
  const operation = startOperation(() => {
    started = true;
    return Promise.resolve();
  }, { signal: AbortSignal.abort("no") });
  await assert.rejects(Promise.resolve(operation), (error: unknown) => error === "no");
  assert.ok(!started);
});

test("disposing of an operation aborts it and waits until it has let go", async () => {
  let released = false;
  const operation = startOperation<void, never>(async ({ signal }) => {
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    await tick(5);
    released = true;
    signal.throwIfAborted();
  });
  await tick();
  await operation[Symbol.asyncDispose]();
  assert.ok(released);
});

test("mapConcurrent() keeps the order and the limit", async () => {
  let running = 0;
  let most = 0;
  const results = await mapConcurrent([5, 1, 4, 2, 3], 2, async (item) => {
    most = Math.max(most, ++running);
    await tick(item);
    running--;
    return item * 10;
  });
  assert.deepEqual(results, [50, 10, 40, 20, 30]);
  assert.equal(most, 2);
});

test("mapConcurrent() stops at the first failure and waits for what runs", async () => {
  const started: number[] = [];
  const ended: number[] = [];
  const boom = new Error("boom");
  await assert.rejects(
    mapConcurrent([0, 1, 2, 3, 4, 5], 2, async (item, _, signal) => {
      started.push(item);
      if (item === 1) throw boom;
      await new Promise<void>((resolve) =>
        signal.addEventListener("abort", () => resolve(), { once: true })
      );
      ended.push(item);
    }),
    (error: unknown) => error === boom,
  );
  assert.deepEqual(started, [0, 1]);
  assert.deepEqual(ended, [0]);
});

test("mapConcurrent() rejects with the reason of its signal", async () => {
  const controller = new AbortController();
  const work = mapConcurrent([1, 2, 3], 1, async (item) => {
    await tick();
    if (item === 2) controller.abort("enough");
  }, { signal: controller.signal });
  await assert.rejects(work, (error: unknown) => error === "enough");
});

test("mapConcurrent() refuses a limit that is no positive integer", async () => {
  for (const limit of [0, -1, 1.5, NaN]) {
    await assert.rejects(mapConcurrent([1], limit, () => Promise.resolve()), RangeError);
  }
});

test("SingleFlight does the work for a key once for all who want it at the same time", async () => {
  const flights = new SingleFlight<string, number>();
  let runs = 0;
  const work = async () => {
    await tick(3);
    return ++runs;
  };
  assert.deepEqual(await Promise.all([1, 2, 3].map(() => flights.run("a", work))), [1, 1, 1]);
  assert.equal(await flights.run("a", work), 2);
  assert.equal(flights.size, 0);
});

test("SingleFlight gives a failure to all who wait and then forgets it", async () => {
  const flights = new SingleFlight<string, number>();
  const boom = new Error("boom");
  const fail = () => Promise.reject(boom);
  const both = await Promise.allSettled([flights.run("a", fail), flights.run("a", fail)]);
  assert.ok(both.every((one) => one.status === "rejected" && one.reason === boom));
  assert.equal(await flights.run("a", () => Promise.resolve(1)), 1);
});

test("SingleFlight goes on when one caller leaves, and aborts when the last one does", async () => {
  const flights = new SingleFlight<string, string>();
  let aborted: unknown;
  let end = (): void => {};
  const work = (signal: AbortSignal) =>
    new Promise<string>((resolve, reject) => {
      end = () => resolve("done");
      signal.addEventListener("abort", () => {
        aborted = signal.reason;
        reject(signal.reason);
      });
    });
  const first = new AbortController();
  const leaving = flights.run("a", work, first.signal);
  const staying = flights.run("a", work);
  await tick();
  first.abort("left");
  await assert.rejects(leaving, (error: unknown) => error === "left");
  end();
  assert.equal(await staying, "done");
  assert.equal(aborted, undefined);

  const last = new AbortController();
  const only = flights.run("a", work, last.signal);
  await tick();
  last.abort("gone");
  await assert.rejects(only, (error: unknown) => error === "gone");
  assert.equal(aborted, "gone");
});
