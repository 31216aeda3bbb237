// An image of 2 GiB moves between two registries in the memory that lading promises.
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { Registry } from "../../mod.ts";
import { hostTransport } from "../../lib/runtime/host_transport.ts";
import { buildCommand } from "../support/built_command.ts";
import { withDockerRegistry } from "../support/docker_registry.ts";
import { peak, pushLarge } from "../support/large_layer.ts";
import { inScratch, missing } from "../support/program.ts";

const ALLOWED_MIB = 64;

test(
  `a copy of 2 GiB from registry to registry stays within ${ALLOWED_MIB} MiB of an idle process`,
  {
    skip: missing("docker-registry"),
  },
  async () => {
    await inScratch(async (folder) => {
      const command = await buildCommand(folder);
      await withDockerRegistry(
        join(folder, "from"),
        (from) =>
          withDockerRegistry(join(folder, "to"), async (to) => {
            const { digest } = await pushLarge(from);
            const idle = await peak(command, "--help");
            const copied = await peak(
              command,
              "copy",
              "--quiet",
              `${from}/large:1`,
              `${to}/copied:1`,
            );
            const copy = copied - idle;
            const figures = `idle ${idle} MiB, copy +${copy} MiB`;
            console.log(figures);
            assert.ok(idle > 10 && copy < ALLOWED_MIB, figures);
            const target = new Registry(to, { transport: hostTransport() }).repository("copied");
            assert.equal((await target.resolve("1")).digest, digest);
          }),
      );
    });
  },
);
