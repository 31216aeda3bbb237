// One function per runtime: runs test files and gives one record per test.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, relative } from "node:path";
import { bundleTests } from "./_bundle.mjs";
import { run } from "./_process.mjs";

/**
 * @typedef {{ file: string, name: string, ms?: number, skipped?: string, error?: string }} TestRecord
 */

/**
 * @typedef {{ testMs: number, runMs: number }} Patience How long a test may take, and all of a runtime.
 */

const WORKERD_DATE = "2026-11-01";

function lost(files, records, output) {
  const seen = new Set(records.map((record) => record.file));
  return files.filter((file) => !seen.has(file))
    .map((file) => ({ file, name: "(file)", error: `no test ran\n${output.slice(-4000)}` }));
}

/** How many batches run at the same time: more than small machines have cores, since many wait. */
const LANES = 4;
/** How many files share a process: few, so that all lanes end at about the same time. */
const BATCH = 10;
/** Files that have sockets, files and processes of their own, and on Node a process as well. */
const ALONE = /^tests\/(?:faults|interop|runtimes|tools|types)\//;

/** Puts files that follow one another together, but for those that run alone. */
function inBatches(files, alone) {
  const batches = [];
  for (const file of files) {
    const last = batches.at(-1);
    const isFull = last === undefined || last.length === BATCH || alone?.test(last[0]);
    if (isFull || alone?.test(file)) batches.push([file]);
    else last.push(file);
  }
  return batches;
}

/** Runs batches in lanes beside one another, each taking the next, and gives the records of all. */
async function inLanes(batches, runBatch) {
  const waiting = batches.entries();
  const runLane = async () => {
    const records = [];
    for (const [number, batch] of waiting) records.push(...await runBatch(batch, number));
    return records;
  };
  return (await Promise.all(Array.from({ length: LANES }, runLane))).flat();
}

/** Compiles the tree for a Node that does not strip types. */
export async function compileForNode({ root, components, scratch }) {
  const result = await run(components.node, [
    join(root, "node_modules/typescript/bin/tsc"),
    "-p",
    join(root, "tests/tools/tsconfig.out.json"),
    "--outDir",
    join(scratch, "out"),
  ]);
  if (result.code !== 0) throw new Error(`Cannot compile the tests:\n${result.stdout}`);
}

/** Builds the command as npm installs it, for tests that start hundreds of processes of it. */
export async function buildCommand({ root, components, scratch }) {
  const folder = join(scratch, "bin");
  const build = join(root, "tests/tools/build_command.mjs");
  const result = await run(components.node, [build, folder]);
  if (result.code !== 0) throw new Error(`Cannot build the command:\n${result.stderr}`);
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
}

/** Writes a module that imports others: Deno too would load all they share for each of them. */
function writeImports(entry, paths) {
  writeFileSync(entry, paths.map((path) => `import ${JSON.stringify(path)};\n`).join(""));
}

/** Runs files in a process of Node; `name` is that of its files, `compiled` gives what runs. */
async function runNodeBatch(program, context, files, { name, compiled, toFile }) {
  const { root, scratch, env, patience } = context;
  const entry = join(scratch, `${name}.mjs`);
  const report = join(scratch, `${name}.jsonl`);
  writeImports(entry, files.map(compiled));
  writeFileSync(report, "");
  const result = await run(program, [
    `--test-timeout=${patience.testMs}`,
    `--test-reporter=${join(root, "tests/tools/_reporter.mjs")}`,
    `--test-reporter-destination=${report}`,
    entry,
  ], {
    cwd: root,
    env: {
      ...env,
      LADING_COMMAND: join(scratch, "bin/lading.js"),
      // Hundreds of processes load the same modules, and strip the same types.
      NODE_COMPILE_CACHE: join(scratch, "compiled"),
    },
    timeoutMs: patience.runMs,
  });
  const lines = readFileSync(report, "utf8").split("\n").filter((line) => line.endsWith("}"));
  const records = lines.map((line) => {
    const record = JSON.parse(line);
    return { ...record, file: toFile(record.file) };
  });
  const output = result.stdout + result.stderr;
  if (result.code !== 0 && records.every(({ error }) => error === undefined)) {
    const error = `ended with ${result.code}\n${output.slice(-4000)}`;
    records.push({ file: files.join(" "), name: "(process)", error });
  }
  return [...records, ...lost(files, records, output)];
}

