import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { serve } from "../../lib/runtime/serve.ts";
import { registryHandler, type RegistryHandlerOptions } from "../../lib/server/mod.ts";
import { type MemoryStore, memoryStore } from "../../lib/store/memory_store.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { makeGarbage } from "../support/garbage.ts";

const CHUNK = 64 * 1024;

function sha256(bytes: Uint8Array): string {
  return digestBytes("sha256", bytes);
}

function noise(length: number, seed = 1): Bytes {
  const bytes = new Uint8Array(length);
  let state = Math.imul(seed, 2654435761) + 1;
  for (let i = 0; i < length; i++) {
    state = Math.imul(state ^ (state >>> 15), 2246822519) + 374761393;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

async function withRegistry(
  work: (url: string, store: MemoryStore) => Promise<void>,
  options: RegistryHandlerOptions = {},
): Promise<void> {
  const store = memoryStore();
  const server = await serve(registryHandler(store, options));
  try {
    await work(server.url, store);
  } finally {
    await server.close();
  }
}

async function until(isTrue: () => boolean, what: string): Promise<void> {
  for (let i = 0; !isTrue(); i++) {
    if (i > 6000) assert.fail(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function push(url: string, content: Bytes): Promise<string> {
  const digest = sha256(content);
  const started = await fetch(`${url}/v2/a/b/blobs/uploads/`, { method: "POST" });
  assert.equal(started.status, 202);
  const location = new URL(started.headers.get("location") ?? "", url);
  const put = await fetch(`${location}?digest=${digest}`, { method: "PUT", body: content });
  assert.equal(put.status, 201);
  return digest;
}

/** Runs curl; gives status, headers and body. */
function curl(...args: string[]): Promise<{ head: string; body: string }> {
  return new Promise((resolve, reject) => {
    execFile("curl", ["-sS", "-m", "30", "-D", "-", ...args], (error, stdout, stderr) => {
      if (error !== null) return reject(new Error(`curl ${args.join(" ")}: ${stderr}`));
      const end = stdout.lastIndexOf("\r\n\r\n");
      resolve({ head: stdout.slice(0, end).toLowerCase(), body: stdout.slice(end + 4) });
    });
  });
}

function hasCurl(): boolean {
  return spawnSync("curl", ["--version"]).status === 0;
}

test("a registry served on a socket takes and gives blobs of every size, by fetch", async () => {
  await withRegistry(async (url) => {
    for (const size of [0, 1, CHUNK, CHUNK + 1, 5_000_000]) {
      const content = noise(size);
      const digest = await push(url, content);
      const get = await fetch(`${url}/v2/a/b/blobs/${digest}`);
      assert.equal(get.status, 200);
      assert.equal(get.headers.get("content-length"), String(size), `${size} bytes`);
      assert.equal(sha256(new Uint8Array(await get.arrayBuffer())), digest);
      const head = await fetch(`${url}/v2/a/b/blobs/${digest}`, { method: "HEAD" });
      assert.equal(head.headers.get("content-length"), String(size), `HEAD of ${size} bytes`);
    }
  });
});

test("a served registry streams an upload that has no length", async () => {
  await withRegistry(async (url) => {
    const content = noise(1_000_000);
    const digest = sha256(content);
    let at = 0;
    const body = new ReadableStream<Bytes>({
      pull(controller) {
        if (at >= content.length) return controller.close();
        controller.enqueue(content.slice(at, at += CHUNK));
      },
    });
    const init = { method: "POST", body, duplex: "half" } as RequestInit;
    const post = await fetch(`${url}/v2/a/b/blobs/uploads/?digest=${digest}`, init);
    assert.equal(post.status, 201);
    const get = await fetch(`${url}/v2/a/b/blobs/${digest}`, {
      headers: { range: "bytes=9-99999" },
    });
    assert.equal(get.status, 206);
    assert.equal(get.headers.get("content-length"), "99991");
    assert.equal(
      sha256(new Uint8Array(await get.arrayBuffer())),
      sha256(content.slice(9, 100_000)),
    );
  });
});

test("curl pushes and pulls: whole, in chunks, by range, with Expect and without a length", async () => {
  if (!hasCurl()) assert.fail("this test needs curl");
  const directory = mkdtempSync(join(tmpdir(), "lading-curl-"));
  try {
    const content = noise(3_000_000, 7);
    const file = join(directory, "blob");
    const out = join(directory, "out");
    writeFileSync(file, content);
    const digest = sha256(content);
    await withRegistry(async (url) => {
      const base = `${url}/v2/curl/test`;
      for (
        const flags of [[], ["-H", "Transfer-Encoding: chunked"], ["-H", "Expect: 100-continue"]]
      ) {
        const started = await curl(
          "-X",
          "POST",
          "-H",
          "Content-Length: 0",
          `${base}/blobs/uploads/`,
        );
        assert.match(started.head, /^http\/1.1 202/);
        const location = /location: (\S+)/.exec(started.head)?.[1] ?? "";
        const half = content.length / 2;
        writeFileSync(join(directory, "half"), content.subarray(0, half));
        writeFileSync(join(directory, "rest"), content.subarray(half));
        const patched = await curl(
          "-X",
          "PATCH",
          ...flags,
          "-T",
          join(directory, "half"),
          url + location,
        );
        assert.match(patched.head, /http\/1.1 202/);
        assert.match(patched.head, new RegExp(`range: 0-${half - 1}\\b`));
        const status = await curl(url + location);
        assert.match(status.head, /^http\/1.1 204/);
        const put = await curl(
          ...flags,
          "-T",
          join(directory, "rest"),
          "-H",
          `Content-Range: ${half}-${content.length - 1}`,
          `${url}${location}?digest=${digest}`,
        );
        assert.match(put.head, /http\/1.1 201/);
        const get = await curl("-o", out, `${base}/blobs/${digest}`);
        assert.match(get.head, /content-length: 3000000\b/);
        assert.equal(sha256(readFileSync(out)), digest);
        const deleted = await curl("-X", "DELETE", `${base}/blobs/${digest}`);
        assert.match(deleted.head, /^http\/1.1 202/);
      }
      const whole = await curl(
        "--data-binary",
        `@${file}`,
        `${base}/blobs/uploads/?digest=${digest}`,
      );
      assert.match(whole.head, /http\/1.1 201/);
      const range = await curl("-o", out, "-r", "1000000-", `${base}/blobs/${digest}`);
      assert.match(range.head, /^http\/1.1 206/);
      assert.match(range.head, /content-range: bytes 1000000-2999999\/3000000/);
      assert.equal(sha256(readFileSync(out)), sha256(content.slice(1_000_000)));
      const head = await curl("-I", `${base}/blobs/${digest}`);
      assert.match(head.head, /content-length: 3000000\b/);
      const none = await curl("-I", `${base}/manifests/none`);
      assert.match(none.head, /^http\/1.1 404/);
      const error = await curl(`${base}/manifests/none`);
      assert.match(error.body, /"code":"MANIFEST_UNKNOWN"/);
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test("an upload whose client goes away stores nothing, and can be gone on with", async () => {
  await withRegistry(async (url, store) => {
    const content = noise(400_000);
    const digest = sha256(content);
    const started = await fetch(`${url}/v2/a/b/blobs/uploads/`, { method: "POST" });
    const location = started.headers.get("location") ?? "";
    const { hostname, port } = new URL(url);
    const range = async () => (await fetch(url + location)).headers.get("range");
    const socket = connect(Number(port), hostname);
    socket.on("error", () => {});
    socket.write(
      `PATCH ${location} HTTP/1.1\r\nHost: x\r\nContent-Length: ${content.length}\r\n\r\n`,
    );
    socket.write(content.subarray(0, 100_000));
    for (let i = 0; await range() !== "0-99999"; i++) {
      assert.ok(i < 6000, `the registry has ${await range()}`);
      await pause(10);
    }
    socket.destroy();
    // The registry notices when the connection is gone.
    let patch: Response;
    for (let i = 0;; i++) {
      patch = await fetch(url + location, {
        method: "PATCH",
        headers: { "content-range": "100000-399999" },
        body: content.slice(100_000),
      });
      if (patch.status !== 409 || i > 6000) break;
      await patch.body?.cancel();
      await pause(10);
    }
    assert.equal(patch.status, 202);
    assert.equal(await store.exists({ mediaType: "", digest, size: content.length }), false);
    const put = await fetch(`${url}${location}?digest=${digest}`, { method: "PUT" });
    assert.equal(put.status, 201);
  });
});

test("serve() cancels the body of an answer whose client has gone", async () => {
  let isCancelled = false;
  let isAborted = false;
  const server = await serve((request) => {
    request.signal.addEventListener("abort", () => isAborted = true);
    const body = new ReadableStream({
      async pull(controller) {
        await pause(1);
        controller.enqueue(new Uint8Array(CHUNK));
      },
      cancel() {
        isCancelled = true;
      },
    }, { highWaterMark: 0 });
    return new Response(body);
  });
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => {});
  socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  await new Promise((resolve) => socket.once("data", resolve));
  socket.destroy();
  await until(() => isCancelled, "the body was cancelled");
  await until(() => isAborted, "the signal was aborted");
  await server.close();
});

test("serve() tells a handler that is at work for long that its client has gone", async () => {
  let isAsked = false;
  let isAborted = false;
  const server = await serve(({ signal }) => {
    isAsked = true;
    return new Promise((resolve) => {
      signal.addEventListener("abort", () => {
        isAborted = true;
        resolve(new Response());
      });
    });
  });
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => {});
  socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  await until(() => isAsked, "the handler was asked");
  await makeGarbage();
  socket.destroy();
  await until(() => isAborted, "the signal was aborted");
  await server.close();
});

test("serve() reads an answer only as fast as the client takes it", async () => {
  let produced = 0;
  const server = await serve(() =>
    new Response(
      new ReadableStream({
        pull(controller) {
          produced += CHUNK;
          controller.enqueue(new Uint8Array(CHUNK));
        },
      }, { highWaterMark: 0 }),
    )
  );
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => {});
  socket.pause();
  socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  await until(() => produced > 0, "the answer started");
  let before = -1;
  for (let i = 0; i < 100 && before !== produced; i++) {
    before = produced;
    await pause(100);
  }
  // What the two socket buffers of the system hold, and some.
  assert.ok(produced < 32 * 1024 * 1024, `${produced} bytes were produced for nobody`);
  assert.equal(before, produced);
  socket.destroy();
  await server.close();
});

test("serve() reads a request only as fast as the handler takes it", async () => {
  let go = () => {};
  const gate = new Promise<void>((resolve) => go = resolve);
  const server = await serve(async (request) => {
    await gate;
    const reader = request.body?.getReader();
    let total = 0;
    for (;;) {
      const result = await reader?.read();
      if (result === undefined || result.done) break;
      total += result.value.byteLength;
    }
    return new Response(String(total));
  });
  const size = 64 * 1024 * 1024;
  const { hostname, port } = new URL(server.url);
  let sent = 0;
  let answer = "";
  const request = httpRequest({
    hostname,
    port,
    method: "PUT",
    headers: { "content-length": size },
  });
  request.on("response", (response) => response.on("data", (chunk) => answer += chunk));
  const chunk = new Uint8Array(CHUNK);
  const fill = () => {
    while (sent < size) {
      sent += CHUNK;
      if (!request.write(chunk)) {
        request.once("drain", fill);
        return;
      }
    }
    request.end();
  };
  fill();
  let before = -1;
  for (let i = 0; i < 100 && before !== sent; i++) {
    before = sent;
    await pause(100);
  }
  assert.ok(sent < size, `${sent} bytes were taken while nobody read`);
  go();
  await until(() => answer !== "", "the answer came");
  assert.equal(answer, String(size));
  await server.close();
});

test("serve() cuts the connection when the body of an answer fails", async () => {
  const server = await serve(() => {
    let chunks = 0;
    return new Response(
      new ReadableStream({
        async pull(controller) {
          await pause(1);
          if (chunks++ < 3) controller.enqueue(new Uint8Array(CHUNK));
          else controller.error(new Error("the disk is broken"));
        },
      }, { highWaterMark: 0 }),
      { headers: { "content-length": String(CHUNK * 4) } },
    );
  });
  await assert.rejects(fetch(server.url).then((response) => response.arrayBuffer()));
  await server.close();
});

test("serve() answers 500 when a handler fails, and goes on", async () => {
  let calls = 0;
  const server = await serve(() => {
    if (calls++ === 0) throw new Error("broken");
    return new Response("fine");
  });
  assert.equal((await fetch(server.url)).status, 500);
  assert.equal(await (await fetch(server.url)).text(), "fine");
  await server.close();
});

test("serve() keeps a connection usable after an answer that came before the body was read", async () => {
  await withRegistry(async (url) => {
    for (let i = 0; i < 5; i++) {
      const refused = await fetch(`${url}/v2/a/b/manifests/1`, {
        method: "PUT",
        body: noise(5_000_000),
      });
      assert.equal(refused.status, 413);
      await refused.body?.cancel();
      assert.equal((await fetch(`${url}/v2/`)).status, 200);
    }
  });
});

test("serve() refuses what the web cannot say as a request", async () => {
  const server = await serve(() => new Response("fine"));
  const { hostname, port } = new URL(server.url);
  for (const line of ["TRACE / HTTP/1.1\r\nHost: x", "GET / HTTP/1.1\r\nHost: a b"]) {
    const socket = connect(Number(port), hostname);
    socket.on("error", () => {});
    let text = "";
    socket.on("data", (chunk) => text += chunk);
    socket.write(`${line}\r\nConnection: close\r\n\r\n`);
    await new Promise((resolve) => socket.once("close", resolve));
    assert.doesNotMatch(text, /^HTTP\/1.1 5/, line);
  }
  assert.equal(await (await fetch(server.url)).text(), "fine");
  await server.close();
});

test("serve() close() frees the port, waits for what is under way, and can be called again", async () => {
  let go = () => {};
  const gate = new Promise<void>((resolve) => go = resolve);
  let isAsked = false;
  const server = await serve(async () => {
    isAsked = true;
    await gate;
    return new Response("late");
  });
  const answer = fetch(server.url).then((response) => response.text());
  await until(() => isAsked, "the request came");
  let isClosed = false;
  const closing = server.close().then(() => isClosed = true);
  await pause(50);
  assert.equal(isClosed, false);
  go();
  assert.equal(await answer, "late");
  await closing;
  await server.close();
  await assert.rejects(fetch(server.url));
  const again = await serve(() => new Response("again"), { port: server.port });
  assert.equal(await (await fetch(again.url)).text(), "again");
  await assert.rejects(async () => void await serve(() => new Response(), { port: again.port }));
  await again.close();
});

test("the handler is what Deno.serve and Bun.serve take", async () => {
  const { Deno, Bun } = globalThis as unknown as {
    Deno?: {
      serve(
        options: object,
        handler: unknown,
      ): { addr: { port: number }; shutdown(): Promise<void> };
    };
    Bun?: { serve(options: object): { port: number; stop(): Promise<void> } };
  };
  const handler = registryHandler(memoryStore());
  const listen = { port: 0, hostname: "127.0.0.1" };
  let url: string;
  let close: () => Promise<void>;
  if (Deno !== undefined) {
    const server = Deno.serve({ ...listen, onListen: () => {} }, handler);
    url = `http://127.0.0.1:${server.addr.port}`;
    close = () => server.shutdown();
  } else if (Bun !== undefined) {
    const server = Bun.serve({ ...listen, fetch: handler });
    url = `http://127.0.0.1:${server.port}`;
    close = () => server.stop();
  } else {
    const server = await serve(handler);
    url = server.url;
    close = () => server.close();
  }
  const content = noise(1_000_000);
  const digest = await push(url, content);
  const get = await fetch(`${url}/v2/a/b/blobs/${digest}`);
  assert.equal(sha256(new Uint8Array(await get.arrayBuffer())), digest);
  await close();
});
