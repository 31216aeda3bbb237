// Uploads over the transport of the runtime: what arrives, and what ends them.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { test } from "node:test";
import assert from "node:assert/strict";
import type { Bytes } from "../../lib/model/bytes.ts";
import { socketRequests } from "../../lib/runtime/_socket_requests.ts";
import { hostTransport } from "../../lib/runtime/host_transport.ts";

const send = hostTransport();

interface Seen {
  readonly request: IncomingMessage;
  /** The bytes that came, once the request has ended in any way. */
  readonly ended: Promise<{ readonly bytes: number; readonly isWhole: boolean }>;
}

type Answer = (seen: Seen, response: ServerResponse) => void | Promise<void>;

async function withServer(
  answer: Answer,
  use: (url: string, seen: Seen[]) => Promise<void>,
): Promise<void> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    const ended = new Promise<{ bytes: number; isWhole: boolean }>((resolve) => {
      let bytes = 0;
      request.on("data", (chunk) => bytes += chunk.length);
      request.on("error", () => {});
      request.on("close", () => resolve({ bytes, isWhole: request.complete }));
      request.on("end", () => resolve({ bytes, isWhole: true }));
    });
    const one = { request, ended };
    seen.push(one);
    void answer(one, response);
  });
  const port = await new Promise<number>((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" ? address?.port ?? 0 : 0);
    });
  });
  try {
    await use(`http://127.0.0.1:${port}/upload`, seen);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

interface Body {
  readonly stream: ReadableStream<Bytes>;
  readonly cancelled: Promise<void>;
}

/** A body of pieces, which errors, waits or ends after them. */
function body(pieces: number, end: "close" | "wait" | Error, size = 64 * 1024): Body {
  let given = 0;
  let cancel = (): void => {};
  const cancelled = new Promise<void>((resolve) => cancel = resolve);
  const stream = new ReadableStream<Bytes>({
    async pull(controller) {
      if (given++ < pieces) return controller.enqueue(new Uint8Array(size).fill(given));
      if (end === "close") return controller.close();
      if (end === "wait") return await cancelled;
      throw end;
    },
    cancel: () => cancel(),
  }, { highWaterMark: 0 });
  return { stream, cancelled };
}

function put(
  url: string,
  stream: ReadableStream<Bytes>,
  length: number,
  signal?: AbortSignal,
): Promise<Response> {
  const init = {
    method: "PUT",
    body: stream,
    duplex: "half",
    signal: signal ?? null,
    redirect: "manual",
    headers: { "content-length": String(length) },
  };
  return send(new Request(url, init as RequestInit));
}

const take: Answer = async ({ ended }, response) => {
  const { bytes } = await ended;
  response.writeHead(201, { "x-bytes": String(bytes) }).end();
};

test("a streamed body arrives whole, over one connection after another", async () => {
  await withServer(take, async (url, seen) => {
    for (const pieces of [0, 1, 3, 100]) {
      const size = pieces * 64 * 1024;
      const response = await put(url, body(pieces, "close").stream, size);
      assert.equal(response.status, 201);
      assert.equal(response.headers.get("x-bytes"), String(size));
      await response.body?.cancel();
      const headers = seen.at(-1)?.request.headers;
      assert.equal(headers?.["content-length"], String(size));
    }
    assert.equal(new Set(seen.map(({ request }) => request.socket)).size, 1);
  });
});

test("a body in memory arrives with its length", async () => {
  await withServer(take, async (url, seen) => {
    const response = await send(
      new Request(url, { method: "PUT", body: new Uint8Array(5), redirect: "manual" }),
    );
    assert.equal(response.headers.get("x-bytes"), "5");
    assert.equal(seen[0]?.request.headers["content-length"], "5");
  });
});

test("POST without a body says that it has none", async () => {
  await withServer(take, async (url, seen) => {
    const response = await send(new Request(url, { method: "POST" }));
    assert.equal(response.status, 201);
    assert.equal(seen[0]?.request.headers["content-length"], "0");
    assert.equal(seen[0]?.request.headers["transfer-encoding"], undefined);
  });
});

test("an answer before the end of the body is given, and the source is let go", async () => {
  const refuse: Answer = (_, response) => {
    response.writeHead(413, { connection: "close" }).end("too large");
  };
  await withServer(refuse, async (url) => {
    const { stream, cancelled } = body(3, "wait");
    const response = await put(url, stream, 1 << 30);
    assert.equal(response.status, 413);
    assert.equal(await response.text(), "too large");
    await cancelled;
  });
});

test("an abort ends an upload with its reason, and lets go of the source", async () => {
  await withServer(() => {}, async (url, seen) => {
    const controller = new AbortController();
    const { stream, cancelled } = body(4, "wait");
    const sent = put(url, stream, 1 << 30, controller.signal);
    while (seen.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const reason = new Error("enough");
    controller.abort(reason);
    assert.equal(await sent.catch((error) => error), reason);
    await cancelled;
    assert.equal((await seen[0]?.ended)?.isWhole, false);
  });
});

test("a source that fails breaks the upload off: the server does not take it for whole", async () => {
  await withServer(() => {}, async (url, seen) => {
    const { stream } = body(4, new Error("the disk is gone"));
    await assert.rejects(put(url, stream, 1 << 30));
    while (seen.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal((await seen[0]?.ended)?.isWhole, false);
  });
});

test("a body that is shorter or longer than announced is not taken for whole", async () => {
  for (const length of [64 * 1024 * 5, 64 * 1024 * 3]) {
    await withServer(() => {}, async (url, seen) => {
      const error = await put(url, body(4, "close").stream, length).catch((error) => error);
      assert.equal(error instanceof TypeError, true);
      assert.match(String(error.cause), /bytes/);
      await new Promise((resolve) => setTimeout(resolve, 20));
      for (const one of seen) {
        const { bytes, isWhole } = await one.ended;
        assert.ok(!isWhole || bytes < length, `${bytes} of ${length}`);
      }
    });
  }
});

test("a body without a length is sent in chunks", async () => {
  // The transport leaves such bodies to fetch; the sockets can send them all the same.
  await withServer(take, async (url, seen) => {
    const init = { method: "PUT", body: body(3, "close").stream, duplex: "half" };
    const response = await socketRequests()?.(new Request(url, init as RequestInit));
    assert.equal(response?.headers.get("x-bytes"), String(3 * 64 * 1024));
    assert.equal(seen[0]?.request.headers["transfer-encoding"], "chunked");
  });
});

test("a server that goes away in the middle of an upload is an error", async () => {
  const hangUp: Answer = ({ request }) => {
    request.once("data", () => request.socket.destroy());
  };
  await withServer(hangUp, async (url) => {
    const { stream } = body(1000, "close");
    assert.ok(await put(url, stream, 1000 * 64 * 1024).catch((error) => error) instanceof Error);
  });
});

test("a slow server is not sent ahead of without end", async () => {
  await withServer(({ request }) => void request.pause(), async (url) => {
    let given = 0;
    const controller = new AbortController();
    const stream = new ReadableStream<Bytes>({
      pull(stream) {
        given += 64 * 1024;
        stream.enqueue(new Uint8Array(64 * 1024));
      },
    }, { highWaterMark: 0 });
    const sent = put(url, stream, 1 << 30, controller.signal).catch((error) => error);
    await new Promise((resolve) => setTimeout(resolve, 300));
    // What the sockets of both sides hold counts too.
    assert.ok(given < 3e7, `${given} bytes were taken`);
    controller.abort(new Error("enough"));
    await sent;
  });
});
