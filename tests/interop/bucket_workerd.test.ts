// The Worker of the examples that is a registry on R2, in workerd with its own R2 binding.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { build } from "esbuild";
import { readAll } from "../../lib/bytes/read_all.ts";
import { digestBytes } from "../../lib/hash/digest_bytes.ts";
import { copy } from "../../lib/ops/copy.ts";
import { Registry } from "../../lib/registry/mod.ts";
import { nodeFileSystem } from "../../lib/runtime/node_file_system.ts";
import { memoryStore, ociLayout } from "../../lib/store/mod.ts";
import { randomImage, randomIndex } from "../../lib/testing/mod.ts";
import { freePort } from "../support/docker_registry.ts";
import { beside, component, inScratch, missing, mustRun } from "../support/program.ts";

const CONFIG = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker), (name = "r2", worker = .bucket)],
  sockets = [
    (name = "http", address = "127.0.0.1:PORT", http = (), service = "main"),
    (name = "keys", address = "127.0.0.1:KEYS", http = (), service = "r2"),
  ],
);
const worker :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "worker.js")],
  compatibilityDate = "DATE",
  bindings = [(name = "IMAGES", r2Bucket = "r2"), (name = "PASSWORD", text = "secret")],
);
const bucket :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "bucket.js")],
  compatibilityDate = "DATE",
);
`;

const SECRET = { kind: "basic", username: "lading", password: "secret" } as const;

interface Served {
  readonly host: string;
  readonly registry: Registry;
  keys(): Promise<string[]>;
}

async function withWorker(work: (served: Served) => Promise<void>): Promise<void> {
  await inScratch(async (folder) => {
    for (
      const [entry, name] of [
        ["examples/registry_worker/worker.ts", "worker.js"],
        ["tests/interop/r2_service.ts", "bucket.js"],
      ] as const
    ) {
      await build({
        entryPoints: [entry],
        outfile: join(folder, name),
        bundle: true,
        format: "esm",
        conditions: ["workerd", "worker", "browser"],
        external: ["node:*", "*.wasm"],
        logLevel: "silent",
      });
    }
    const { compatibility_date: date } = JSON.parse(
      readFileSync("examples/registry_worker/wrangler.jsonc", "utf8")
        .replaceAll(/^\s*\/\/.*$/gm, ""),
    );
    const [port, keys] = [await freePort(), await freePort()];
    const config = CONFIG.replace("PORT", `${port}`).replace("KEYS", `${keys}`)
      .replaceAll("DATE", date);
    writeFileSync(join(folder, "config.capnp"), config);
    const child = spawn(component("workerd") ?? "", ["serve", "config.capnp"], {
      cwd: folder,
      stdio: ["ignore", "ignore", "pipe"],
    });
    let stderr = "";
    child.stderr.on("data", (chunk) => stderr += chunk);
    const host = `127.0.0.1:${port}`;
    await beside(child, async () => {
      const isUp = () => fetch(`http://${host}/v2/`).then(() => true, () => false);
      for (let tries = 0; !await isUp(); tries++) {
        assert.ok(tries < 600, stderr);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      await work({
        host,
        registry: new Registry(host, { credentials: () => Promise.resolve(SECRET) }),
        keys: async () => await (await fetch(`http://127.0.0.1:${keys}/keys`)).json() as string[],
      });
    });
  });
}

test("images go to R2 and come back, each proved", { skip: missing("workerd") }, async () => {
  await withWorker(async ({ host, registry }) => {
    assert.equal((await fetch(`http://${host}/v2/`)).status, 401);
    const store = memoryStore();
    const index = await randomIndex("many");
    await index.pushTo(store, "many");
    const subject = index.descriptor;
    const note = await randomImage("note", { subject });
    await note.pushTo(store, note.descriptor.digest);
    const repository = registry.repository("acme/app");
    await copy(store, "many", repository, { targetReference: "1", referrers: true });
    assert.equal((await repository.resolve("1")).digest, subject.digest);
    const back = memoryStore();
    await copy(repository, "1", back, { targetReference: "1", referrers: true });
    assert.equal((await back.resolve("1")).digest, subject.digest);
    assert.equal((await back.resolve(note.descriptor.digest)).digest, note.descriptor.digest);
    const other = registry.repository("acme/other");
    await copy(repository, "1", other, { targetReference: "2", mountFrom: "acme/app" });
    const tags: string[] = [];
    for await (const tag of other.tags()) tags.push(tag);
    assert.deepEqual(tags, ["2"]);
  });
});

test("a layer in chunks becomes one object of R2, and ranges are read of it", {
  skip: missing("workerd"),
}, async () => {
  await withWorker(async ({ host, registry, keys }) => {
    const bytes = new Uint8Array(randomBytes(20_000_003));
    const digest = digestBytes("sha256", bytes);
    const authorization = `Basic ${btoa("lading:secret")}`;
    const send = async (method: string, path: string, body?: Uint8Array<ArrayBuffer>) => {
      const init = { method, headers: { authorization }, ...(body === undefined ? {} : { body }) };
      const response = await fetch(new URL(path, `http://${host}`), init);
      await response.body?.cancel();
      return response;
    };
    const upload = async (chunks: readonly Uint8Array<ArrayBuffer>[]) => {
      let { headers } = await send("POST", "/v2/acme/app/blobs/uploads/");
      for (const chunk of chunks) {
        const patched = await send("PATCH", headers.get("location") ?? "", chunk);
        assert.equal(patched.status, 202);
        headers = patched.headers;
      }
      return await send("PUT", `${headers.get("location")}?digest=${digest}`);
    };
    const wrong = await upload([bytes.slice(1), bytes.slice(0, 1)]);
    assert.equal(wrong.status, 400);
    assert.deepEqual(await keys(), []);
    const right = await upload([bytes.slice(0, 1), bytes.slice(1, 19_000_000), bytes.slice(19e6)]);
    assert.equal(right.status, 201);
    assert.deepEqual(await keys(), [
      `blobs/sha256/${digest.slice(7)}`,
      `held/sha256/${digest.slice(7)}/blob/acme/app`,
    ]);
    const repository = registry.repository("acme/app");
    const descriptor = { mediaType: "application/octet-stream", digest, size: bytes.byteLength };
    const whole = await readAll(await repository.fetch(descriptor), { maxBytes: 2e7 + 3 });
    assert.equal(digestBytes("sha256", whole), digest);
    const range = { start: 10_000_000, end: 10_000_099 };
    const part = await readAll(await repository.fetch(descriptor, { range }), { maxBytes: 100 });
    assert.deepEqual(part, bytes.slice(10_000_000, 10_000_100));
    await repository.delete(descriptor);
    assert.deepEqual(await keys(), []);
  });
});

test("skopeo pushes to R2 and pulls from it", {
  skip: missing("workerd", "skopeo"),
}, async () => {
  await withWorker(async ({ host }) => {
    await inScratch(async (folder) => {
      const image = await randomImage("one");
      await image.pushTo(ociLayout(nodeFileSystem(), join(folder, "in")), "x");
      const there = `docker://${host}/acme/app:1`;
      const options = (
        side: string,
      ) => [`--${side}-creds`, "lading:secret", `--${side}-tls-verify=false`];
      await mustRun("skopeo", ["copy", "-q", ...options("dest"), `oci:${folder}/in:x`, there]);
      await mustRun("skopeo", ["copy", "-q", ...options("src"), there, `oci:${folder}/out:x`]);
      const { digest } = await ociLayout(nodeFileSystem(), join(folder, "out")).resolve("x");
      assert.equal(digest, image.descriptor.digest);
    });
  });
});