/** Runs compiled tests on the machine's own Node. */
export async function runNode(context, files) {
  const out = join(context.scratch, "out");
  return await inLanes(
    inBatches(files, ALONE),
    (batch, number) =>
      runNodeBatch(context.components.node, context, batch, {
        name: `node-${number}`,
        compiled: (file) => join(out, file.replace(/\.ts$/, ".js")),
        toFile: (path) => relative(out, path).replace(/\.js$/, ".ts"),
      }),
  );
}

/** Runs the sources on Node 24. */
export async function runNode24(context, files) {
  const { root } = context;
  return await inLanes(
    inBatches(files, ALONE),
    (batch, number) =>
      runNodeBatch(context.components.node24, context, batch, {
        name: `node24-${number}`,
        compiled: (file) => join(root, file),
        toFile: (path) => relative(root, path),
      }),
  );
}

function decodeXML(text) {
  return text.replace(
    /&#(x?)([0-9a-f]+);/gi,
    (_, hex, code) => String.fromCodePoint(parseInt(code, hex === "" ? 10 : 16)),
  )
    .replaceAll("&quot;", '"').replaceAll("&apos;", "'").replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

/** Reads the test cases of a JUnit report; `fileOf` finds the file from suite and case attributes. */
function readJUnit(path, fileOf) {
  const records = [];
  let suite = "";
  const xml = readFileSync(path, "utf8");
  const tags = /<testsuite\s([^>]*)>|<testcase\s([^>]*?)(\/>|>([\s\S]*?)<\/testcase>)/g;
  const attribute = (text, name) =>
    decodeXML(new RegExp(`(?:^|\\s)${name}="([^"]*)"`).exec(text)?.[1] ?? "");
  for (const [, suiteTag, caseTag, , body = ""] of xml.matchAll(tags)) {
    if (suiteTag !== undefined) {
      suite = suiteTag;
      continue;
    }
    const failure = /<(failure|error)[^>]*?(?:message="([^"]*)")?[^>]*?(?:\/>|>([\s\S]*?)<\/\1>)/
      .exec(body);
    records.push({
      file: fileOf(attribute(suite, "name"), attribute(suite, "file"), caseTag, attribute),
      name: attribute(caseTag, "name"),
      ms: Number(attribute(caseTag, "time")) * 1000,
      skipped: /<skipped/.test(body) ? "skipped" : undefined,
      error: failure === null ? undefined : decodeXML(failure[3] ?? failure[2] ?? "failed"),
    });
  }
  return records;
}

/** Runs the sources on Deno. */
export function runDeno(context, files) {
  return inLanes(inBatches(files, ALONE), (batch, number) => runDenoBatch(context, batch, number));
}

async function runDenoBatch({ root, components, env, scratch, patience }, files, number) {
  const report = join(scratch, `deno-${number}.xml`);
  // The scratch folder is one of those that deno.json excludes.
  const folder = mkdtempSync(join(tmpdir(), "lading-deno-"));
  const entry = join(folder, "batch.test.ts");
  writeImports(entry, files.map((file) => join(root, file)));
  const result = await run(components.deno, [
    "test",
    "-A",
    "--no-check",
    `--config=${join(root, "deno.json")}`,
    `--junit-path=${report}`,
    entry,
  ], { cwd: root, env: { ...env, NO_COLOR: "1" }, timeoutMs: patience.runMs });
  rmSync(folder, { recursive: true });
  let records = [];
  try {
    records = readJUnit(
      report,
      (suite) =>
        relative(root, suite.startsWith("file://") ? new URL(suite).pathname : join(root, suite)),
    );
  } catch {
    records = [];
  }
  return [...records, ...lost(files, records, result.stdout + result.stderr)];
}

