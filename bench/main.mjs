// `npm run bench [-- NAME …]`: finds the components, then runs the benches named, or all of them.
//
//   npm run bench -- kernel layer start     portable: six runtimes, peers in the same run
//   npm run bench -- api                    the same, what users call beside the kernel alone
//   npm run bench -- programs               what programs of the system take
//   npm run bench -- figures                claims, floors and aims; writes the table of README
//   npm run bench -- copy pull engine       the command beside skopeo and docker
//   npm run bench -- threads                the command with threads beside itself without
//
// Portable benches take `--runtimes node24,workerd` and `--rounds 5`; those who are close take three
// times as many.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { componentEnvironment, findComponents } from "../tests/tools/_components.mjs";

const root = resolve(fileURLToPath(import.meta.url), "../..");
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { runtimes: { type: "string" }, rounds: { type: "string" } },
});
const namesIn = (folder) =>
  readdirSync(join(root, folder)).filter((file) => /^[a-z]\w*\.ts$/.test(file))
    .map((file) => file.slice(0, -3)).sort();
const portable = namesIn("bench/portable");
// What others have measured is shown last.
const names = [...portable, ...namesIn("bench").filter((name) => name !== "figures"), "figures"];
const wanted = positionals.length > 0 ? positionals : names;
const unknown = wanted.filter((name) => !names.includes(name));
if (unknown.length > 0) throw new Error(`there is no bench ${unknown}, only ${names.join(", ")}`);

const components = await findComponents();
const options = Object.entries(values).map(([name, value]) => `--${name}=${value}`);
for (const name of wanted) {
  const script = portable.includes(name) ? ["_measure.mjs", name] : [`${name}.ts`];
  const [file, ...args] = script;
  const { status } = spawnSync(components.node24, [join("bench", file), ...args, ...options], {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, ...componentEnvironment(components) },
  });
  if (status !== 0) process.exitCode = 1;
}
