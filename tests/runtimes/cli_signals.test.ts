import { mkdirSync, readdirSync } from "node:fs";
import { connect } from "node:net";
import { test } from "node:test";
import assert from "node:assert/strict";
import { type FaultRule, randomImage } from "../../lib/testing/mod.ts";
import { brokenFiles, LADING, lading, pause, start, until, withBench } from "./lading_process.ts";

/** A registry whose blobs come so slowly that a pull takes a minute. */
const SLOW: readonly FaultRule[] = [
  { method: "GET", path: /blobs/, fault: { kind: "throttle", bytes: 8192, ms: 100 } },
];

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  test(`lading pull ends with 130 on ${signal}, and leaves nothing half-written`, () =>
    withBench(async ({ host, store, folder, asked }) => {
      await (await randomImage("slow", { maxFileBytes: 900_000 })).pushTo(store, "acme/app:1");
      const place = `oci:${folder}/app`;
      const { ended, signal: send } = start([...LADING, "pull", `${host}/acme/app:1`, place]);
      await until(() => asked.some((line) => /^GET .*\/blobs\//.test(line)), "a blob is fetched");
      await until(() => brokenFiles(folder).length > 0, "a blob is being written");
      send(signal);
      const run = await ended;
      assert.equal(run.code, 130, run.stderr);
      assert.equal(run.stderr, "lading: interrupted\n");
      assert.equal(run.stdout, "");
      assert.deepEqual(brokenFiles(folder), []);
      assert.equal((await lading(["digest", `${place}:1`])).code, 3);
    }, { faults: SLOW }));
}

test("lading serve prints its URL, serves a layout, and ends with 0 when it is told to", () =>
  withBench(async ({ host, store, folder }) => {
    const image = await randomImage("served");
    await image.pushTo(store, "acme/app:1");
    assert.equal((await lading(["copy", `${host}/acme/app:1`, `oci:${folder}/app:1`])).code, 0);
    mkdirSync(`${folder}/tmp`);
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      const env = { TMPDIR: `${folder}/tmp` };
      const server = start([...LADING, "serve", `${folder}/app`], { env });
      const url = await server.firstLine();
      assert.match(url, /^http:\/\/127\.0\.0\.1:\d+$/);
      const { digest } = image.descriptor;
      const name = `${url.slice("http://".length)}/app`;
      const pulled = await lading(["pull", `${name}:1`, `oci:${folder}/pulled`]);
      assert.equal(pulled.stdout, `${name}@${digest}\n`, pulled.stderr);
      const pushed = await lading(["copy", `oci:${folder}/pulled`, `${name}:${signal}`]);
      assert.equal(pushed.stdout, `${name}@${digest}\n`, pushed.stderr);
      server.signal(signal);
      const { code, stdout, stderr } = await server.ended;
      assert.equal(code, 0, stderr);
      assert.equal(stdout, `${url}\n`);
      assert.equal(stderr, "");
      assert.equal((await lading(["digest", `oci:${folder}/app:${signal}`])).stdout, `${digest}\n`);
    }
    assert.deepEqual(readdirSync(`${folder}/tmp`), []);
  }));

test("lading serve keeps what is pushed in memory, and refuses writes with --read-only", () =>
  withBench(async ({ host, store, folder }) => {
    await (await randomImage("memory")).pushTo(store, "acme/app:1");
    const image = `${host}/acme/app:1`;
    const memory = start([...LADING, "serve", "--listen", "127.0.0.1:0", "--no-delete"]);
    const reading = start([...LADING, "serve", folder, "--read-only"], { cwd: folder });
    try {
      const name = (await memory.firstLine()).slice("http://".length);
      assert.equal((await lading(["copy", image, `${name}/acme/app:2`])).code, 0);
      assert.equal((await lading(["tags", `${name}/acme/app`])).stdout, "2\n");
      const url = `http://${name}/v2/acme/app/manifests/2`;
      assert.equal((await fetch(url, { method: "DELETE" })).status, 405);
      const absent = await reading.ended;
      assert.equal(absent.code, 3, absent.stderr);
      assert.equal((await lading(["copy", image, `oci:${folder}/app:1`])).code, 0);
    } finally {
      memory.signal("SIGTERM");
      await memory.ended;
    }
    const server = start([
      ...LADING,
      "serve",
      `oci:${folder}/app`,
      "--read-only",
      "--repository",
      "a/b",
    ]);
    try {
      const name = (await server.firstLine()).slice("http://".length);
      assert.equal((await lading(["tags", `${name}/a/b`])).stdout, "1\n");
      const refused = await lading(["copy", image, `${name}/a/b:2`]);
      assert.equal(refused.code, 1);
      assert.match(refused.stderr, /405/);
    } finally {
      server.signal("SIGTERM");
      assert.equal((await server.ended).code, 0);
    }
  }));

test("lading serve takes an index without its images only with --allow-sparse", async () => {
  const manifests = [{
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    digest: `sha256:${"0".repeat(64)}`,
    size: 2,
  }];
  const index = JSON.stringify({ schemaVersion: 2, manifests });
  const headers = { "content-type": "application/vnd.oci.image.index.v1+json" };
  for (const [flags, status] of [[[], 400], [["--allow-sparse"], 201]] as const) {
    const server = start([...LADING, "serve", ...flags]);
    try {
      const url = `${await server.firstLine()}/v2/app/manifests/1`;
      const response = await fetch(url, { method: "PUT", headers, body: index });
      assert.equal(response.status, status, await response.text());
    } finally {
      server.signal("SIGTERM");
      await server.ended;
    }
  }
});

/** Whether somebody takes connections at a port of loopback. */
function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => void (socket.destroy(), resolve(true)));
    socket.on("error", () => resolve(false));
  });
}

test("a second SIGINT ends lading serve at once, whatever is under way", () =>
  withBench(async ({ host, store, folder }) => {
    await (await randomImage("stalled", { maxFileBytes: 900_000 })).pushTo(store, "acme/app:1");
    const place = `oci:${folder}/app:1`;
    assert.equal((await lading(["copy", `${host}/acme/app:1`, place])).code, 0);
    mkdirSync(`${folder}/tmp`);
    const env = { TMPDIR: `${folder}/tmp` };
    const server = start([...LADING, "serve", `${folder}/app`], { env });
    const url = await server.firstLine();
    // An upload that never ends is a request that never ends.
    const begun = await fetch(`${url}/v2/app/blobs/uploads/`, { method: "POST" });
    const upload = new URL(begun.headers.get("location") ?? "", url);
    const leave = new AbortController();
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new Uint8Array(1000)),
    });
    const pending = fetch(upload, {
      method: "PATCH",
      body,
      duplex: "half",
      signal: leave.signal,
    } as RequestInit).catch(() => undefined);
    while ((await fetch(upload)).headers.get("range") !== "0-999") await pause(10);
    server.signal("SIGINT");
    // It takes no more connections once it has heard; two signals at once would count as one.
    while (await isListening(Number(upload.port))) await pause(10);
    await pause(100);
    assert.equal(server.child.exitCode, null, "it waits for the upload");
    assert.equal(readdirSync(`${folder}/tmp`).length, 1);
    server.signal("SIGINT");
    assert.equal((await server.ended).code, 130);
    assert.deepEqual(readdirSync(`${folder}/tmp`), []);
    leave.abort();
    await pending;
  }));
