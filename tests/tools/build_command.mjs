// Bundles the command: `node tests/tools/build_command.mjs FOLDER`.
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

await build({
  absWorkingDir: resolve(dirname(fileURLToPath(import.meta.url)), "../.."),
  entryPoints: { lading: "lib/cli/_bin.ts" },
  outdir: resolve(process.argv[2] ?? "dist/bin"),
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20",
  minifySyntax: true,
  minifyWhitespace: true,
  logLevel: "warning",
});
