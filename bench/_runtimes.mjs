// Runs a portable bench in each runtime, with the bundles and the server of the tests.
import { basename, join } from "node:path";
import { writeFileSync } from "node:fs";
import { bundleTests } from "../tests/tools/_bundle.mjs";
import { run } from "../tests/tools/_process.mjs";
import { runChromium, runWorkerd, runWorkerdBare } from "../tests/tools/_runtimes.mjs";

/** After this long a bench hangs. */
const TIMEOUT_MS = 600_000;

/** What the runners of the tests are to wait for. */
const PATIENCE = { testMs: TIMEOUT_MS, runMs: TIMEOUT_MS };

const RUNNER = `import run from "./0.js";
const failed = (await run()).filter(({ error }) => error !== undefined);
for (const { error } of failed) console.error(error);
if (failed.length > 0) throw new Error("the bench failed");
`;

/** Runs the bundle as a program. */
function program(...args) {
  return async (context, file) => {
    const folder = join(context.scratch, "program");
    await bundleTests(context.root, [file], folder, {
      testServer: context.server.url,
      // The same code of packages as elsewhere: none that asks for modules of Node.
      conditions: ["browser", "import"],
    });
    const runner = join(folder, "run.mjs");
    writeFileSync(runner, RUNNER);
    const [name, ...rest] = args;
    const options = { cwd: context.root, timeoutMs: TIMEOUT_MS };
    const { code, stderr } = await run(context.components[name], [...rest, runner], options);
    if (code !== 0) throw new Error(`${name}: ${basename(file)}: ${stderr.slice(-4000)}`);
  };
}

/** Runs the bundle as the tests do where there are no programs. */
function page(runTests) {
  return async (context, file) => {
    const records = await runTests({ ...context, patience: PATIENCE }, [file]);
    const failed = records.filter(({ error }) => error !== undefined);
    if (failed.length > 0) throw new Error(failed.map(({ error }) => error).join("\n"));
  };
}

/** Name -> the component that is needed, its title, and how to run a bench in it. */
export const RUNTIMES = {
  "node": { needs: "node", title: "Node 20", run: program("node") },
  "node24": { needs: "node24", title: "Node 24", run: program("node24") },
  "deno": { needs: "deno", title: "Deno", run: program("deno", "run", "-A", "--no-check") },
  "bun": { needs: "bun", title: "Bun", run: program("bun") },
  "workerd": { needs: "workerd", title: "workerd", run: page(runWorkerd) },
  "workerd-bare": { needs: "workerd", title: "workerd bare", run: page(runWorkerdBare) },
  "chromium": { needs: "chromium", title: "Chromium", run: page(runChromium) },
};
