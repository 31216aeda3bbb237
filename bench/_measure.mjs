// Runs portable benches in the runtimes, prints a table for each runtime, and notes the times in
// bench/results.json: `_measure.mjs NAME… [--runtimes node24,workerd] [--rounds 5]`.
import { createReadStream } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { findComponents } from "../tests/tools/_components.mjs";
import { run } from "../tests/tools/_process.mjs";
import { makeScratch } from "../tests/tools/_runtimes.mjs";
import { startTestServer } from "../tests/tools/_test_server.mjs";
import { makeLayers } from "./_layers.ts";
import { noteAnswers } from "./_results_file.ts";
import { RUNTIMES } from "./_runtimes.mjs";
import { answersTable } from "./_tables.ts";

const DEFAULT_ROUNDS = 5;

const root = resolve(fileURLToPath(import.meta.url), "../..");
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runtimes: { type: "string", default: "node,node24,deno,bun,workerd,chromium" },
    rounds: { type: "string", default: String(DEFAULT_ROUNDS) },
  },
});
const rounds = Number(values.rounds);

function factsOf(made) {
  return Object.fromEntries(Object.entries(made).map(([name, { facts }]) => [name, facts]));
}

/** Collects what the portable benches send; tells how many take part. */
function collect(request, answers, done) {
  let body = "";
  request.on("data", (chunk) => body += chunk);
  request.on("end", () => {
    const { question, layer, entrant, times, of } = JSON.parse(body);
    const entrants = (answers[question] ??= {})[layer] ??= {};
    const before = entrants[entrant];
    // A bench of many processes sends a round at a time.
    entrants[entrant] = before === undefined ? times : {
      ...times,
      wall: [...before.wall, ...times.wall],
      ...(before.cpu && times.cpu ? { cpu: [...before.cpu, ...times.cpu] } : {}),
    };
    done(of);
  });
}

/** Runs a bench in a runtime; gives question -> layer -> entrant -> times. */
async function measure(context, runtime, name, layers) {
  const answers = {};
  const { routes } = context.server;
  // A runtime that is busy for seconds does not see that an idle connection was closed.
  const serve = (path, answer) =>
    routes[path] = (request, response) => {
      response.setHeader("connection", "close");
      answer(response, request);
    };
  const file = `bench/portable/${name}.ts`;
  const ask = async (options, made) => {
    for (const [layer, { path }] of Object.entries(made)) {
      serve(`/layers/${layer}.tar.gz`, (response) => createReadStream(path).pipe(response));
    }
    serve("/options", (response) => response.end(JSON.stringify(options)));
    await runtime.run(context, file);
  };
  let entrants = 1;
  serve("/measured", (response, request) =>
    collect(request, answers, (of) => {
      entrants = of;
      response.end();
    }));
  if (name !== "start") {
    await ask({ rounds, warmUp: true, layers: facts }, layers.whole);
    return answers;
  }
  for (let round = 0; round < rounds; round++) {
    for (const [layer, { facts }] of Object.entries(layers.first)) {
      for (let alone = 0; alone < entrants; alone++) {
        const options = { rounds: 1, warmUp: false, layers: { [layer]: facts }, alone };
        await ask(options, layers.first);
      }
    }
  }
  return answers;
}

async function versionOf(program) {
  return (await run(program, ["--version"])).stdout.match(/\d+(?:[.-]\d+)+/)?.[0] ?? "";
}

const components = await findComponents();
const layers = await makeLayers();
const facts = factsOf(layers.whole);
const scratch = makeScratch(root);
const server = await startTestServer(components.corpus ?? scratch);
const context = { root, components, scratch, server, env: {} };
for (const name of positionals) {
  for (const key of values.runtimes.split(",")) {
    const runtime = RUNTIMES[key];
    if (runtime === undefined) throw new Error(`there is no runtime ${key}`);
    const program = components[runtime.needs];
    if (program === undefined) {
      console.log(`\n## ${runtime.title}, ${name}: ${runtime.needs} is not installed`);
      continue;
    }
    const version = await versionOf(program);
    const started = Date.now();
    try {
      const answers = await measure(context, runtime, name, layers);
      const seconds = Math.round((Date.now() - started) / 1000);
      console.log(`\n## ${runtime.title} (${version}), ${name}, ${seconds} s`);
      console.log(answersTable(answers, facts));
      noteAnswers(runtime.title, version, answers, facts);
    } catch (error) {
      process.exitCode = 1;
      console.error(`\n## ${runtime.title} (${version}), ${name}\n${error.message}`);
    }
  }
}
server.close();
