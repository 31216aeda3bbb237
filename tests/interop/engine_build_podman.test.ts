// Builds on podman's service: what of a build it understands.
import { spawn } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import assert from "node:assert/strict";
import { BuildError, Engine } from "../../lib/runtime/engine.ts";
import { beside, component, inScratch, missing } from "../support/program.ts";

const skip = missing("podman") ||
  (process.getuid?.() === 0 ? false : "needs root to start podman");

/** Connects as soon as the service listens. */
async function connected(host: string): Promise<Engine> {
  for (let tries = 0;; tries++) {
    try {
      return await Engine.connect({ host, environment: {} });
    } catch (error) {
      if (tries === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

test(
  "podman builds, and a build that fails on it fails here",
  { skip },
  () =>
    inScratch(async (folder) => {
      const host = `unix://${join(folder, "podman.sock")}`;
      const stores = ["--root", join(folder, "root"), "--runroot", join(folder, "run")];
      const child = spawn(component("podman") ?? "podman", [
        ...stores,
        "--storage-driver=vfs",
        ...["system", "service", "--time=0", host],
      ], { stdio: "ignore" });
      await beside(child, async () => {
        await using engine = await connected(host);
        const entries = [
          { path: "Dockerfile", body: "FROM scratch\nCOPY a /\nLABEL a=b\n" },
          { path: "a", body: "a" },
        ];
        const build = engine.images.build({ entries }, {
          tags: ["site:1"],
          labels: { c: "d" },
          buildArgs: { A: "1" },
        });
        let log = "";
        for await (const event of build) {
          if (event.type === "log") log += event.text;
        }
        const image = await build;
        assert.match(image.id, /^[0-9a-f]{64}$|^sha256:[0-9a-f]{64}$/);
        assert.ok(image.tags.some((tag) => tag.endsWith("site:1")), image.tags.join());
        assert.deepEqual(image.labels["c"], "d");
        assert.match(log, /COPY a/);
        const quiet = await engine.images.build({ entries }, { quiet: true });
        assert.match(quiet.id, /[0-9a-f]{64}$/);
        const broken = [{ path: "Dockerfile", body: "FROM scratch\nCOPY none /\n" }];
        await assert.rejects(Promise.resolve(engine.images.build({ entries: broken })), (error) => {
          assert.ok(error instanceof BuildError, String(error));
          assert.match(error.message, /none/);
          return true;
        });
      });
    }),
);
