// A layer of 2 GiB is pulled and validated in the memory that lading promises.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { buildCommand } from "../support/built_command.ts";
import { withDockerRegistry } from "../support/docker_registry.ts";
import { peak, pushLarge } from "../support/large_layer.ts";
import { inScratch, missing } from "../support/program.ts";

const ALLOWED_MIB = 64;

test(`pull and validate of a 2 GiB layer stay within ${ALLOWED_MIB} MiB of an idle process`, {
  skip: missing("docker-registry"),
}, async () => {
  await inScratch(async (folder) => {
    const command = await buildCommand(folder);
    await withDockerRegistry(folder, async (host) => {
      await pushLarge(host);
      const idle = await peak(command, "--help");
      const layout = `oci:${join(folder, "layout")}:1`;
      const pulled = await peak(command, "pull", "--quiet", `${host}/large:1`, layout);
      const validated = await peak(command, "validate", "--quiet", layout);
      const [pull, validate] = [pulled - idle, validated - idle];
      const figures = `idle ${idle} MiB, pull +${pull} MiB, validate +${validate} MiB`;
      console.log(figures);
      assert.ok(idle > 10 && pull < ALLOWED_MIB && validate < ALLOWED_MIB, figures);
      rmSync(join(folder, "layout"), { recursive: true });
    });
  });
});
