// F25 and F28 of the faults: pulls that are aborted at any moment, and images of very many layers.
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import assert from "node:assert/strict";
import { pull } from "../../mod.ts";
import { faultyTransport, memoryRegistry, randomImage } from "../../lib/testing/mod.ts";
import { pathsIn } from "../support/paths_in.ts";
import { momentRegistry } from "../support/moments.ts";
import { inScratch } from "../support/program.ts";

const ABORTS = 200;

function temporaries(folder: string): string[] {
  const { files, directories } = pathsIn(folder);
  return [...files, ...directories].filter((path) => /\.tmp-|\.lock|\.lading-/.test(path));
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test(`F25: a pull aborted at ${ABORTS} moments ends with the reason and leaves nothing`, async () => {
  const image = await randomImage("aborts", { layers: 5, files: 4, maxFileBytes: 100_000 });
  const registry = await momentRegistry(image, 8192);
  const unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown) => void unhandled.push(reason);
  process.on("unhandledRejection", onUnhandled);
  let aborted = 0;
  try {
    await inScratch(async (folder) => {
      const options = { platform: "linux/amd64" };
      await pull(registry.name, `oci:${join(folder, "whole")}`, options);
      const moments = registry.count();
      assert.ok(moments > 40, `${moments} moments`);
      for (let i = 0; i < ABORTS; i++) {
        const reason = new Error(`enough ${i}`);
        const operation = pull(registry.name, `oci:${join(folder, String(i))}`, options);
        // A little behind the moment, so that what the client does meanwhile is met too.
        registry.at(1 + i % moments, () => setTimeout(() => operation.abort(reason), i % 7 / 2));
        const error = await Promise.resolve(operation).then(() => undefined, (error) => error);
        if (error !== undefined) {
          assert.equal(error, reason, "the reason comes unchanged");
          aborted++;
        }
      }
      // What was under way for the layouts themselves ends behind the operations. It may be about to
      // begin: one look that finds nothing says little.
      for (let looks = 0, empty = 0; empty < 3 && looks < 200; looks++) {
        await sleep(100);
        empty = temporaries(folder).length === 0 ? empty + 1 : 0;
      }
      assert.deepEqual(temporaries(folder), []);
    });
  } finally {
    process.off("unhandledRejection", onUnhandled);
    await registry.close();
  }
  assert.deepEqual(unhandled, []);
  assert.ok(aborted > ABORTS / 2, `only ${aborted} came in time`);
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
