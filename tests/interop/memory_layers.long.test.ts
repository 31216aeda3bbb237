// F28: an image of very many layers is pulled in the memory that the matrix of faults allows.
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { serve } from "../../lib/runtime/serve.ts";
import { registryHandler } from "../../lib/server/mod.ts";
import { memoryStore } from "../../lib/store/mod.ts";
import { randomImage } from "../../lib/testing/mod.ts";
import { buildCommand } from "../support/built_command.ts";
import { peakOf } from "../support/process_memory.ts";
import { component, inScratch, missing } from "../support/program.ts";

/** All that the process has, the runtime itself included. */
const ALLOWED_MIB = 96;

/** Runtime -> its arguments before the script. */
const RUNTIMES: Readonly<Record<string, readonly string[]>> = {
  node: [],
  node24: [],
  deno: ["run", "-A"],
  bun: [],
};

test(
  `F28: a pull of 200 layers of about 1 MiB stays below ${ALLOWED_MIB} MiB in all, on each runtime`,
  {
    skip: missing(...Object.keys(RUNTIMES)),
  },
  async () => {
    const store = memoryStore();
    const options = { layers: 200, files: 2, maxFileBytes: 2 ** 20, compression: "none" } as const;
    const image = await randomImage("memory", options);
    await image.pushTo(store, "acme/app:1");
    const server = await serve(registryHandler(store));
    try {
      await inScratch(async (folder) => {
        const command = await buildCommand(folder);
        const name = `127.0.0.1:${server.port}/acme/app:1`;
        const peaks: Record<string, number> = {};
        for (const [runtime, args] of Object.entries(RUNTIMES)) {
          const pull = (round: number): Promise<number> =>
            peakOf(component(runtime) ?? "", [
              ...[...args, command, "pull", "--quiet", name],
              `oci:${join(folder, `${runtime}-${round}`)}`,
            ]);
          // Deno and Bun translate a program when they first see it, and keep that.
          await pull(0);
          peaks[runtime] = Math.round(await pull(1));
        }
        console.log(peaks);
        for (const [runtime, peak] of Object.entries(peaks)) {
          assert.ok(peak > 20 && peak < ALLOWED_MIB, `${runtime} had ${peak} MiB`);
        }
      });
    } finally {
      await server.close();
    }
  },
);
