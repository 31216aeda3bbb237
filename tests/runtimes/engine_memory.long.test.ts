// 2 GiB go into an engine and out of it again, in the memory that lading promises.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { freeChunk, iterate, ownsChunks } from "../../lib/bytes/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { Engine } from "../../lib/runtime/engine.ts";
import { writeTar } from "../../lib/tar/writer.ts";
import { noDockerEngine, withDockerEngine } from "../support/docker_engine.ts";
import { inScratch } from "../support/program.ts";

const FILE_BYTES = 2 * 1024 ** 3;
const PIECE: Bytes = new Uint8Array(1024 ** 2).map((_, i) => i * i >> 5);
/** What is held is some chunks, and what collectors have not come to yet. */
const PROMISED_MIB = 64;

/** How much of this process is in memory. */
function residentMiB(): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1]) / 1024;
}

function large(): ReadableStream<Bytes> {
  let left = FILE_BYTES;
  const body = new ReadableStream<Bytes>({
    pull(controller) {
      // The same again and again: what is measured is what lading takes, not what its user does.
      controller.enqueue(PIECE);
      left -= PIECE.byteLength;
      if (left === 0) controller.close();
    },
  }, { highWaterMark: 0 });
  return writeTar([{ path: "large", size: FILE_BYTES, body }]);
}

/** The most that a process takes during work, beyond what it took before. */
async function peak(work: () => PromiseLike<unknown>): Promise<number> {
  const before = residentMiB();
  let most = before;
  const timer = setInterval(() => most = Math.max(most, residentMiB()), 20);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return Math.round(Math.max(most, residentMiB()) - before);
}

test(`2 GiB are imported, saved and loaded in ${PROMISED_MIB} MiB`, {
  skip: noDockerEngine(),
  timeout: 600_000,
}, async () => {
  await inScratch((folder) =>
    withDockerEngine(join(folder, "engine"), async ({ hosts: [host] }) => {
      await using engine = await Engine.connect({ host, environment: {} });
      const { images } = engine;
      // What is loaded once is no memory of an image.
      await images.import(writeTar([{ path: "a", body: new Uint8Array(5_000_000) }]), {
        name: "a",
      });
      await images.load(images.save("a"));
      const figures = {
        import: await peak(() => images.import(large(), { name: "large:1" })),
        save: await peak(async () => {
          let bytes = 0;
          const archive = images.save("large:1");
          for await (const chunk of iterate(archive)) {
            bytes += chunk.byteLength;
            // As lading itself does where it writes; collectors see small objects alone.
            if (ownsChunks(archive)) freeChunk(chunk);
          }
          assert.ok(bytes > FILE_BYTES);
        }),
        load: await peak(() => images.load(images.save("large:1"))),
      };
      const said = JSON.stringify(figures);
      console.log(said);
      assert.ok(Object.values(figures).every((grown) => grown < PROMISED_MIB), said);
    })
  );
});
