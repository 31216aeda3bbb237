// Compiles the sources to `dist/`: ESM and type declarations, from a clean folder.
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(fileURLToPath(import.meta.url), "../../..");
const typescript = dirname(createRequire(import.meta.url).resolve("typescript/package.json"));

rmSync(join(root, "dist"), { recursive: true, force: true });
const { status } = spawnSync(
  process.execPath,
  [join(typescript, "bin/tsc"), "-p", join(root, "tsconfig.build.json")],
  { stdio: "inherit" },
);
process.exitCode = status ?? 1;
