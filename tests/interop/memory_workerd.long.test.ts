// F35: a Worker has 128 MiB. What it does with a layer of 512 MiB is measured on workerd's process.
import { type ChildProcess, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { build } from "esbuild";
import { streamFrom } from "../../lib/bytes/stream_from.ts";
import { append } from "../../lib/image/append.ts";
import { emptyImage } from "../../lib/image/empty_image.ts";
import { layerFrom } from "../../lib/image/layer_from.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import type { Descriptor } from "../../lib/model/descriptor.ts";
import { push } from "../../lib/ops/push.ts";
import { nodeFileSystem } from "../../lib/runtime/node_file_system.ts";
import { serve } from "../../lib/runtime/serve.ts";
import { registryHandler } from "../../lib/server/mod.ts";
import { type OCILayout, ociLayout } from "../../lib/store/mod.ts";
import { processMemory } from "../support/process_memory.ts";
import { beside, component, inScratch, missing } from "../support/program.ts";
import { FolderBucket } from "./r2_folder.ts";

/** What the process may have above an idle one. Most is what the collector has not looked at yet. */
const ALLOWED_MIB = 48;

/** What a push in pieces may have: they are gathered to 8 MiB, which the next buffer grows to. */
const ALLOWED_IN_PIECES_MIB = 80;

const LAYER_BYTES = 512 * 1024 ** 2;

const PIECE = new Uint8Array(randomBytes(1024 ** 2));

/** Compatibility date -> what it is. */
const DATES = {
  "2026-11-01": "a Worker of today",
  "2026-01-01": "without nodejs_compat",
  "2025-01-01": "without WebAssembly, too",
} as const;

const CONFIG = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "internet", network = (allow = ["local"])),
    (name = "r2", external = (address = "BUCKET", http = ())),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "worker.js")],
  compatibilityDate = "DATE",
  bindings = [(name = "IMAGES", r2Bucket = "r2"), (name = "REGISTRY", text = "REGISTRY_HOST")],
);
`;

function* contentOf(bytes: number): Generator<Bytes> {
  for (let left = bytes; left > 0; left -= PIECE.length) yield PIECE.subarray(0, left);
}

/** Puts the image into a layout, with a layer that is stored in gzip and not compressed. */
async function pushLarge(layout: OCILayout): Promise<Descriptor> {
  const size = LAYER_BYTES / 4;
  const files = ["a", "b", "c", "d"].map((path) => ({
    path,
    size,
    body: () => streamFrom(contentOf(size)),
  }));
  const last = { path: "last", body: new TextEncoder().encode("found") };
  const layer = await layerFrom([...files, last], { level: 0 });
  const image = append(emptyImage({ os: "linux", architecture: "amd64" }), layer);
  await push(image, layout, "large:1");
  return layer.descriptor();
}

interface Served {
  readonly url: string;
  readonly pid: number;
}

/** Starts workerd, and gives `work` what it needs to ask the Worker and to measure it. */
async function withWorkerd(
  folder: string,
  settings: { readonly date: string; readonly bucket: string; readonly registry: string },
  work: (served: Served) => Promise<void>,
): Promise<void> {
  const config = CONFIG.replace("DATE", settings.date).replace("BUCKET", settings.bucket)
    .replace("REGISTRY_HOST", settings.registry);
  writeFileSync(join(folder, "config.capnp"), config);
  const program = component("workerd") ?? "";
  const child = spawn(program, ["serve", "--control-fd=1", "config.capnp"], {
    cwd: folder,
    stdio: ["ignore", "pipe", "inherit"],
  });
  await beside(child, async () => {
    const { port } = JSON.parse(await firstLine(child)) as { port: number };
    await work({ url: `http://127.0.0.1:${port}`, pid: child.pid ?? 0 });
  });
}

function firstLine({ stdout }: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    stdout?.once("data", (chunk) => resolve(String(chunk).split("\n")[0] ?? ""));
    stdout?.once("close", () => reject(new Error("workerd has ended")));
  });
}

async function answerOf(url: string, init?: RequestInit): Promise<unknown> {
  const response = await fetch(url, init);
  assert.ok(response.ok, `${url} answered ${response.status}`);
  return await response.json();
}

async function sha256Of(response: Response): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of response.body ?? []) hash.update(chunk);
  return `sha256:${hash.digest("hex")}`;
}

