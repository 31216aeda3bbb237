// `npm test`: sets up what the tests need, runs every suite on every runtime it is for, and ends
// with one line `N passed, N failed, N skipped`.
//
//   npm test                                  everything
//   npm test -- --only tests/tar              files below a path
//   npm test -- --runtimes node24,workerd     some runtimes
//   npm test -- --times                       the files that took longest, too
//   npm test -- --list                        what would run
import { existsSync, readdirSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { componentEnvironment, findComponents } from "./_components.mjs";
import { run } from "./_process.mjs";
import {
  buildCommand,
  compileForNode,
  makeScratch,
  runBun,
  runChromium,
  runDeno,
  runNode,
  runNode24,
  runWorkerd,
  runWorkerdBare,
  runWorkerdOld,
} from "./_runtimes.mjs";
import { startTestServer } from "./_test_server.mjs";

const root = resolve(fileURLToPath(import.meta.url), "../../..");
const inCI = process.env.CI === "true";

/** Runtime -> how to run it, the component it needs, the folders of tests it is for. */
const PORTABLE = [
  "model",
  "hash",
  "bytes",
  "kernel",
  "compress",
  "tar",
  "auth",
  "registry",
  "engine",
  "store",
  "server",
  "image",
  "ops",
  "dockerreg",
  "registry/v1",
  "testing",
];
/** What takes long comes first, so that nothing runs alone in the end. */
const SYSTEM = ["runtimes", "faults", ...PORTABLE];
/** Runtimes that can start no server: the test server has one for them. */
const SERVERLESS = [...PORTABLE, "wire"];
const RUNTIMES = {
  node: { run: runNode, needs: ["node"], folders: SYSTEM },
  node24: { run: runNode24, needs: ["node24"], folders: ["interop", "tools", "types", ...SYSTEM] },
  deno: { run: runDeno, needs: ["deno"], folders: [...SYSTEM, "interop/std"] },
  bun: { run: runBun, needs: ["bun"], folders: SYSTEM },
  workerd: { run: runWorkerd, needs: ["workerd"], folders: SERVERLESS },
  "workerd-bare": {
    run: runWorkerdBare,
    needs: ["workerd"],
    folders: ["hash", "bytes", "kernel", "compress", "registry", "image"],
  },
  "workerd-2025": { run: runWorkerdOld, needs: ["workerd"], folders: ["wire"] },
  chromium: { run: runChromium, needs: ["chromium"], folders: SERVERLESS },
};
/** The one suite that may be skipped in CI: it needs JSR, which not every machine reaches. */
const MAY_SKIP = "tests/interop/std/";
/**
 * Enough for a machine that is five times slower; in Node 20 only a process has an end, no test.
 *
 * @type {import("./_runtimes.mjs").Patience}
 */
const PATIENCE = { testMs: 600_000, runMs: 2_400_000 };
/** What takes minutes has many. */
const LONG_PATIENCE = { testMs: 1_800_000, runMs: 7_200_000 };

const LONG = /\.long\.test\.ts$/;

function testFiles(folder, long) {
  const path = join(root, "tests", folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".test.ts"))
    .filter((entry) => LONG.test(entry.name) === long)
    .map((entry) => relative(root, join(path, entry.name)))
    .sort();
}

async function installModules() {
  if (existsSync(join(root, "node_modules/esbuild/package.json"))) return;
  const result = await run("npm", ["ci", "--no-audit", "--no-fund"], { cwd: root, inherit: true });
  if (result.code !== 0) throw new Error("npm ci failed");
}

function print(runtime, records, seconds) {
  for (const record of records) {
    if (!inCI || record.skipped === undefined || record.file.startsWith(MAY_SKIP)) continue;
    record.error = `skipped, which CI does not allow: ${record.skipped}`;
    record.skipped = undefined;
  }
  const failed = records.filter((record) => record.error !== undefined);
  const skipped = records.filter((record) => record.skipped !== undefined);
  for (const { file, name, error } of failed) {
    console.log(
      `\nFAILED on ${runtime}: ${file}: ${name}\n${error.split("\n").slice(0, 40).join("\n")}`,
    );
  }
  for (const { file, name, skipped: reason } of skipped) {
    console.log(`skipped on ${runtime}: ${file}: ${name}: ${reason}`);
  }
  const passed = records.length - failed.length - skipped.length;
  console.log(
    `${runtime}: ${passed} passed, ${failed.length} failed, ${skipped.length} skipped (${seconds} s)`,
  );
  return { passed, failed: failed.length, skipped: skipped.length };
}

/** Prints the files that took longest. */
function printTimes(records) {
  const times = new Map();
  for (const { file, ms = 0 } of records) times.set(file, (times.get(file) ?? 0) + ms);
  const slowest = [...times].sort(([, a], [, b]) => b - a).slice(0, 25);
  for (const [file, ms] of slowest) console.log(`${(ms / 1000).toFixed(1).padStart(8)} s ${file}`);
  const all = [...times.values()].reduce((sum, ms) => sum + ms, 0);
  console.log(`${(all / 1000).toFixed(1).padStart(8)} s in ${times.size} files`);
}

const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true },
    runtimes: { type: "string" },
    long: { type: "boolean", default: false },
    times: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
  },
});

await installModules();
const components = await findComponents();
const total = { passed: 0, failed: 0, skipped: 0 };
for (const [name, path] of Object.entries(components)) {
  if (path !== undefined) continue;
  console.log(`missing component: ${name}${inCI ? "" : "; the suites that need it are skipped"}`);
  total[inCI ? "failed" : "skipped"]++;
}

const wanted = values.runtimes?.split(",") ?? Object.keys(RUNTIMES);
const jobs = [];
for (const name of wanted) {
  const runtime = RUNTIMES[name];
  if (runtime === undefined) throw new Error(`unknown runtime ${name}: ${Object.keys(RUNTIMES)}`);
  const files = runtime.folders.flatMap((folder) => testFiles(folder, values.long))
    .filter((file) =>
      values.only?.some((path) => file.startsWith(path.replace(/^\.\//, ""))) ?? true
    );
  if (files.length === 0) continue;
  jobs.push({ name, runtime, files });
}
if (values.list) {
  for (const { name, files } of jobs) console.log(`${name}\n  ${files.join("\n  ")}`);
  process.exit(0);
}

const scratch = makeScratch(root);
const server = await startTestServer(components.corpus ?? scratch);
const context = {
  root,
  components,
  scratch,
  server,
  env: componentEnvironment(components),
  patience: values.long ? LONG_PATIENCE : PATIENCE,
};
if (jobs.some(({ name }) => name === "node")) await compileForNode(context);
if (jobs.some(({ name }) => name.startsWith("node"))) await buildCommand(context);
for (const { name, runtime, files } of jobs) {
  const absent = runtime.needs.filter((component) => components[component] === undefined);
  if (absent.length > 0) continue;
  const started = Date.now();
  const records = await runtime.run(context, files);
  const counts = print(name, records, Math.round((Date.now() - started) / 1000));
  if (values.times) printTimes(records);
  for (const key of Object.keys(total)) total[key] += counts[key];
}
server.close();
if (total.passed === 0) total.failed++;
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed > 0 ? 1 : 0;
