// Every example runs as its first lines say, against a registry of this process.
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import assert from "node:assert/strict";
import { build } from "esbuild";
import { pushDemoImage } from "../../examples/_demo_image.ts";
import { serve } from "../../lib/runtime/serve.ts";
import { memoryStore, registryHandler } from "../../mod.ts";
import { beside, component, inScratch, missing, mustRun, run } from "../support/program.ts";

async function withDemoImage(work: (image: string, digest: string) => Promise<void>) {
  const store = memoryStore();
  await pushDemoImage(store, "lading/demo:1");
  const server = await serve(registryHandler(store));
  try {
    const { digest } = await store.resolve("lading/demo:1");
    await work(`127.0.0.1:${server.port}/lading/demo:1`, digest);
  } finally {
    await server.close();
  }
}

/** Waits for the first line that a program prints. */
function firstLine(child: ReturnType<typeof spawn>): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      output += chunk;
      const end = output.indexOf("\n");
      if (end >= 0) resolve(output.slice(0, end));
    });
    child.stderr?.on("data", (chunk: Buffer) => output += chunk);
    child.once("close", () => reject(new Error(`it ended without a line: ${output}`)));
  });
}

test("npm start pulls, verifies and lists an image without a network", async () => {
  await inScratch(async (folder) => {
    const { stdout } = await mustRun("npm", ["start"], { env: { TMPDIR: folder } });
    assert.match(stdout, /^127\.0\.0\.1:\d+\/lading\/demo@sha256:[0-9a-f]{64}$/m);
    assert.match(stdout, /usr\/share\/lading\/README\.md/);
    assert.match(stdout, /^ARCHITECTURE=arm64$/m);
    const layout = /The layout lies in (\S+)/.exec(stdout)?.[1] ?? "";
    const index = JSON.parse(readFileSync(join(layout, "index.json"), "utf8"));
    assert.equal(index.manifests.length, 1);
  });
});

test("npm start -- ARGS is the command line, with its exit codes", async () => {
  await withDemoImage(async (image, digest) => {
    const { stdout } = await mustRun("npm", ["--silent", "start", "--", "digest", image]);
    assert.equal(stdout.trim(), digest);
    const { code, stderr } = await run("npm", ["--silent", "start", "--", "digest", `${image}-no`]);
    assert.equal(code, 3);
    assert.match(stderr, /^lading: Cannot /m);
  });
});

test("the Deno script lists the largest files", { skip: missing("deno") }, async () => {
  await withDemoImage(async (image) => {
    const args = ["run", "-A", "examples/deno_largest.ts", image, "linux/arm64"];
    const lines = (await mustRun("deno", args)).stdout.trim().split("\n");
    assert.match(lines[0] ?? "", /^\d+ {2}\/usr\/share\/lading\//);
    assert.ok(lines.some((line) => line.trim() === "27  /etc/os-release"), lines.join("\n"));
    const sizes = lines.map((line) => Number(line.trim().split(" ")[0]));
    assert.deepEqual(sizes, sizes.toSorted((a, b) => b - a));
  });
});

test("the Deno script has no type errors", { skip: missing("deno") }, async () => {
  await mustRun("deno", ["check", "examples/deno_largest.ts"]);
});

test("the Bun command finds lines in the files of an image", { skip: missing("bun") }, async () => {
  await withDemoImage(async (image) => {
    const args = (pattern: string) => ["examples/bun_grep.ts", image, pattern, "linux/arm64"];
    const found = await run("bun", args("=arm64$"));
    assert.equal(found.code, 0, found.stderr);
    assert.match(found.stdout, /^[0-9a-f]{12} \/etc\/os-release:2: ARCHITECTURE=arm64$/m);
    assert.equal((await run("bun", args("=amd64$"))).code, 1);
  });
});

const WORKER_CONFIG = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "internet", network = (allow = ["local", "private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "worker.js")],
  compatibilityDate = "DATE",
);
`;

test("the Worker tells digest, platforms and sizes", { skip: missing("workerd") }, async () => {
  await withDemoImage((image, digest) =>
    inScratch(async (folder) => {
      const { compatibility_date: date } = JSON.parse(
        readFileSync("examples/worker/wrangler.jsonc", "utf8").replaceAll(/^\s*\/\/.*$/gm, ""),
      );
      await build({
        entryPoints: ["examples/worker/worker.ts"],
        bundle: true,
        format: "esm",
        conditions: ["workerd", "worker", "browser"],
        external: ["node:*"],
        outfile: join(folder, "worker.js"),
      });
      writeFileSync(join(folder, "config.capnp"), WORKER_CONFIG.replace("DATE", date));
      const child = spawn(component("workerd") ?? "", ["serve", "--control-fd=1", "config.capnp"], {
        cwd: folder,
        stdio: ["ignore", "pipe", "pipe"],
      });
      await beside(child, async () => {
        const { port } = JSON.parse(await firstLine(child));
        const ask = (query: string) => fetch(`http://127.0.0.1:${port}/${query}`);
        const answer = await ask(`?image=${image}`);
        assert.equal(answer.status, 200);
        const { platforms, ...about } = await answer.json() as {
          platforms: { platform: string; digest: string; size: number }[];
        };
        assert.deepEqual(about, { reference: image, digest });
        const names = platforms.map(({ platform }) => platform);
        assert.deepEqual(names, ["linux/amd64", "linux/arm64"]);
        for (const { size } of platforms) assert.ok(size > 10_000 && size < 1_000_000, `${size}`);
        assert.equal((await ask("")).status, 400);
        assert.equal((await ask("?image=..")).status, 400);
        assert.equal((await ask(`?image=${image}-none`)).status, 404);
        assert.equal((await ask("?image=127.0.0.1:1/none")).status, 502);
      });
    })
  );
});