for (const [date, what] of Object.entries(DATES)) {
  test(`F35: a Worker reads, hands on and copies 512 MiB in ${ALLOWED_MIB} MiB: ${what}`, {
    skip: missing("workerd"),
  }, async () => {
    await inScratch(async (folder) => {
      const layout = ociLayout(nodeFileSystem(), join(folder, "layout"));
      const layer = await pushLarge(layout);
      const blob = join(folder, "layout", "blobs", "sha256", layer.digest.slice(7));
      const bucket = new FolderBucket(folder);
      const r2 = createServer((request, response) => void bucket.answer(request, response));
      await new Promise<void>((resolve) => r2.listen(0, "127.0.0.1", resolve));
      const server = await serve(registryHandler(layout));
      await build({
        entryPoints: ["tests/interop/memory_worker.ts"],
        outfile: join(folder, "worker.js"),
        bundle: true,
        format: "esm",
        conditions: ["workerd", "worker", "browser"],
        external: ["node:*", "*.wasm"],
        logLevel: "silent",
      });
      const settings = {
        date,
        bucket: `127.0.0.1:${(r2.address() as AddressInfo).port}`,
        registry: `127.0.0.1:${server.port}`,
      };
      const peaks: Record<string, number> = {};
      const measure = (name: string, allowed: number, work: (url: string) => Promise<void>) =>
        withWorkerd(folder, settings, async ({ url, pid }) => {
          await answerOf(`${url}/idle`);
          const idle = processMemory(pid).now;
          await work(url);
          const { most } = processMemory(pid);
          peaks[name] = Math.round(most - idle);
          assert.ok(idle > 20 && most - idle < allowed, `${name}: ${idle} MiB idle, ${most} MiB`);
        });
      const isHeld = (prefix: string) => {
        const held = bucket.objects.get(`${prefix}blobs/sha256/${layer.digest.slice(7)}`);
        return held?.sha256 === layer.digest.slice(7);
      };
      const upload = async (url: string, name: string, inPieces: boolean) => {
        const session = `${url}/v2/${name}/blobs/uploads/`;
        const body = () => new Blob([readFileSync(blob)]);
        if (!inPieces) {
          const at = `${session}?digest=${layer.digest}`;
          return void assert.equal((await fetch(at, { method: "POST", body: body() })).status, 201);
        }
        const started = await fetch(session, { method: "POST" });
        const at = new URL(started.headers.get("location") ?? "", url);
        const patched = await fetch(at, { method: "PATCH", body: body() });
        assert.equal(patched.status, 202);
        const end = new URL(`${patched.headers.get("location")}?digest=${layer.digest}`, url);
        assert.equal((await fetch(end, { method: "PUT" })).status, 201);
      };
      try {
        await measure("validate", ALLOWED_MIB, async (url) => {
          assert.equal(await answerOf(`${url}/validate`), true);
        });
        await measure("file", ALLOWED_MIB, async (url) => {
          assert.equal(await answerOf(`${url}/file`), "found");
        });
        await measure("proxy", ALLOWED_MIB, async (url) => {
          const response = await fetch(`${url}/proxy`);
          assert.equal(response.headers.get("content-length"), String(layer.size));
          assert.equal(await sha256Of(response), layer.digest);
        });
        await measure("push", ALLOWED_MIB, async (url) => {
          assert.equal(await answerOf(`${url}/push`), true);
        });
        await measure("copy to R2", ALLOWED_MIB, async (url) => {
          assert.equal(await answerOf(`${url}/copy`), true);
          assert.ok(isHeld("copied/"));
        });
        await measure("upload to R2", ALLOWED_MIB, async (url) => {
          await upload(url, "acme/app", false);
          assert.ok(isHeld(""));
        });
        await measure("read of R2", ALLOWED_MIB, async (url) => {
          const response = await fetch(`${url}/v2/acme/app/blobs/${layer.digest}`);
          assert.equal(response.headers.get("content-length"), String(layer.size));
          assert.equal(await sha256Of(response), layer.digest);
        });
        bucket.objects.clear();
        await measure("upload to R2 in pieces", ALLOWED_IN_PIECES_MIB, async (url) => {
          await upload(url, "acme/app", true);
          assert.ok(isHeld(""));
        });
      } finally {
        console.log(date, peaks);
        r2.close();
        await server.close();
      }
    });
  });
}
