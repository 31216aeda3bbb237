/** What an edge worker pays for what it imports. */
import { gzipSync } from "node:zlib";
import { test } from "node:test";
import assert from "node:assert/strict";
import { build } from "esbuild";

const KILOBYTE = 1000;

/** Bundles a worker as wrangler does, and gives its gzipped size and the files in it. */
async function bundle(contents: string): Promise<{ size: number; files: string[] }> {
  const { outputFiles: [file], metafile } = await build({
    stdin: { contents, resolveDir: process.cwd(), loader: "ts" },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    conditions: ["workerd", "worker", "browser"],
    external: ["node:*"],
    write: false,
    metafile: true,
  });
  assert.ok(file !== undefined);
  const [output] = Object.values(metafile.outputs);
  const inputs = Object.entries(output?.inputs ?? {});
  return {
    size: gzipSync(file.contents, { level: 9 }).length,
    files: inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([path]) => path),
  };
}

function assertNoKernel(files: readonly string[]): void {
  assert.ok(files.some((path) => path.startsWith("lib/registry/")));
  assert.deepEqual(files.filter((path) => /^(?:lib\/kernel|wasm)\//.test(path)), []);
}

test("a Worker that fetches one manifest has at most 20 kB gzipped, and no kernel", async () => {
  const { size, files } = await bundle(`
    import { fetchManifest } from "./lib/registry/mod.ts";
    export default {
      async fetch(request) {
        const { parsed } = await fetchManifest("ghcr.io/acme/app:latest", { signal: request.signal });
        return Response.json(parsed.value);
      },
    };`);
  assert.ok(size <= 20 * KILOBYTE, `${size} bytes`);
  assertNoKernel(files);
});

test("a Worker with the whole registry client has at most 42 kB gzipped, and no kernel", async () => {
  const { size, files } = await bundle(`
    import { Registry } from "./lib/registry/mod.ts";
    export default {
      async fetch() {
        const repository = new Registry("ghcr.io").repository("acme/app");
        return Response.json(await repository.platforms(await repository.resolve("latest")));
      },
    };`);
  assert.ok(size <= 42 * KILOBYTE, `${size} bytes`);
  assertNoKernel(files);
});