/** Runs the sources on Bun. */
export function runBun(context, files) {
  return inLanes(inBatches(files), (batch, number) => runBunBatch(context, batch, number));
}

async function runBunBatch({ root, components, env, scratch, patience }, files, number) {
  const report = join(scratch, `bun-${number}.xml`);
  rmSync(report, { force: true });
  const result = await run(components.bun, [
    "test",
    `--timeout=${patience.testMs}`,
    "--reporter=junit",
    `--reporter-outfile=${report}`,
    ...files.map((file) => `./${file}`),
  ], { cwd: root, env: { ...env, NO_COLOR: "1" }, timeoutMs: patience.runMs });
  let records = [];
  try {
    records = readJUnit(
      report,
      (suite, file, caseTag, attribute) => attribute(caseTag, "file") || file || suite,
    );
  } catch {
    records = [];
  }
  const failed = records.filter((record) => record.error !== undefined);
  for (const record of failed) {
    record.error = `${record.error}\n${excerpt(result.stderr, record.name)}`;
  }
  return [...records, ...lost(files, records, result.stdout + result.stderr)];
}

function excerpt(output, name) {
  const at = output.indexOf(`(fail) ${name}`);
  return at < 0 ? "" : output.slice(Math.max(0, at - 1500), at);
}

const WORKER = `import run from "bundle";
export default {
  async test() {
    for (const result of await run()) console.log("LADING-RESULT " + JSON.stringify(result));
  },
};`;