const FLAGS = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
];

/** What the page is, once it says that it is done or has failed. */
const SETTLED =
  `document.querySelector("#status")?.dataset.state ? document.body.innerHTML : undefined`;

/** Opens a page in Chromium and gives its body when it has settled. */
async function settledPage(url: string): Promise<string> {
  return await inScratch(async (profile) => {
    const child = spawn(component("chromium") ?? "", [
      ...FLAGS,
      ...[`--user-data-dir=${profile}`, "--remote-debugging-port=0", "about:blank"],
    ], { stdio: ["ignore", "ignore", "pipe"] });
    return await beside(child, async () => {
      const port = await new Promise((resolve, reject) => {
        let log = "";
        child.stderr.on("data", (chunk) => {
          log += chunk;
          const [, found] = /DevTools listening on ws:\/\/127\.0\.0\.1:(\d+)\//.exec(log) ?? [];
          if (found !== undefined) resolve(found);
        });
        child.once("close", () => reject(new Error(log)));
      });
      const opened = await fetch(`http://127.0.0.1:${port}/json/new?${url}`, { method: "PUT" });
      const { webSocketDebuggerUrl } = await opened.json() as { webSocketDebuggerUrl: string };
      const socket = new WebSocket(webSocketDebuggerUrl);
      await new Promise((resolve) => socket.onopen = resolve);
      for (let id = 1; id < 1000; id++) {
        const params = { expression: SETTLED };
        socket.send(JSON.stringify({ id, method: "Runtime.evaluate", params }));
        const message = await new Promise<string>((resolve) => {
          socket.onmessage = ({ data }) => resolve(data);
        });
        const { result } = JSON.parse(message);
        if (result?.result.value !== undefined) return result.result.value;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      throw new Error("the page did not settle");
    });
  });
}

test("the browser page lists the files", { skip: missing("chromium") }, async () => {
  const child = spawn(process.execPath, ["examples/browser/serve.ts"], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  await beside(child, async () => {
    const url = await firstLine(child);
    const page = await settledPage(url);
    assert.match(page, /<p id="status" data-state="done">sha256:[0-9a-f]{64}<\/p>/);
    assert.match(page, /<li>\/etc\/os-release \(27 bytes\)<\/li>/);
    assert.match(page, /<li>\/usr\/share\/lading\/wasm\/kernel\.wasm \(\d+ bytes\)<\/li>/);
    assert.match(await settledPage(`${url}-none`), /data-state="failed">Cannot [^<]*404/);
  });
});
