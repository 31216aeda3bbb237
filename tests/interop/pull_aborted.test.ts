// F25 and F28 of the faults: pulls that are aborted at any moment, and images of very many layers.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import assert from "node:assert/strict";
import { pull } from "../../mod.ts";
import { serve } from "../../lib/runtime/serve.ts";
import { faultyTransport, memoryRegistry, randomImage } from "../../lib/testing/mod.ts";
import { inScratch } from "../support/program.ts";

const ABORTS = 300;

/** A small generator, so that a failure can be repeated (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = state + 0x6d2b79f5 | 0;
    let t = Math.imul(state ^ state >>> 15, 1 | state);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return ((t ^ t >>> 14) >>> 0) / 2 ** 32;
  };
}

function temporaries(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => /\.tmp-|\.lock|\.lading-/.test(path));
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test(`F25: a pull aborted at ${ABORTS} moments ends with the reason and leaves nothing`, async () => {
  const image = await randomImage("aborts", { layers: 5, files: 4, maxFileBytes: 100_000 });
  const registry = memoryRegistry({ host: "127.0.0.1" });
  await image.pushTo(registry.store, "acme/app:1");
  const slow = faultyTransport(registry.transport, [
    { path: /\/blobs\//, fault: { kind: "throttle", bytes: 32_768, ms: 1 } },
  ]);
  const server = await serve((request) => {
    const { pathname, search } = new URL(request.url);
    return slow(new Request(`http://127.0.0.1${pathname}${search}`, request));
  });
  const name = `127.0.0.1:${server.port}/acme/app:1`;
  const unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown) => void unhandled.push(reason);
  process.on("unhandledRejection", onUnhandled);
  const next = random(25);
  let aborted = 0;
  try {
    await inScratch(async (folder) => {
      const started = performance.now();
      await pull(name, `oci:${join(folder, "whole")}`, { platform: "linux/amd64" });
      const wholeMs = performance.now() - started;
      for (let i = 0; i < ABORTS; i++) {
        const layout = join(folder, `layout-${i % 10}-${Math.floor(i / 10)}`);
        const reason = new Error(`enough ${i}`);
        const operation = pull(name, `oci:${layout}`, { platform: "linux/amd64" });
        const ended = Promise.resolve(operation).then(() => undefined, (error) => error);
        await sleep(next() * wholeMs * 1.2);
        operation.abort(reason);
        const error = await ended;
        if (error !== undefined) {
          assert.equal(error, reason, "the reason comes unchanged");
          aborted++;
        }
        // What was under way for the layout itself ends behind the operation.
        for (let tries = 0; temporaries(layout).length > 0 && tries < 100; tries++) await sleep(10);
        assert.deepEqual(temporaries(layout), [], `after abort ${i}`);
      }
    });
    await sleep(50);
  } finally {
    process.off("unhandledRejection", onUnhandled);
    await server.close();
  }
  assert.deepEqual(unhandled, []);
  assert.ok(aborted > ABORTS / 3, `only ${aborted} came in time`);
});

test("F28: of 60 layers at most as many are open as there are jobs", async () => {
  const image = await randomImage("many", {
    layers: 60,
    files: 2,
    maxFileBytes: 900_000,
    compression: "none",
  });
  const registry = memoryRegistry();
  await image.pushTo(registry.store, "acme/app:1");
  const slow = faultyTransport(registry.transport, [
    { path: /\/blobs\//, fault: { kind: "throttle", bytes: 262_144, ms: 1 } },
  ]);
  let open = 0;
  let most = 0;
  const transport = async (request: Request): Promise<Response> => {
    const response = await slow(request);
    if (request.method !== "GET" || !request.url.includes("/blobs/")) return response;
    most = Math.max(most, ++open);
    const body = response.body?.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({ flush: () => void open-- }),
    );
    return new Response(body ?? null, response);
  };
  await inScratch(async (folder) => {
    const options = { transport, jobs: 3, platform: "linux/amd64" };
    const { blobs } = await pull("registry.test/acme/app:1", `oci:${folder}/layout`, options);
    assert.equal(blobs, 61);
    assert.ok(most >= 2 && most <= 3, `${most} were open`);
    assert.equal(open, 0);
  });
});
