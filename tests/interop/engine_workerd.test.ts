// A worker that uses a real engine through a service of workerd, over its socket.
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { build } from "esbuild";
import { noDockerEngine, withDockerEngine } from "../support/docker_engine.ts";
import { freePort, withDockerRegistry } from "../support/docker_registry.ts";
import { beside, component, inScratch } from "../support/program.ts";

const CONFIG = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "docker", external = (address = "unix:SOCKET", http = ())),
  ],
  sockets = [(name = "http", address = "127.0.0.1:PORT", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "worker.js")],
  compatibilityDate = "2026-11-01",
  bindings = [
    (name = "DOCKER", service = "docker"),
    (name = "REGISTRY", text = "HOST"),
  ],
);
`;

test("a worker uses a real engine through a service binding", {
  skip: noDockerEngine("docker-registry", "workerd"),
}, async () => {
  await inScratch((folder) =>
    withDockerRegistry(
      folder,
      (registry) =>
        withDockerEngine(join(folder, "engine"), async ({ hosts: [unix] }) => {
          await build({
            entryPoints: [join(import.meta.dirname, "engine_worker.ts")],
            outfile: join(folder, "worker.js"),
            bundle: true,
            format: "esm",
            conditions: ["workerd", "worker", "browser", "import"],
            external: ["*.wasm", "../../wasm/*"],
            logLevel: "silent",
          });
          const port = await freePort();
          writeFileSync(
            join(folder, "config.capnp"),
            CONFIG.replace("SOCKET", unix.slice("unix://".length))
              .replace("PORT", String(port)).replace("HOST", registry),
          );
          const child = spawn(component("workerd") ?? "workerd", ["serve", "config.capnp"], {
            cwd: folder,
            stdio: ["ignore", "ignore", "pipe"],
          });
          let stderr = "";
          child.stderr.on("data", (chunk) => stderr += chunk);
          await beside(child, async () => {
            for (let tries = 0;; tries++) {
              const answer = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined);
              if (answer !== undefined) return assert.equal(await answer.text(), "all is well");
              assert.ok(tries < 100, stderr);
              await new Promise((resolve) => setTimeout(resolve, 100));
            }
          });
        }),
    )
  );
});
