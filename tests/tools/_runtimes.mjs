// One function per runtime: runs test files and gives one record per test.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, relative } from "node:path";
import { bundleTests } from "./_bundle.mjs";
import { run } from "./_process.mjs";

/** @typedef {{ file: string, name: string, skipped?: string, error?: string }} TestRecord */

/**
 * @typedef {{ testMs: number, runMs: number }} Patience How long a test may take, and all of a runtime.
 */

const WORKERD_DATE = "2026-11-01";

function lost(files, records, output) {
  const seen = new Set(records.map((record) => record.file));
  return files.filter((file) => !seen.has(file))
    .map((file) => ({ file, name: "(file)", error: `no test ran\n${output.slice(-4000)}` }));
}

/** How many files run at the same time: most wait for something now and then. */
const LANES = 2;

/** Deals files out to lanes that run beside one another, and gives the records of all. */
async function inLanes(files, runLane) {
  const dealt = Array.from(
    { length: LANES },
    (_, lane) => files.filter((_, index) => index % LANES === lane),
  );
  const lanes = dealt.filter((lane) => lane.length > 0);
  return (await Promise.all(lanes.map((lane, number) => runLane(lane, number)))).flat();
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

async function nodeRecords(program, { root, env, patience }, paths, toFile) {
  const result = await run(program, [
    "--test",
    `--test-concurrency=${LANES}`,
    `--test-timeout=${patience.testMs}`,
    `--test-reporter=${join(root, "tests/tools/_reporter.mjs")}`,
    ...paths,
  ], { cwd: root, env, timeoutMs: patience.runMs });
  const records = [];
  for (const line of result.stdout.split("\n")) {
    if (!line.startsWith("{")) continue;
    const record = JSON.parse(line);
    const file = toFile(record.file);
    // A file without a test is reported as one test that has the file's name.
    const isFile = record.name.endsWith(basename(record.file)) && record.name.includes(".test.");
    if (isFile && record.error === undefined) continue;
    records.push({ ...record, file });
  }
  return [...records, ...lost(paths.map(toFile), records, result.stdout + result.stderr)];
}

/** Runs compiled tests on the machine's own Node. */
export async function runNode(context, files) {
  const { components, scratch } = context;
  const out = join(scratch, "out");
  const compiled = files.map((file) => join(out, file.replace(/\.ts$/, ".js")));
  const toFile = (path) => relative(out, path).replace(/\.js$/, ".ts");
  return await nodeRecords(components.node, context, compiled, toFile);
}

/** Runs the sources on Node 24. */
export async function runNode24(context, files) {
  const { root, components } = context;
  const toFile = (path) => path.startsWith("/") ? relative(root, path) : path;
  return await nodeRecords(components.node24, context, files, toFile);
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
      skipped: /<skipped/.test(body) ? "skipped" : undefined,
      error: failure === null ? undefined : decodeXML(failure[3] ?? failure[2] ?? "failed"),
    });
  }
  return records;
}

/** Runs the sources on Deno. */
export function runDeno(context, files) {
  return inLanes(files, (lane, number) => runDenoLane(context, lane, number));
}

async function runDenoLane({ root, components, env, scratch, patience }, files, number) {
  const report = join(scratch, `deno-${number}.xml`);
  rmSync(report, { force: true });
  const result = await run(components.deno, [
    "test",
    "-A",
    "--no-check",
    `--junit-path=${report}`,
    ...files,
  ], { cwd: root, env: { ...env, NO_COLOR: "1" }, timeoutMs: patience.runMs });
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
  return inLanes(files, (lane, number) => runBunLane(context, lane, number));
}

async function runBunLane({ root, components, env, scratch, patience }, files, number) {
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
  const result = await run(context.components.workerd, ["test", "config.capnp"], { cwd: folder });
  const records = [];
  for (const line of result.stdout.split("\n")) {
    const at = line.indexOf("LADING-RESULT ");
    if (at >= 0) records.push({ file, ...JSON.parse(line.slice(at + 14)) });
  }
  rmSync(folder, { recursive: true, force: true });
  return [...records, ...lost([file], records, result.stdout + result.stderr)];
}

async function runWorkerdWith(context, files, name, options) {
  const bundles = await bundleTests(context.root, files, join(context.scratch, name), {
    testServer: context.server.url,
    conditions: ["workerd", "worker", "browser", "import"],
  });
  return await inLanes([...bundles], async (lane) => {
    const records = [];
    for (const [file, bundle] of lane) {
      records.push(...await runWorkerdFile(context, file, bundle, options));
    }
    return records;
  });
}

/** Runs bundles on workerd as a Worker of today has it. */
export function runWorkerd(context, files) {
  return runWorkerdWith(context, files, "workerd", { date: WORKERD_DATE, flags: [] });
}

/** Runs bundles on workerd without any Node API. */
export function runWorkerdBare(context, files) {
  return runWorkerdWith(context, files, "workerd-bare", { date: "2026-01-01", flags: [] });
}

/** Runs bundles on workerd as it was when it took credentials along every redirect. */
export function runWorkerdOld(context, files) {
  return runWorkerdWith(context, files, "workerd-2025", { date: "2025-01-01", flags: [] });
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
const files = await (await fetch("files")).json();
const at = Number(new URLSearchParams(location.search).get("at"));
const [file, bundle] = files[at];
let results;
try { results = await (await import(bundle)).default(); }
catch (error) { results = [{ name: "(file)", error: String(error?.stack ?? error) }]; }
await fetch("result", { method: "POST", body: JSON.stringify({ file, results }) });
if (at + 1 < files.length) location.replace("page?at=" + (at + 1));
else await fetch("done", { method: "POST" });
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
  context.server.routes["/bundles/"] = folder;
  return await inLanes([...bundles], (lane, number) => runChromiumLane(context, lane, number));
}

async function runChromiumLane({ components, server, patience }, bundles, number) {
  const records = [];
  let finish;
  const done = new Promise((resolve) => finish = resolve);
  const base = `/chromium-${number}`;
  const pages = bundles.map(([file, path]) => [file, `/bundles/${basename(path)}`]);
  server.routes[`${base}/page`] = (_, response) =>
    response.writeHead(200, { "content-type": "text/html" }).end(PAGE);
  server.routes[`${base}/files`] = (_, response) => response.end(JSON.stringify(pages));
  server.routes[`${base}/result`] = (request, response) => {
    let body = "";
    request.on("data", (chunk) => body += chunk).on("end", () => {
      const { file, results } = JSON.parse(body);
      for (const result of results) records.push({ file, ...result });
      response.end();
    });
  };
  server.routes[`${base}/done`] = (_, response) => {
    response.end();
    finish();
  };
  const url = `${server.url}${base}/page`;
  const stderr = await withChromium(components.chromium, url, done, patience.runMs);
  return [...records, ...lost(bundles.map(([file]) => file), records, stderr)];
}

/** Makes a folder for reports, bundles and compiled tests; below the root, so that packages resolve. */
export function makeScratch(root) {
  const scratch = join(root, ".test", String(process.pid));
  mkdirSync(scratch, { recursive: true });
  process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
  return scratch;
}
