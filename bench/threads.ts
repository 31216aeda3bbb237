// How fast is `lading validate --threads 2` beside the same without threads? An image of four layers,
// a quarter of the packages of this checkout each, in a layout on disk.
import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { component, inScratch, mustRun } from "../tests/support/program.ts";
import { PROGRAMS } from "./_layers.ts";
import { compare } from "./_rounds.ts";

const ROUNDS = 11;
const LAYERS = 4;

/** Runtime -> the program and its arguments before the script. */
const RUNTIMES: Readonly<Record<string, readonly [string, ...string[]]>> = {
  "Node 24": ["node24"],
  "Bun": ["bun"],
  "Deno": ["deno", "run", "-A"],
  "Node of the machine": ["node"],
};

/** Makes an image of the packages, and gives its place. */
async function makeImage(folder: string): Promise<string> {
  const packages = readdirSync("node_modules").filter((name) => !PROGRAMS.includes(name)).sort();
  const archives: string[] = [];
  for (let i = 0; i < LAYERS; i++) {
    const archive = join(folder, `${i}.tar`);
    const names = packages.filter((_, at) => at % LAYERS === i).map((name) => `./${name}`);
    await mustRun("tar", ["-C", "node_modules", "--sort=name", "-cf", archive, ...names]);
    archives.push(archive);
  }
  const image = `oci:${join(folder, "layout")}:1`;
  await mustRun("node24", ["dist/bin/lading.js", "append", "scratch", ...archives, "--to", image]);
  return image;
}

console.log(`\n${availableParallelism()} processors`);
await mustRun(component("node24") ?? "", ["tests/tools/build.mjs"]);
await inScratch(async (folder) => {
  const image = await makeImage(folder);
  for (const [name, [program, ...args]] of Object.entries(RUNTIMES)) {
    const validate = (...options: readonly string[]) => async (): Promise<void> =>
      void await mustRun(program, [...args, "dist/bin/lading.js", "validate", image, ...options]);
    const peer = { name: "one thread", run: validate() };
    const contenders = [{ name: "--threads 2", run: validate("--threads", "2") }];
    await compare(`validate, ${LAYERS} layers, ${name}`, peer, contenders, ROUNDS);
  }
});
