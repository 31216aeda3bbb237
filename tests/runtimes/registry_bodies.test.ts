/** Bodies over real sockets: cut, encoded, stalled, and those that are sent. */
import { test } from "node:test";
import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { concatBytes, iterate } from "../../lib/bytes/mod.ts";
import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";
import type { Descriptor } from "../../lib/model/descriptor.ts";
import { RegistryError, UploadError } from "../../lib/model/errors.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import { Registry, type Repository } from "../../lib/registry/mod.ts";
import { watchPace } from "../support/pace.ts";
import { pause, until } from "./lading_process.ts";
import { type Handler, type LoopbackServer, startServer } from "./loopback.ts";

const LAYER = "application/vnd.oci.image.layer.v1.tar";

function noise(length: number): Bytes {
  const bytes = new Uint8Array(length);
  let state = 12345;
  for (let i = 0; i < length; i++) {
    state = Math.imul(state, 1103515245) + 12345 | 0;
    bytes[i] = state >>> 16;
  }
  return bytes;
}

const CONTENT = noise(1_500_000);

/** As much may wait in a runtime when a connection breaks. */
const HELD_BACK = 65_536;

function describe(content: Bytes, mediaType = LAYER): Descriptor {
  return { mediaType, digest: digestBytes("sha256", content), size: content.byteLength };
}

async function withServer(
  handler: Handler,
  run: (repository: Repository, server: LoopbackServer) => Promise<void>,
  options: { isEarly?: boolean } = {},
): Promise<void> {
  const server = await startServer(handler, options);
  try {
    const registry = new Registry(`127.0.0.1:${server.port}`, { retry: { baseMs: 1 } });
    await run(registry.repository("acme/app"), server);
  } finally {
    await server.close();
  }
}

