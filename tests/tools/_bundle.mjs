// Bundles portable tests for runtimes that have neither modules on disk nor node:test.
import { rmSync } from "node:fs";
import { join } from "node:path";

/** Bundles each test file to `<out>/<n>.js`, whose default export runs it. Gives the map file -> bundle. */
export async function bundleTests(root, files, out, { testServer, conditions }) {
  const { build } = await import("esbuild");
  rmSync(out, { recursive: true, force: true });
  const entryPoints = Object.fromEntries(
    files.map((file, index) => [String(index), `test:${file}`]),
  );
  await build({
    entryPoints,
    outdir: out,
    bundle: true,
    format: "esm",
    platform: "neutral",
    mainFields: ["module", "main"],
    conditions,
    target: "es2023",
    // sideEffects: false would drop the imported tests.
    ignoreAnnotations: true,
    logLevel: "warning",
    banner: { js: `globalThis.LADING_TEST_SERVER = ${JSON.stringify(testServer)};` },
    alias: {
      "node:test": join(root, "tests/support/shim.ts"),
      "node:assert/strict": join(root, "tests/support/assert.ts"),
    },
    external: ["cloudflare:*", "./kernel.wasm"],
    plugins: [{
      name: "test-entry",
      setup(build) {
        build.onResolve(
          { filter: /^test:/ },
          ({ path }) => ({ path: path.slice(5), namespace: "test" }),
        );
        build.onLoad({ filter: /.*/, namespace: "test" }, ({ path }) => ({
          contents:
            `import "./${path}";\nexport { run as default } from "./tests/support/shim.ts";`,
          resolveDir: root,
        }));
      },
    }],
  });
  return new Map(files.map((file, index) => [file, join(out, `${index}.js`)]));
}