const CAPNP = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "internet", network = (allow = ["public", "private", "local"])),
  ],
);
const worker :Workerd.Worker = (
  modules = [
    (name = "worker", esModule = embed "worker.js"),
    (name = "bundle", esModule = embed "bundle.js"),
  ],
  compatibilityDate = "DATE",
  compatibilityFlags = FLAGS,
);
`;

async function runWorkerdFile(context, file, bundle, { date, flags }) {
  const folder = mkdtempSync(join(context.scratch, "workerd-"));
  writeFileSync(join(folder, "worker.js"), WORKER);
  writeFileSync(join(folder, "bundle.js"), readFileSync(bundle));
  writeFileSync(
    join(folder, "config.capnp"),
    CAPNP.replace("DATE", date).replace("FLAGS", JSON.stringify(flags)),
  );
  const started = performance.now();
  const result = await run(context.components.workerd, ["test", "config.capnp"], { cwd: folder });
  const records = [];
  for (const line of result.stdout.split("\n")) {
    const at = line.indexOf("LADING-RESULT ");
    if (at >= 0) records.push({ file, ...JSON.parse(line.slice(at + 14)) });
  }
  rmSync(folder, { recursive: true, force: true });
  records.push(...lost([file], records, result.stdout + result.stderr));
  // Clocks of a Worker stand still while it computes.
  records[0].ms = performance.now() - started;
  return records;
}

async function runWorkerdWith(context, files, options) {
  const bundles = context.workerdBundles ??= new Map();
  const absent = files.filter((file) => !bundles.has(file));
  const folder = mkdtempSync(join(context.scratch, "workerd-bundles-"));
  const made = await bundleTests(context.root, absent, folder, {
    testServer: context.server.url,
    conditions: ["workerd", "worker", "browser", "import"],
  });
  for (const [file, bundle] of made) bundles.set(file, bundle);
  return await inLanes(
    files,
    (file) => runWorkerdFile(context, file, bundles.get(file), options),
  );
}

/** Runs bundles on workerd as a Worker of today has it. */
export function runWorkerd(context, files) {
  return runWorkerdWith(context, files, { date: WORKERD_DATE, flags: [] });
}

/** Runs bundles on workerd without any Node API. */
export function runWorkerdBare(context, files) {
  return runWorkerdWith(context, files, { date: "2026-01-01", flags: [] });
}

/** Runs bundles on workerd as it was when it took credentials along every redirect. */
export function runWorkerdOld(context, files) {
  return runWorkerdWith(context, files, { date: "2025-01-01", flags: [] });
}

const CHROMIUM_FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

// Each file has a page of its own: what a page holds is freed with it, kernels above all, of which
// a process has room for some hundred.
const PAGE = `<!doctype html><meta charset="utf-8"><script type="module">
const lane = new URLSearchParams(location.search).get("lane");
const next = await (await fetch("next?lane=" + lane)).json();
if (next !== null) {
  const [file, bundle] = next;
  const started = performance.now();
  let results;
  try { results = await (await import(bundle)).default(); }
  catch (error) { results = [{ name: "(file)", error: String(error?.stack ?? error) }]; }
  const ms = performance.now() - started;
  await fetch("result", { method: "POST", body: JSON.stringify({ file, results, ms }) });
  location.replace("page?lane=" + lane + "&after=" + file);
}
</script>`;

/** Opens a page in headless Chromium until `done` resolves. */
export async function withChromium(program, url, done, timeoutMs) {
  const profile = mkdtempSync(join(tmpdir(), "lading-chromium-"));
  const child = spawn(program, [...CHROMIUM_FLAGS, `--user-data-dir=${profile}`, url], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.on("data", (chunk) => stderr = (stderr + chunk).slice(-4000));
  const ended = new Promise((resolve) => child.on("close", resolve));
  let timer;
  try {
    await Promise.race([
      done,
      ended,
      new Promise((resolve) => timer = setTimeout(resolve, timeoutMs)),
    ]);
  } finally {
    clearTimeout(timer);
    child.kill("SIGKILL");
    await ended;
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
  return stderr;
}

/** Runs bundles in headless Chromium. */
export async function runChromium(context, files) {
  const folder = join(context.scratch, "chromium");
  const bundles = await bundleTests(context.root, files, folder, {
    testServer: context.server.url,
    conditions: ["browser", "import"],
  });
  const { components, server, patience } = context;
  const records = [];
  const waiting = [...bundles].values();
  const lanes = Array.from({ length: LANES }, (_, lane) => {
    let finish;
    const done = new Promise((resolve) => finish = resolve);
    return { url: `${server.url}/chromium/page?lane=${lane}`, done, finish };
  });
  server.routes["/bundles/"] = folder;
  server.routes["/chromium/page"] = (_, response) =>
    response.writeHead(200, { "content-type": "text/html" }).end(PAGE);
  server.routes["/chromium/next"] = (request, response) => {
    const { value: [file, path] = [] } = waiting.next();
    const next = file === undefined ? null : [file, `/bundles/${basename(path)}`];
    response.end(JSON.stringify(next));
    if (next === null) lanes[new URL(request.url, server.url).searchParams.get("lane")].finish();
  };
  server.routes["/chromium/result"] = (request, response) => {
    let body = "";
    request.on("data", (chunk) => body += chunk).on("end", () => {
      const { file, results: [first, ...others], ms } = JSON.parse(body);
      if (first !== undefined) records.push({ file, ...first, ms });
      for (const result of others) records.push({ file, ...result });
      response.end();
    });
  };
  const said = await Promise.all(
    lanes.map(({ url, done }) => withChromium(components.chromium, url, done, patience.runMs)),
  );
  return [...records, ...lost(files, records, said.join("\n"))];
}

/** Makes a folder for reports, bundles and compiled tests; below the root, so that packages resolve. */
export function makeScratch(root) {
  const scratch = join(root, ".test", String(process.pid));
  mkdirSync(scratch, { recursive: true });
  process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
  return scratch;
}