async function bytesOf(stream: ByteStream): Promise<Bytes> {
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function rangeOf(header: unknown): { start: number; end: number } | undefined {
  const match = /^bytes=(\d+)-(\d+)$/.exec(String(header ?? ""));
  return match === null ? undefined : { start: Number(match[1]), end: Number(match[2]) + 1 };
}

for (const framing of ["Content-Length", "chunks", "the end of the connection"]) {
  test(`F1 to F3 on the wire: a body framed by ${framing} that is cut is continued`, async () => {
    let [cuts, arrived] = [0, 0];
    await withServer(({ headers }, response) => {
      const { start, end } = rangeOf(headers["range"]) ?? { start: 0, end: CONTENT.length };
      const part = CONTENT.subarray(start, end);
      const answerHeaders: Record<string, string> = {};
      if (framing === "Content-Length") answerHeaders["content-length"] = String(part.length);
      if (framing === "the end of the connection") answerHeaders["connection"] = "close";
      if (start > 0) answerHeaders["content-range"] = `bytes ${start}-${end - 1}/${CONTENT.length}`;
      response.writeHead(start > 0 ? 206 : 200, answerHeaders);
      if (cuts === 3) return void response.end(part);
      cuts++;
      response.write(part.subarray(0, 300_001));
      // Each attempt makes progress, but for what the runtime has not handed over yet.
      const hasArrived = () => arrived >= start + 300_001 - HELD_BACK;
      void until(hasArrived, "the bytes arrive").then(() => pause(50)).then(() =>
        response.destroy()
      );
    }, async (repository, server) => {
      const stream = await repository.fetch(describe(CONTENT));
      const chunks: Bytes[] = [];
      for await (const chunk of iterate(stream)) {
        arrived += chunk.byteLength;
        chunks.push(chunk);
      }
      assert.deepEqual(concatBytes(chunks), CONTENT);
      assert.equal(server.seen.length, 4);
      const starts = server.seen.map(({ headers }) => rangeOf(headers["range"])?.start ?? 0);
      for (const [index, start] of starts.entries()) {
        // What the runtime had not handed over when the connection broke is fetched again.
        const least = index * (300_001 - HELD_BACK);
        assert.ok(start >= least, `attempt ${index} began at ${start}`);
      }
    });
  });
}

test("lesson 57 on the wire: gzip as Content-Encoding, decoded by the runtime or not", async () => {
  const zipped = new Uint8Array(gzipSync(CONTENT));
  const json = new TextEncoder().encode(JSON.stringify({
    schemaVersion: 2,
    config: describe(CONTENT, "application/vnd.oci.image.config.v1+json"),
    layers: [],
    annotations: { long: "x".repeat(2000) },
  }));
  const manifest = describe(json, "application/vnd.oci.image.manifest.v1+json");
  await withServer(({ path }, response) => {
    const [type, content] = path.includes("/manifests/") ? [manifest.mediaType, json] : [
      "application/octet-stream",
      path.includes(digestBytes("sha256", zipped)) ? zipped : CONTENT,
    ];
    const wire = gzipSync(content);
    response.writeHead(200, {
      "content-type": type,
      "content-encoding": "gzip",
      "content-length": String(wire.length),
    });
    response.end(wire);
  }, async (repository) => {
    assert.deepEqual((await repository.manifest("v1")).descriptor, manifest);
    assert.deepEqual(await bytesOf(await repository.fetch(describe(CONTENT))), CONTENT);
    const layer = describe(zipped, `${LAYER}+gzip`);
    assert.deepEqual(await bytesOf(await repository.fetch(layer)), zipped);
  });
});

test("F12 and F13 on the wire: an abort ends a stalled request and a stalled body", async () => {
  let closed = 0;
  await withServer(({ path }, response) => {
    response.on("close", () => closed++);
    if (path.includes("/manifests/")) return;
    response.writeHead(200, { "content-length": String(CONTENT.length) });
    response.write(CONTENT.subarray(0, 1000));
  }, async (repository, server) => {
    const reason = new Error("enough");
    for (const target of ["header", "body"]) {
      let soonest = Infinity;
      for (let round = 0; round < 3; round++) {
        const controller = new AbortController();
        const { signal } = controller;
        const promise = target === "header"
          ? repository.manifest("v1", { signal })
          : repository.fetch(describe(CONTENT), { signal }).then(bytesOf);
        const settled = promise.then(() => undefined, (error: unknown) => error);
        const before = server.seen.length;
        await until(() => server.seen.length > before, "the request is there");
        await pause(50);
        const waited = watchPace();
        controller.abort(reason);
        assert.equal(await settled, reason, target);
        soonest = Math.min(soonest, waited());
      }
      assert.ok(soonest < 50, `${target}: ${soonest} ms`);
    }
    await until(() => closed === 6, "the connections are closed");
  });
});

test("cancelling a blob closes its connection", async () => {
  let closed = false;
  await withServer((_, response) => {
    response.on("close", () => closed = true);
    response.writeHead(200, { "content-length": String(CONTENT.length) });
    response.write(CONTENT.subarray(0, 400_000));
  }, async (repository) => {
    const stream = await repository.fetch(describe(CONTENT));
    const reader = stream.getReader();
    await reader.read();
    await reader.cancel();
    await until(() => closed, "the connection is closed");
  });
});

/** A registry that takes uploads. */
const takesUploads: Handler = ({ method }, response) => {
  if (method === "POST") {
    return void response.writeHead(202, { location: "/v2/acme/app/blobs/uploads/1?s=1" }).end();
  }
  response.writeHead(201).end();
};

function streamOf(content: Bytes, failAt = Infinity, error?: unknown): ByteStream {
  let at = 0;
  return new ReadableStream<Bytes>({
    pull(controller) {
      if (at >= failAt) throw error;
      if (at >= content.byteLength) return controller.close();
      controller.enqueue(content.slice(at, at += 65_536));
    },
  }, { highWaterMark: 0 });
}

test("uploads arrive whole, with a length where the runtime can send one", async () => {
  await withServer(takesUploads, async (repository, server) => {
    for (const source of [CONTENT, streamOf(CONTENT), () => streamOf(CONTENT)]) {
      server.seen.length = 0;
      await repository.push(describe(CONTENT), source);
      const [post, put] = server.seen;
      assert.equal(server.seen.length, 2);
      assert.equal(post?.method, "POST");
      assert.equal(post?.headers["content-length"], "0");
      assert.deepEqual(put?.body, CONTENT);
      const length = put?.headers["content-length"];
      if (source === CONTENT || !("Deno" in globalThis)) {
        assert.equal(length, String(CONTENT.length));
      } else {
        assert.ok(length === undefined || length === String(CONTENT.length));
      }
    }
  });
});

test("a source that breaks leaves no whole upload behind", async () => {
  await withServer(takesUploads, async (repository, server) => {
    const reason = new RangeError("the source broke");
    const source = streamOf(CONTENT, 400_000, reason);
    const error = await repository.push(describe(CONTENT), source).catch((error) => error);
    assert.equal(error, reason);
    // Most runtimes send nothing of it.
    for (let i = 0; i < 40 && server.seen.length < 2; i++) await pause(25);
    assert.equal(
      server.seen.some(({ method, isComplete }) => method === "PUT" && isComplete),
      false,
    );
  });
});

test("content of another digest is never completed on the wire", async () => {
  await withServer(takesUploads, async (repository, server) => {
    const damaged = CONTENT.slice();
    damaged[1_400_000] = (damaged[1_400_000] ?? 0) ^ 1;
    const error = await repository.push(describe(CONTENT), streamOf(damaged)).catch((error) =>
      error
    );
    assert.equal((error as Error).name, "DigestMismatchError");
    await pause(100);
    assert.equal(
      server.seen.some(({ method, isComplete }) => method === "PUT" && isComplete),
      false,
    );
  });
});

test("an early refusal is reported, and the source is let go", async () => {
  let isCancelled = false;
  let at = 0;
  const endless = new ReadableStream<Bytes>({
    async pull(controller) {
      await pause(5);
      controller.enqueue(CONTENT.slice(at % 1_000_000, at % 1_000_000 + 16_384));
      at += 16_384;
    },
    cancel: () => void (isCancelled = true),
  }, { highWaterMark: 0 });
  await withServer(({ method }, response) => {
    if (method === "POST") {
      return void response.writeHead(202, { location: "/v2/acme/app/blobs/uploads/1" }).end();
    }
    if (method === "HEAD") return void response.writeHead(404).end();
    response.writeHead(413, { "content-type": "text/html" });
    response.end("<html><h1>413 Request Entity Too Large</h1></html>");
  }, async (repository) => {
    const target = { ...describe(CONTENT), size: 2 ** 31 };
    const error = await repository.push(target, endless).catch((error) => error);
    assert.ok(error instanceof RegistryError, String(error));
    if (error instanceof UploadError) assert.match(error.message, /413/);
    await until(() => isCancelled, "the source is let go");
  }, { isEarly: true });
});

test("a port where nobody listens is an error with the number of attempts", async () => {
  const server = await startServer(() => {});
  await server.close();
  const registry = new Registry(`127.0.0.1:${server.port}`, { retry: { retries: 2, baseMs: 1 } });
  const error = await registry.repository("acme/app").manifest("v1").catch((error) => error);
  assert.ok(error instanceof RegistryError);
  assert.match(error.message, /after 3 attempts/);
});
