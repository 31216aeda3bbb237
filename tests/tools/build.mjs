// Builds `dist/` from a clean folder: ESM and type declarations of every module, and the command in
// one bundle.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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

/**
 * Has declarations name the library of `AsyncDisposable`, which few projects list. JSR, which gets
 * the sources, takes no such references in them.
 */
function referToDisposable() {
  for (const name of readdirSync(join(root, "dist"), { recursive: true })) {
    if (!name.endsWith(".d.ts")) continue;
    const path = join(root, "dist", name);
    const text = readFileSync(path, "utf8");
    if (!/\bAsyncDisposable\b|Symbol\.asyncDispose/.test(text)) continue;
    writeFileSync(path, `/// <reference lib="esnext.disposable" />\n${text}`);
  }
}

if (process.exitCode === 0) {
  referToDisposable();
  const bundle = [join(root, "tests/tools/build_command.mjs"), join(root, "dist/bin")];
  process.exitCode = spawnSync(process.execPath, bundle, { stdio: "inherit" }).status ?? 1;
}
