// Aborting an operation ends what the engine does for it.
import { readdirSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import type { Bytes } from "../../lib/model/bytes.ts";
import { Engine } from "../../lib/runtime/engine.ts";
import { memoryRegistry, randomImage } from "../../lib/testing/mod.ts";
import { writeTar } from "../../lib/tar/writer.ts";
import { noDockerEngine, withDockerEngine } from "../support/docker_engine.ts";
import { freePort } from "../support/docker_registry.ts";
import { inScratch } from "../support/program.ts";

const skip = noDockerEngine();

/** A registry whose layers come ten bytes at a time, and what became of their downloads. */
interface SlowRegistry {
  readonly name: string;
  /** Downloads that have begun. */
  begun: number;
  /** Downloads that the engine has ended. */
  ended: number;
}

async function withSlowRegistry(work: (registry: SlowRegistry) => Promise<void>): Promise<void> {
  const port = await freePort();
  const { store, transport, host } = memoryRegistry();
  const image = await randomImage("slow", { layers: 2 });
  await image.pushTo(store, "acme/app:1");
  const registry = { name: `127.0.0.1:${port}/acme/app:1`, begun: 0, ended: 0 };
  const layers = new Set(image.layers.map(({ descriptor }) => descriptor.digest));
  const server = createServer((request, response) => {
    void (async () => {
      const url = request.url ?? "/";
      const answer = await transport(
        new Request(`https://${host}${url}`, { method: request.method ?? "GET" }),
      );
      response.writeHead(answer.status, Object.fromEntries(answer.headers));
      const body = new Uint8Array(await answer.arrayBuffer());
      const isLayer = layers.has(decodeURIComponent(url.split("/").at(-1) ?? ""));
      if (!isLayer || request.method !== "GET") return response.end(body);
      registry.begun++;
      let at = 0;
      const timer = setInterval(() => response.write(body.subarray(at, at += 10)), 20);
      response.on("close", () => {
        clearInterval(timer);
        registry.ended++;
      });
    })();
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  try {
    await work(registry);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

async function until(isTrue: () => boolean, what: string): Promise<void> {
  for (let tries = 0; !isTrue(); tries++) {
    assert.ok(tries < 3000, what);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function failure(work: PromiseLike<unknown>): Promise<unknown> {
  return await work.then(() => assert.fail("it should have failed"), (error: unknown) => error);
}

test("abort() ends a pull, a load, an import and a save of a real engine", { skip }, async () => {
  await inScratch((folder) =>
    withSlowRegistry((registry) =>
      withDockerEngine(join(folder, "engine"), async ({ hosts }) => {
        for (const host of hosts) {
          await using engine = await Engine.connect({ host, environment: {} });
          const { images } = engine;
          const before = registry.begun;
          const pull = images.pull(registry.name);
          await until(() => registry.begun === before + 2, "the downloads begin");
          const reason = new Error("enough");
          pull.abort(reason);
          assert.equal(await failure(pull), reason);
          await until(() => registry.ended === registry.begun, "the engine ends its downloads");
          assert.deepEqual(await images.list(), []);

          const tree = writeTar([{ path: "a", body: new Uint8Array(30_000_000) }]);
          const image = await images.import(tree, { name: "base:1" });
          let sent = 0;
          let goOn = (): void => {};
          const isAborted = new Promise<void>((resolve) => goOn = resolve);
          const archive = images.save("base:1").pipeThrough(
            new TransformStream<Bytes, Bytes>({
              async transform(chunk, controller) {
                sent += chunk.length;
                if (sent > 10_000_000) await isAborted;
                controller.enqueue(chunk);
              },
            }),
          );
          const load = images.load(archive);
          await until(() => sent > 10_000_000, "the archive is on its way");
          load.abort(reason);
          assert.equal(await failure(load), reason);
          goOn();
          const endless = new ReadableStream<Bytes>({
            pull: (controller) => controller.enqueue(new Uint8Array(65536)),
          }, { highWaterMark: 0 });
          const importing = images.import(endless, { name: "endless:1" });
          setTimeout(() => importing.abort(reason), 200);
          assert.equal(await failure(importing), reason);
          assert.deepEqual(await images.list({ name: "endless" }), []);
          const reader = images.save("base:1").getReader();
          await reader.read();
          await reader.cancel();
          await image.remove();
          const temporary = join(folder, "engine/data/tmp");
          await until(() => readdirSync(temporary).length === 0, "the engine clears up");
        }
      })
    )
  );
});
