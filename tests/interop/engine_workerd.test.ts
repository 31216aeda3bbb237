// A worker that uses a real engine through a service of workerd, over its socket: the whole suite,
// and what only a connection shows.
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { build } from "esbuild";
import { serve } from "../../lib/runtime/serve.ts";
import { registryHandler } from "../../lib/server/mod.ts";
import { memoryStore } from "../../lib/store/mod.ts";
import { noDockerEngine, withDockerEngine } from "../support/docker_engine.ts";
import { freePort } from "../support/docker_registry.ts";
import { beside, component, inScratch } from "../support/program.ts";

const CONFIG = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "docker", external = (address = "unix:SOCKET", http = ())),
    (name = "registry", external = (address = "ADDRESS", http = ())),
  ],
  sockets = [(name = "http", address = "127.0.0.1:PORT", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "worker.js")],
  compatibilityDate = "2026-11-01",
  bindings = [
    (name = "DOCKER", service = "docker"),
    (name = "REGISTRY", service = "registry"),
    (name = "REGISTRY_HOST", text = "ADDRESS"),
  ],
);
`;

/** Where a worker runs, and where the engine and the registry are that it is bound to. */
interface Bindings {
  readonly folder: string;
  readonly socket: string;
  readonly registry: string;
}

async function bundle(folder: string): Promise<void> {
  await build({
    entryPoints: [join(import.meta.dirname, "engine_worker.ts")],
    outfile: join(folder, "worker.js"),
    bundle: true,
    format: "esm",
    conditions: ["workerd", "worker", "browser", "import"],
    alias: { "node:assert/strict": join(import.meta.dirname, "../support/assert.ts") },
    external: ["*.wasm", "../../wasm/*"],
    logLevel: "silent",
  });
}

/** Runs `work` beside the worker, and gives it what asks the worker. */
async function withWorker(
  { folder, socket, registry }: Bindings,
  work: (ask: (path: string) => Promise<Response>) => Promise<void>,
): Promise<void> {
  await bundle(folder);
  const port = await freePort();
  writeFileSync(
    join(folder, "config.capnp"),
    CONFIG.replace("SOCKET", socket).replace("PORT", String(port)).replaceAll("ADDRESS", registry),
  );
  const child = spawn(component("workerd") ?? "workerd", ["serve", "config.capnp"], {
    cwd: folder,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.on("data", (chunk) => stderr += chunk);
  const ask = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${port}${path}`);
  await beside(child, async () => {
    for (let tries = 0; await ask("/cases").catch(() => undefined) === undefined; tries++) {
      assert.ok(tries < 600, stderr);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await work(ask);
  });
}

test("a worker does with a real engine all that is done with it elsewhere", {
  skip: noDockerEngine("workerd"),
}, async () => {
  let handle = registryHandler(memoryStore());
  const server = await serve((request) => handle(request));
  const registry = `127.0.0.1:${server.port}`;
  try {
    await inScratch((folder) =>
      withDockerEngine(join(folder, "engine"), async ({ hosts: [unix] }) => {
        const socket = unix.slice("unix://".length);
        await withWorker({ folder, socket, registry }, async (ask) => {
          const names = await (await ask("/cases")).json() as readonly string[];
          const failures: string[] = [];
          for (const [path, name] of [...names.entries(), ["use", "a connection"] as const]) {
            handle = registryHandler(memoryStore());
            const said = await (await ask(`/${path}`)).text();
            if (said !== "all is well") failures.push(`${name}: ${said}`);
          }
          assert.deepEqual(failures, []);
          assert.ok(names.length > 30, `${names.length} cases`);
        });
      })
    );
  } finally {
    await server.close();
  }
});
