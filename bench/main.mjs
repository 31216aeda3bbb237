// `npm run bench [-- NAME …]`: finds the components, then runs bench/NAME.ts, or all of them.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { componentEnvironment, findComponents } from "../tests/tools/_components.mjs";

const root = resolve(fileURLToPath(import.meta.url), "../..");
const components = await findComponents();
const names = readdirSync(join(root, "bench"))
  .filter((file) => /^[a-z]\w*\.ts$/.test(file)).map((file) => file.slice(0, -3)).sort();
const wanted = process.argv.length > 2 ? process.argv.slice(2) : names;
for (const name of wanted) {
  if (!names.includes(name)) throw new Error(`there is no bench ${name}, only ${names.join(", ")}`);
  const { status } = spawnSync(components.node24, [join("bench", `${name}.ts`)], {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, ...componentEnvironment(components) },
  });
  if (status !== 0) process.exitCode = 1;
}
