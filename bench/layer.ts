// How fast is one pass over a layer through what users call? Beside the best-tuned stack of the same
// runtime (node:zlib in large chunks, node:crypto, tar headers), and beside the kernel alone, which
// shows what streams, promises and objects cost. Ratios of neighbours in one run, by wall clock and
// by processor time: node:zlib works on a second thread.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { inScratch, mustRun } from "../tests/support/program.ts";
import { debianLayer, nodeModulesTar } from "./_layers.ts";

const ROUNDS = 7;

/** Runtime -> the component that runs it, and arguments before the script. */
const RUNTIMES: Readonly<Record<string, readonly [string, ...string[]]>> = {
  "Node 24": ["node24"],
  "Node of the machine": ["node"],
  "Deno": ["deno", "run", "-A"],
  "Bun": ["bun"],
};

/** What is measured, and what it is called. */
const TITLES: Readonly<Record<string, string>> = {
  native: "node:zlib + node:crypto + headers",
  kernel: "the kernel alone",
  uncompressed: "uncompressed()",
  entries: "entries()",
  lend: "entries(), lend() of each file",
  bytes: "entries(), bytes() of each file",
  bodies: "entries(), body of each file",
  validate: "validate()",
  extract: "extract() to memory, two passes",
};

interface Times {
  readonly wall: readonly number[];
  readonly cpu: readonly number[];
}

/** The median of the ratios round by round, and the middle half of them. */
function ratio(one: readonly number[], other: readonly number[]): string {
  const ratios = one.map((time, round) => time / (other[round] ?? Number.NaN))
    .toSorted((a, b) => a - b);
  const at = (part: number) => (ratios[Math.floor(part * (ratios.length - 1))] ?? 0).toFixed(2);
  return `${at(0.5)} (${at(0.25)} to ${at(0.75)})`.padEnd(21);
}

function print(title: string, times: Readonly<Record<string, Times>>): void {
  const { native, kernel } = times;
  if (native === undefined || kernel === undefined) throw new Error("a peer is missing");
  console.log(`\n${title}`);
  const columns = ["native : it", "the same, processor", "kernel : it", "the same, processor"];
  console.log(`  ${"".padEnd(36)}${columns.map((column) => column.padEnd(21)).join("")}`);
  for (const [name, { wall, cpu }] of Object.entries(times)) {
    const beside = [
      ratio(native.wall, wall),
      ratio(native.cpu, cpu),
      ratio(kernel.wall, wall),
      ratio(kernel.cpu, cpu),
    ];
    console.log(`  ${(TITLES[name] ?? name).padEnd(36)}${beside.join("")}`);
  }
}

await inScratch(async (folder) => {
  const script = join(folder, "layer.mjs");
  await build({
    entryPoints: ["bench/_layer_run.ts"],
    outfile: script,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    logLevel: "error",
  });
  const layers = {
    "a Debian root file system": await debianLayer(),
    "packages of npm": gzipSync(await nodeModulesTar()),
  };
  for (const [what, bytes] of Object.entries(layers)) {
    const layer = join(folder, "layer.tar.gz");
    writeFileSync(layer, bytes);
    for (const [name, [program, ...args]] of Object.entries(RUNTIMES)) {
      const run = [...args, script, layer, String(ROUNDS)];
      const { stdout } = await mustRun(program, run, { timeoutMs: 1_200_000 });
      print(`${name}, ${what}`, JSON.parse(stdout));
    }
  }
});
