// The suite of tests/testing/fake_engine.test.ts against Docker's own engine: what holds for the
// fake one has to hold for it too.
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { Engine, parseEngineHost } from "../../lib/engine/mod.ts";
import { engineTransport } from "../../lib/runtime/engine_transport.ts";
import { noDockerEngine, withDockerEngine } from "../support/docker_engine.ts";
import { withDockerRegistry } from "../support/docker_registry.ts";
import { inScratch } from "../support/program.ts";
import { ENGINE_SUITE } from "../testing/engine_suite.ts";

const skip = noDockerEngine("docker-registry");

test(
  "Docker's engine does what the fake engine does",
  { skip },
  () =>
    inScratch((folder) =>
      withDockerEngine(join(folder, "engine"), async ({ env }) => {
        const way = engineTransport(parseEngineHost(env["DOCKER_HOST"] ?? ""));
        const { transport, baseURL } = way;
        const engine = new Engine({ transport, baseURL });
        const failures: string[] = [];
        for (const [i, { name, run }] of ENGINE_SUITE.entries()) {
          try {
            await withDockerRegistry(
              join(folder, String(i)),
              (host) => run({ engine, transport, baseURL, host }),
            );
          } catch (error) {
            failures.push(`${name}: ${error instanceof Error ? error.stack : String(error)}`);
          }
          await clear(engine);
        }
        way.close();
        assert.deepEqual(failures, []);
      })
    ),
);

/** Removes everything, what was made of other images first. */
async function clear(engine: Engine): Promise<void> {
  for (;;) {
    const all = await engine.images.list({ all: true });
    if (all.length === 0) return;
    const parents = new Set(all.map(({ parentID }) => parentID));
    for (const { id } of all) {
      if (!parents.has(id)) await engine.images.remove(id, { force: true });
    }
  }
}
