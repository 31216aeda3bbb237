// A Docker engine of its own, which nobody else sees. Needs root.
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { get } from "node:http";
import { join } from "node:path";
import process from "node:process";
import { freePort } from "./docker_registry.ts";
import { missing, mustRun, type Ran, run } from "./program.ts";

/** A Docker engine that runs. */
export interface DockerEngine {
  /** Runs the docker command; it has to succeed. */
  docker(...args: string[]): Promise<Ran>;
  /** What tells the docker command where the engine is. */
  readonly env: Readonly<Record<string, string>>;
  /** Where it listens: a socket, and a port of loopback. */
  readonly hosts: readonly [unix: string, tcp: string];
  /** The socket of the engine's containerd. */
  readonly containerd: string;
}

/** Says why no engine can be started here: `false` when it can. */
export function noDockerEngine(...programs: string[]): string | false {
  return missing("dockerd", ...programs) ||
    (process.getuid?.() === 0 ? false : "needs root to start a Docker engine");
}

/** Runs `work` beside a Docker engine that has its files in `folder`. */
export async function withDockerEngine<Result>(
  folder: string,
  work: (engine: DockerEngine) => Promise<Result>,
  flags: readonly string[] = [],
): Promise<Result> {
  mkdirSync(folder, { recursive: true });
  const host = `unix://${join(folder, "docker.sock")}`;
  const tcp = `tcp://127.0.0.1:${await freePort()}`;
  const exec = join(folder, "exec");
  const daemon = spawn("dockerd", [
    "--data-root",
    join(folder, "data"),
    "--exec-root",
    exec,
    "-H",
    host,
    "-H",
    tcp,
    "--pidfile",
    join(folder, "pid"),
    "--storage-driver=vfs",
    "--iptables=false",
    "--bridge=none",
    ...flags,
  ], { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  daemon.stderr.on("data", (chunk) => said = (said + chunk).slice(-2000));
  const exited = new Promise<void>((resolve) => daemon.once("exit", () => resolve()));
  const env = { DOCKER_HOST: host };
  const docker = (...args: string[]) => mustRun("docker", args, { env });
  try {
    for (let tries = 0; !await isReady(join(folder, "docker.sock")); tries++) {
      if (tries > 2000 || daemon.exitCode !== null) throw new Error(said);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const hosts = [host, tcp] as const;
    return await work({ docker, env, hosts, containerd: join(exec, "containerd/containerd.sock") });
  } finally {
    daemon.kill("SIGTERM");
    await exited;
    // BuildKit leaves the root of a step mounted when it ends in the middle of it.
    for (const path of mountsBelow(folder)) await run("umount", [path]);
  }
}

function isReady(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    get({ socketPath, path: "/_ping", agent: false }, (response) => {
      response.resume().on("close", () => resolve(response.statusCode === 200));
    }).on("error", () => resolve(false));
  });
}

/** What is mounted below a folder, the innermost first. */
function mountsBelow(folder: string): string[] {
  const paths = readFileSync("/proc/self/mounts", "utf8").split("\n")
    .map((line) => line.split(" ")[1] ?? "");
  return paths.filter((path) => path.startsWith(`${folder}/`)).reverse();
}
