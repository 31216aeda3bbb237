/** The documentation does what it says: its examples run, against registries in this process. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join, relative, resolve } from "node:path";
import process from "node:process";
import { test } from "node:test";
import assert from "node:assert/strict";
import { pushDemoImage } from "../../examples/_demo_image.ts";
import { serve } from "../../lib/runtime/serve.ts";
import { memoryStore, registryHandler } from "../../mod.ts";
import { buildCommand } from "../support/built_command.ts";
import { inScratch, mustRun, run } from "../support/program.ts";

const root = resolve(import.meta.dirname, "../..");
const deno = join(root, "node_modules/.bin/deno");

function trackedFiles(...patterns: string[]): string[] {
  return execFileSync("git", ["ls-files", "--", ...patterns], { cwd: root, encoding: "utf8" })
    .trim().split("\n").map((path) => join(root, path));
}

/** A piece of TypeScript in the documentation, and where it stands. */
interface Example {
  readonly where: string;
  readonly code: string;
}

/** Finds the examples of a file: in Markdown, or in its doc comments. */
function examplesOf(file: string): Example[] {
  const text = readFileSync(file, "utf8");
  const isMarkdown = file.endsWith(".md");
  const fenced = isMarkdown
    ? /^```ts\n([\s\S]*?)^```$/gm
    : /^ *\* ```ts\n((?: *\*(?: .*)?\n)*?) *\* ```$/gm;
  return [...text.matchAll(fenced)].map(({ index, 1: code = "" }) => ({
    where: `${relative(root, file)}:${text.slice(0, index).split("\n").length}`,
    code: (isMarkdown ? code : code.replaceAll(/^ *\* ?/gm, ""))
      // Within the house, examples import from their own room.
      .replaceAll(/(?<= from ")\.[^"]*/g, (path) => resolve(dirname(file), path)),
  }));
}

/** Imports every module, and tells which ones failed. */
const RUNNER = `
const examples = JSON.parse(await Deno.readTextFile("examples.json"));
let failed = 0;
for (const { name, where } of examples) {
  try {
    await import("./" + name);
  } catch (error) {
    failed++;
    console.error(where, error);
  }
}
console.log(examples.length - failed, "passed");
Deno.exit(failed > 0 ? 1 : 0);
`;

/** Has Deno check and run examples, one after the other, in a folder of their own. */
async function runExamples(examples: readonly Example[]): Promise<void> {
  await inScratch(async (cwd) => {
    const files = examples.map(({ where, code }, i) => ({ where, code, name: `example_${i}.ts` }));
    for (const { name, code } of files) writeFileSync(join(cwd, name), `export {};\n${code}`);
    writeFileSync(join(cwd, "examples.json"), JSON.stringify(files));
    writeFileSync(join(cwd, "run.ts"), RUNNER);
    const config = `--config=${join(root, "deno.json")}`;
    const options = {
      cwd,
      env: { NO_COLOR: "1", LADING_CACHE: join(cwd, "cache") },
      timeoutMs: 540_000,
    };
    const checked = await run(deno, ["check", config, ...files.map(({ name }) => name)], options);
    assert.equal(checked.code, 0, (checked.stdout + checked.stderr).slice(-8000));
    const offline = `--preload=${join(root, "tests/support/offline.ts")}`;
    const ran = await run(deno, ["run", "-A", "--no-check", config, offline, "run.ts"], options);
    assert.equal(ran.code, 0, (ran.stdout + ran.stderr).slice(-8000));
    assert.match(ran.stdout, new RegExp(`^${examples.length} passed$`, "m"));
  });
}

test("every example of the documentation runs as it stands", async () => {
  const examples = trackedFiles("mod.ts", "lib/*.ts").flatMap(examplesOf);
  assert.ok(examples.length >= 90, `${examples.length} examples`);
  await runExamples(examples);
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
  const examples = examplesOf(join(root, "README.md"));
  assert.ok(examples.length >= 10, `${examples.length} pieces`);
  await runExamples(examples);
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
      const bin = join(folder, "path");
      mkdirSync(bin);
      const main = await buildCommand(folder);
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
