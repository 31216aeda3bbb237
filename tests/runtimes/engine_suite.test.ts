// The suite of the fake engine against Docker's own on every runtime, over its socket and its port.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { Engine, parseEngineHost } from "../../lib/engine/mod.ts";
import { engineTransport } from "../../lib/runtime/engine_transport.ts";
import { serve } from "../../lib/runtime/serve.ts";
import { registryHandler } from "../../lib/server/mod.ts";
import { memoryStore } from "../../lib/store/mod.ts";
import { noDockerEngine, withDockerEngine } from "../support/docker_engine.ts";
import { clearEngine, ENGINE_SUITE } from "../testing/engine_suite.ts";

const skip = noDockerEngine();

test("Docker's engine does what the fake engine does, over its socket and its port", {
  skip,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), "lading-es-"));
  const failures: string[] = [];
  let registry = registryHandler(memoryStore());
  const server = await serve((request) => registry(request));
  try {
    await withDockerEngine(join(folder, "engine"), async ({ hosts }) => {
      for (const host of hosts) {
        const way = engineTransport(parseEngineHost(host));
        const engine = new Engine(way);
        for (const { name, run } of ENGINE_SUITE) {
          registry = registryHandler(memoryStore());
          try {
            await run({ ...way, engine, host: `127.0.0.1:${server.port}` });
          } catch (error) {
            failures.push(`${host} ${name}: ${error instanceof Error ? error.stack : error}`);
          }
          await clearEngine(engine);
        }
        way.close();
      }
    });
  } finally {
    await server.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
  assert.deepEqual(failures, []);
});
