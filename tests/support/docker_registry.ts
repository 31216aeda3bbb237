// The registry of the distribution project, on loopback.
import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { beside, component } from "./program.ts";

/** The ports below those that a system gives to who asks for any, so that nobody gets one meanwhile. */
const [FIRST_PORT, LAST_PORT] = [10_000, 32_000];

/** Finds a port of loopback that nobody listens at. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST_PORT, LAST_PORT);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer().on("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

async function isReady(url: string): Promise<boolean> {
  return await fetch(url).then(async (response) => {
    await response.body?.cancel();
    return response.status === 200 || response.status === 401;
  }, () => false);
}

/**
 * Runs `work` beside a docker-registry with its files in `folder`, and gives it the host.
 *
 * @param folder Where its configuration and content lie.
 * @param auth The `auth` section of its configuration, as JSON; none by default.
 * @param upstream The URL of a registry that it is a pull-through cache of; none by default.
 */
export async function withDockerRegistry<Result>(
  folder: string,
  work: (host: string) => Promise<Result>,
  auth?: object,
  upstream?: string,
): Promise<Result> {
  const host = `127.0.0.1:${await freePort()}`;
  const root = join(folder, "registry");
  mkdirSync(root, { recursive: true });
  const config = join(folder, "registry.json");
  // YAML holds JSON.
  writeFileSync(
    config,
    JSON.stringify({
      version: "0.1",
      log: { level: "error" },
      storage: { filesystem: { rootdirectory: root }, delete: { enabled: true } },
      http: { addr: host },
      // Without this it refuses manifests with foreign layers.
      validation: { manifests: { urls: { allow: ["^https://"] } } },
      ...(auth === undefined ? {} : { auth }),
      ...(upstream === undefined ? {} : { proxy: { remoteurl: upstream } }),
    }),
  );
  const child = spawn(component("docker-registry") ?? "docker-registry", ["serve", config], {
    stdio: "ignore",
  });
  return await beside(child, async () => {
    for (let tries = 0; !await isReady(`http://${host}/v2/`); tries++) {
      if (tries === 1200) throw new Error("the registry does not answer");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return await work(host);
  });
}
