// How fast is the kernel beside what each runtime has of its own? Inflate beside the best-tuned
// zlib stream and DecompressionStream, hashes and CRC beside the host's, deflate beside zlib 6. The
// data is made here: a Debian root file system by debootstrap, and the packages of this checkout as
// a tar. Each runtime runs all contenders in turns in one process.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { debianLayer, nodeModulesTar } from "./_layers.ts";
import { component, inScratch, mustRun } from "../tests/support/program.ts";

/** Runtime -> the program and its arguments before the script. */
const RUNTIMES: Readonly<Record<string, readonly [string, ...string[]]>> = {
  "Node of the machine": ["node"],
  "Node 24": ["node24"],
  "Deno": ["deno", "run", "-A"],
  "Bun": ["bun"],
};

await inScratch(async (folder) => {
  const script = join(folder, "kernel_rounds.mjs");
  await build({
    entryPoints: ["bench/_kernel_rounds.ts"],
    outfile: script,
    bundle: true,
    format: "esm",
    platform: "node",
    logLevel: "error",
  });
  const layers = { layer: await debianLayer(), js: gzipSync(await nodeModulesTar()) };
  const files: string[] = [];
  for (const [name, bytes] of Object.entries(layers)) {
    files.push(join(folder, `${name}.tar.gz`));
    writeFileSync(files.at(-1) ?? "", bytes);
  }
  for (const [name, [program, ...args]] of Object.entries(RUNTIMES)) {
    const path = component(program) ?? program;
    const { stdout } = await mustRun(path, [...args, script, ...files], { timeoutMs: 1_200_000 });
    console.log(`\n## ${name}\n${stdout.trimEnd()}`);
  }
});
