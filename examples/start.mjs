// `npm start`: sets up a fresh clone, then shows the main job; `npm start -- ARGS` is the command
// line. Plain JavaScript, because Node 20 cannot run the sources; it starts the Node that can.
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(fileURLToPath(import.meta.url), "../..");
const args = process.argv.slice(2);

function must(program, programArgs) {
  // What is set up is not the answer: stdout belongs to the command.
  const { status, error } = spawnSync(program, programArgs, { cwd: root, stdio: [0, 2, 2] });
  if (status === 0) return;
  console.error(`Cannot run ${program} ${programArgs.join(" ")}: ${error?.message ?? status}`);
  process.exit(1);
}

const node = join(root, "node_modules/node/bin/node");
if (!existsSync(node)) must("npm", ["ci", "--no-audit", "--no-fund"]);
const isDemo = args.length === 0;
if (isDemo) must(process.execPath, ["wasm/build.mjs"]);

const child = spawn(node, [join(root, isDemo ? "examples/demo.ts" : "lib/cli/main.ts"), ...args], {
  cwd: isDemo ? root : process.env.INIT_CWD ?? process.cwd(),
  stdio: "inherit",
});
// An interrupt reaches the whole group; the command ends in its own way.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => child.kill("SIGTERM"));
child.on("close", (code) => process.exitCode = code ?? 1);
