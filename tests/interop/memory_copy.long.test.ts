// An image of 2 GiB moves between two registries, and one of 200 layers is pulled, in the memory that
// lading promises.
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import assert from "node:assert/strict";
import { Registry } from "../../mod.ts";
import { hostTransport } from "../../lib/runtime/host_transport.ts";
import { serve } from "../../lib/runtime/serve.ts";
import { registryHandler } from "../../lib/server/mod.ts";
import { memoryStore } from "../../lib/store/mod.ts";
import { randomImage } from "../../lib/testing/mod.ts";
import { withDockerRegistry } from "../support/docker_registry.ts";
import { peak, pushLarge } from "../support/large_layer.ts";
import { inScratch, missing, mustRun } from "../support/program.ts";

const ALLOWED_MIB = 64;

/** The matrix of faults wants 96 MiB in all; an idle process of Node 24 has 58 of them. */
const MANY_LAYERS_MIB = 44;

test(
  `a copy of 2 GiB from registry to registry stays within ${ALLOWED_MIB} MiB of an idle process`,
  {
    skip: missing("docker-registry"),
  },
  async () => {
    await mustRun(process.execPath, ["tests/tools/build.mjs"]);
    await inScratch((folder) =>
      withDockerRegistry(
        join(folder, "from"),
        (from) =>
          withDockerRegistry(join(folder, "to"), async (to) => {
            const { digest } = await pushLarge(from);
            const idle = await peak("--help");
            const copied = await peak("copy", "--quiet", `${from}/large:1`, `${to}/copied:1`);
            const copy = copied - idle;
            const figures = `idle ${idle} MiB, copy +${copy} MiB`;
            console.log(figures);
            assert.ok(idle > 10 && copy < ALLOWED_MIB, figures);
            const target = new Registry(to, { transport: hostTransport() }).repository("copied");
            assert.equal((await target.resolve("1")).digest, digest);
          }),
      )
    );
  },
);

test(`F28: a pull of 200 layers of about 1 MiB stays within ${MANY_LAYERS_MIB} MiB of an idle process`, async () => {
  await mustRun(process.execPath, ["tests/tools/build.mjs"]);
  const store = memoryStore();
  const options = { layers: 200, files: 2, maxFileBytes: 2 ** 20, compression: "none" } as const;
  const image = await randomImage("memory", options);
  await image.pushTo(store, "acme/app:1");
  const server = await serve(registryHandler(store));
  try {
    await inScratch(async (folder) => {
      const idle = await peak("--help");
      const name = `127.0.0.1:${server.port}/acme/app:1`;
      const pulled = await peak("pull", "--quiet", name, `oci:${join(folder, "layout")}`);
      const figures = `idle ${idle} MiB, pull +${pulled - idle} MiB`;
      console.log(figures);
      assert.ok(idle > 10 && pulled - idle < MANY_LAYERS_MIB, figures);
    });
  } finally {
    await server.close();
  }
});
