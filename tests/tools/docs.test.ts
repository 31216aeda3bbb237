/** The documentation does what it says: its examples run, against registries in this process. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import process from "node:process";
import { test } from "node:test";
import assert from "node:assert/strict";
import { pushDemoImage } from "../../examples/_demo_image.ts";
import { serve } from "../../lib/runtime/serve.ts";
import { memoryStore, registryHandler } from "../../mod.ts";
import { inScratch, mustRun, run } from "../support/program.ts";

const root = resolve(import.meta.dirname, "../..");
const deno = join(root, "node_modules/.bin/deno");

function trackedFiles(...patterns: string[]): string[] {
  return execFileSync("git", ["ls-files", "--", ...patterns], { cwd: root, encoding: "utf8" })
    .trim().split("\n").map((path) => join(root, path));
}

/** Runs the examples of files in Deno, in a folder of their own. */
async function runExamples(files: readonly string[]): Promise<number> {
  return await inScratch(async (cwd) => {
    const offline = join(root, "tests/support/offline.ts");
    const options = ["-A", "--doc", `--config=${join(root, "deno.json")}`, `--preload=${offline}`];
    const { code, stdout, stderr } = await run(deno, ["test", ...options, ...files], {
      cwd,
      env: { NO_COLOR: "1", LADING_CACHE: join(cwd, "cache") },
      timeoutMs: 540_000,
    });
    assert.equal(code, 0, (stdout + stderr).slice(-8000));
    return Number(/^ok \| (\d+) passed/m.exec(stdout)?.[1]);
  });
}

test("every example of the documentation runs as it stands", async () => {
  const hasExample = (file: string): boolean => /^ \* ```ts/m.test(readFileSync(file, "utf8"));
  const passed = await runExamples(trackedFiles("mod.ts", "lib/*.ts").filter(hasExample));
  assert.ok(passed >= 90, `${passed} examples`);
});

test("the examples of what a package offers import from packages, not from files", () => {
  const { exports } = JSON.parse(readFileSync(join(root, "deno.json"), "utf8")) as {
    exports: Record<string, string>;
  };
  const entries = [...new Set(Object.values(exports))].map((entry) => join(root, entry));
  const docs = execFileSync(deno, ["doc", "--json", ...entries], {
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1" },
    maxBuffer: 64 * 1024 * 1024,
    stdio: ["ignore", "pipe", "ignore"],
  });
  assert.ok(docs.includes('from \\"@lading/lading/compress\\"'));
  assert.deepEqual(docs.match(/from \\"\.[^"]*/g) ?? [], []);
});

test("every piece of TypeScript in the README runs as it stands", async () => {
  const pieces = readFileSync(join(root, "README.md"), "utf8").match(/^```ts$/gm) ?? [];
  assert.equal(await runExamples([join(root, "README.md")]), pieces.length);
});

/** The command lines of the README, without comments. */
function commandLines(): string[] {
  const text = readFileSync(join(root, "README.md"), "utf8");
  return [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)]
    .flatMap(([, block = ""]) => block.trim().split("\n"))
    .map((line) => line.replace(/\s+# .*$/, ""));
}

test("every command of the README does what it says", async () => {
  const store = memoryStore();
  for (const name of ["library/alpine:3.20", "acme/app:1"]) await pushDemoImage(store, name);
  const server = await serve(registryHandler(store));
  const host = `127.0.0.1:${server.port}`;
  try {
    await inScratch(async (folder) => {
      const bin = join(folder, "bin");
      mkdirSync(bin);
      const main = join(root, "lib/cli/main.ts");
      const script = `#!/bin/sh\nexec "${process.execPath}" "${main}" "$@"\n`;
      writeFileSync(join(bin, "lading"), script, { mode: 0o755 });
      const LADING_CACHE = join(folder, "cache");
      const env = { PATH: `${bin}${delimiter}${process.env["PATH"]}`, LADING_CACHE };
      let count = 0;
      for (const line of commandLines()) {
        // This test is part of `npm test`.
        if (line === "npm test") continue;
        const offline = line.replaceAll(/\b(?:ghcr\.io|registry\.acme\.dev)\//g, `${host}/`)
          .replaceAll(/(^| )alpine:/g, `$1${host}/library/alpine:`)
          .replaceAll(`${host}/app:1`, `${host}/acme/copied:1`);
        const isScript = line.startsWith("npm ");
        const { stdout } = await mustRun("bash", ["-o", "pipefail", "-c", offline], {
          cwd: isScript ? root : folder,
          env: isScript ? { TMPDIR: folder, LADING_CACHE } : env,
        });
        if (!line.includes("validate")) assert.notEqual(stdout.trim(), "", line);
        count++;
      }
      assert.ok(count >= 15, `${count} commands`);
      const { digest } = await store.resolve("acme/copied:1");
      assert.equal(digest, (await store.resolve("acme/app:1")).digest);
    });
  } finally {
    await server.close();
  }
});
