// How fast are `lading engine save` and `load` beside `docker save` and `docker load`? The same image
// of 200 MB, at the same engine over its socket.
import { randomFillSync } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { noDockerEngine, withDockerEngine } from "../tests/support/docker_engine.ts";
import { component, inScratch, mustRun } from "../tests/support/program.ts";
import { compare, type Contender } from "./_rounds.ts";

const ROUNDS = 9;

/** Runtime -> the program and its arguments before the script. */
const RUNTIMES: Readonly<Record<string, readonly [string, ...string[]]>> = {
  "Node 24": ["node24"],
  "Bun": ["bun"],
  "Deno": ["deno", "run", "-A"],
  "Node of the machine": ["node"],
};

/** Files whose bytes are half random: 200 MB in 2,000 of them. */
function makeFiles(folder: string): void {
  const bytes = new Uint8Array(100_000);
  for (let i = 0; i < 2000; i++) {
    if (i % 50 === 0) mkdirSync(join(folder, `${i / 50}`), { recursive: true });
    randomFillSync(bytes.subarray(0, 50_000));
    writeFileSync(join(folder, `${Math.floor(i / 50)}`, `${i}`), bytes);
  }
}

const absent = noDockerEngine();
if (absent !== false) throw new Error(`bench/engine ${absent}`);
await mustRun(component("node24") ?? "", ["tests/tools/build.mjs"]);
await inScratch((folder) =>
  withDockerEngine(join(folder, "engine"), async ({ env }) => {
    const site = join(folder, "site");
    makeFiles(join(site, "files"));
    writeFileSync(join(site, "Dockerfile"), "FROM scratch\nCOPY files /files\n");
    await mustRun("docker", ["build", "--quiet", "--tag", "bench:1", site], {
      env: { ...env, DOCKER_BUILDKIT: "0" },
    });
    const archive = join(folder, "bench.tar");
    await mustRun("docker", ["save", "--output", archive, "bench:1"], { env });
    const shell = (line: string) => mustRun("bash", ["-o", "pipefail", "-c", line], { env });
    const lines = {
      "save, 200 MB": ["docker save bench:1 > /dev/null", "engine save bench:1 > /dev/null"],
      // The engine has the layers: what is measured is the way there.
      "load, 200 MB": [`docker load --quiet < ${archive}`, `engine load --quiet < ${archive}`],
    };
    for (const [title, [theirs = "", ours = ""]] of Object.entries(lines)) {
      const peer = {
        name: theirs.split(" ", 2).join(" "),
        run: async () => void await shell(theirs),
      };
      const contenders = Object.entries(RUNTIMES).map(([name, [program, ...args]]): Contender => {
        const command = [component(program) ?? program, ...args, "dist/bin/lading.js", ours];
        return { name: `lading, ${name}`, run: async () => void await shell(command.join(" ")) };
      });
      await compare(title, peer, contenders, ROUNDS);
    }
  })
);
