// The suite of tests/testing/fake_engine.test.ts against Docker's own engine: what holds for the
// fake one has to hold for it too. And what only an engine with containers can show.
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { Engine, parseEngineHost } from "../../lib/engine/mod.ts";
import { engineTransport } from "../../lib/runtime/engine_transport.ts";
import { noDockerEngine, withDockerEngine } from "../support/docker_engine.ts";
import { withDockerRegistry } from "../support/docker_registry.ts";
import { inScratch } from "../support/program.ts";
import { clearEngine, ENGINE_SUITE } from "../testing/engine_suite.ts";

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
          await clearEngine(engine);
        }
        way.close();
        assert.deepEqual(failures, []);
      })
    ),
);

test(
  "containers keep images, and become some",
  { skip },
  () =>
    inScratch((folder) =>
      withDockerEngine(join(folder, "engine"), async ({ env }) => {
        const way = engineTransport(parseEngineHost(env["DOCKER_HOST"] ?? ""));
        await keepsImages(new Engine(way));
        way.close();
      })
    ),
);

async function keepsImages(engine: Engine): Promise<void> {
  const { images } = engine;
  const dockerfile = "FROM scratch\nCOPY Dockerfile /\n";
  const { id } = await images.build({ dockerfile }, { tags: "used:1" });
  const created = await engine.request({
    method: "POST",
    path: "/containers/create",
    body: { Image: "used:1", Cmd: ["none"] },
  });
  const { Id: container } = await created.json() as { readonly Id: string };
  await assert.rejects(images.remove("used:1"), {
    code: "ENGINE_CONFLICT",
    status: 409,
    said: `conflict: unable to remove repository reference "used:1" (must force) - container ` +
      `${container.slice(0, 12)} is using its referenced image ${id.slice(7, 19)}`,
  });
  await images.prune({ filters: { dangling: false } });
  assert.equal((await images.get("used:1")).id, id);
  const committed = await engine.request({
    method: "POST",
    path: "/commit",
    query: { container, changes: ["EXPOSE 8000", 'CMD ["bash"]'] },
  });
  const { Id: commit } = await committed.json() as { readonly Id: string };
  const image = await images.get(commit);
  const config = image.attrs["Config"] as Record<string, unknown>;
  assert.deepEqual(config["ExposedPorts"], { "8000/tcp": {} });
  assert.deepEqual(config["Cmd"], ["bash"]);
  assert.equal(image.attrs["Parent"], id);
  const gone = await images.remove(commit, { force: true });
  assert.ok(gone.deleted.includes(commit));
}
