// The transport of the runtime against a server of bytes: what passes, what ends, what is freed.
import { createServer, type Socket } from "node:net";
import { test } from "node:test";
import assert from "node:assert/strict";
import { iterate, readAll } from "../../lib/bytes/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { detectRuntime } from "../../lib/runtime/detect.ts";
import { hostTransport } from "../../lib/runtime/host_transport.ts";

type Talk = (socket: Socket, request: string) => void;

/** A server that says exactly what a test wants, and the connections it had. */
async function withServer(
  talk: Talk,
  use: (url: string, sockets: Socket[], requests: string[]) => Promise<void>,
): Promise<void> {
  const sockets: Socket[] = [];
  const requests: string[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    let head = "";
    socket.on("data", (chunk) => {
      head += chunk.toString("latin1");
      for (let end = head.indexOf("\r\n\r\n"); end >= 0; end = head.indexOf("\r\n\r\n")) {
        const request = head.slice(0, end);
        head = head.slice(end + 4);
        requests.push(request);
        talk(socket, request);
      }
    });
  });
  const port = await new Promise<number>((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" ? address?.port ?? 0 : 0);
    });
  });
  try {
    await use(`http://127.0.0.1:${port}/path?query=1`, sockets, requests);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}

const send = hostTransport();
const get = (url: string, init: RequestInit = {}) =>
  send(new Request(url, { redirect: "manual", ...init }));

async function bodyOf(response: Response): Promise<Bytes> {
  return await readAll(response.body as ReadableStream<Bytes>, { maxBytes: 1 << 24 });
}

async function failure(work: Promise<unknown>): Promise<unknown> {
  return await work.then(() => assert.fail("it did not fail"), (error) => error);
}

function reply(status: string, headers: readonly string[], body: string | Uint8Array): Buffer {
  const head = [`HTTP/1.1 ${status}`, ...headers, "", ""].join("\r\n");
  return Buffer.concat([Buffer.from(head, "latin1"), Buffer.from(body)]);
}

test("an answer arrives with its status, headers and body, over one connection", async () => {
  await withServer((socket, request) => {
    assert.match(request, /^GET \/path\?query=1 HTTP\/1\.1\r\n/);
    socket.write(reply("200 Fine", ["Content-Length: 5", "X-A: 1", "X-A: 2"], "hello"));
  }, async (url, sockets, requests) => {
    for (let i = 0; i < 3; i++) {
      const response = await get(url, { headers: { accept: "a/b", "x-own": `${i}` } });
      assert.equal(response.status, 200);
      assert.equal(response.headers.get("x-a"), "1, 2");
      assert.equal(new TextDecoder().decode(await bodyOf(response)), "hello");
      assert.match(requests[i] ?? "", /\r\naccept: a\/b(\r\n|$)/i);
      assert.match(requests[i] ?? "", new RegExp(`\\r\\nx-own: ${i}(\\r\\n|$)`, "i"));
    }
    assert.equal(sockets.length, 1);
  });
});

if (detectRuntime() === "node") {
  test("a connection that the server closes when it is used again is replaced", async () => {
    let asked = 0;
    await withServer((socket) => {
      asked++;
      if (asked === 2) socket.destroy();
      else socket.write(reply("200 OK", ["Content-Length: 5"], "hello"));
    }, async (url, sockets) => {
      for (let i = 0; i < 2; i++) {
        assert.equal(new TextDecoder().decode(await bodyOf(await get(url))), "hello");
      }
      assert.equal(asked, 3);
      assert.equal(sockets.length, 2);
    });
  });

  test("a connection with more on it than was asked for is not used again", async () => {
    await withServer((socket) => {
      socket.write(reply("200 OK", ["Content-Length: 5"], "helloHTTP/1.1 200 OK\r\n\r\n"));
    }, async (url, sockets) => {
      for (let i = 1; i < 4; i++) {
        assert.equal(new TextDecoder().decode(await bodyOf(await get(url))), "hello");
        assert.equal(sockets.length, i);
      }
    });
  });
}

test("bodies of many sizes are whole, in chunks and at once", async () => {
  const content = new Uint8Array(3_000_000).map((_, index) => index * 31 >> 3);
  const hex = content.length.toString(16);
  await withServer((socket, request) => {
    if (request.includes("chunked")) {
      socket.write(reply("200 OK", ["Transfer-Encoding: chunked"], `${hex}\r\n`));
      socket.write(content);
      socket.write("\r\n0\r\n\r\n");
    } else if (request.includes("open")) {
      socket.end(reply("200 OK", ["Connection: close"], content));
    } else socket.write(reply("200 OK", [`Content-Length: ${content.length}`], content));
  }, async (url) => {
    for (const kind of ["length", "chunked", "open", "length"]) {
      const body = await bodyOf(await get(`${url}&${kind}`));
      assert.ok(Buffer.from(content).equals(body), kind);
    }
  });
});

test("a chunk of a body is a plain Uint8Array", async () => {
  await withServer((socket) => {
    socket.write(reply("200 OK", ["Content-Length: 5"], "hello"));
  }, async (url) => {
    const response = await get(url);
    for await (const chunk of iterate(response.body as ReadableStream<Bytes>)) {
      assert.equal(Object.getPrototypeOf(chunk), Uint8Array.prototype);
    }
  });
});

test("a redirect is shown, not followed", async () => {
  await withServer((socket) => {
    socket.write(
      reply("307 Elsewhere", ["Location: http://127.0.0.1:1/", "Content-Length: 0"], ""),
    );
  }, async (url) => {
    const response = await get(url);
    assert.equal(response.status, 307);
    assert.equal(response.headers.get("location"), "http://127.0.0.1:1/");
    await response.body?.cancel();
  });
});

test("HEAD, 204 and 304 have no body, whatever their headers say", async () => {
  await withServer((socket, request) => {
    if (request.startsWith("HEAD")) socket.write(reply("200 OK", ["Content-Length: 99"], ""));
    else if (request.includes("none")) socket.write(reply("204 None", [], ""));
    else socket.write(reply("304 Same", ["ETag: x"], ""));
  }, async (url) => {
    const head = await get(url, { method: "HEAD" });
    assert.equal(head.headers.get("content-length"), "99");
    assert.equal((await bodyOf(new Response(head.body ?? new Uint8Array()))).length, 0);
    assert.equal((await get(`${url}&none`)).status, 204);
    assert.equal((await get(url)).status, 304);
  });
});

test("a body that breaks off is an error after the bytes that came", async () => {
  const cut = reply("200 OK", ["Content-Length: 10"], "hello");
  const chunked = reply("200 OK", ["Transfer-Encoding: chunked"], "5\r\nhello\r\n");
  for (const answer of [cut, chunked]) {
    await withServer((socket) => socket.end(answer), async (url) => {
      const response = await get(url);
      const error = await failure(bodyOf(response));
      assert.ok(error instanceof Error);
    });
  }
});

test("a server that is not there, or hangs up, is an error", async () => {
  const error = await failure(get("http://127.0.0.1:1/"));
  assert.ok(error instanceof Error);
  await withServer((socket) => socket.destroy(), async (url) => {
    assert.ok(await failure(get(url)) instanceof Error);
  });
});

test("an abort rejects with its reason and closes the connection", async () => {
  const early = new Error("enough");
  const refused = AbortSignal.abort(early);
  await withServer(() => {}, async (url, sockets) => {
    assert.equal(await failure(get(url, { signal: refused })), early);
    const controller = new AbortController();
    const asked = get(url, { signal: controller.signal });
    while (sockets.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const closed = new Promise((resolve) => sockets[0]?.once("close", resolve));
    controller.abort(early);
    assert.equal(await failure(asked), early);
    await closed;
  });
  await withServer((socket) => {
    socket.write(reply("200 OK", ["Content-Length: 10"], "hello"));
  }, async (url, sockets) => {
    const controller = new AbortController();
    const response = await get(url, { signal: controller.signal });
    const reader = (response.body as ReadableStream<Bytes>).getReader();
    assert.equal((await reader.read()).value?.length, 5);
    const closed = new Promise((resolve) => sockets[0]?.once("close", resolve));
    const next = reader.read();
    controller.abort(early);
    assert.equal(await failure(next), early);
    await closed;
  });
});

test("cancelling a body closes the connection", async () => {
  await withServer((socket) => {
    socket.write(reply("200 OK", ["Content-Length: 1000000"], "hello"));
  }, async (url, sockets) => {
    const response = await get(url);
    const closed = new Promise((resolve) => sockets[0]?.once("close", resolve));
    await response.body?.cancel();
    await closed;
  });
});

test("a body that nobody reads is not read ahead without end", async () => {
  const piece = Buffer.alloc(1 << 16);
  let written = 0;
  await withServer((socket) => {
    socket.write(reply("200 OK", ["Content-Length: 100000000"], ""));
    const more = () => {
      while (!socket.destroyed && written < 1e8) {
        written += piece.length;
        if (!socket.write(piece)) return void socket.once("drain", more);
      }
    };
    more();
  }, async (url) => {
    const response = await get(url);
    await new Promise((resolve) => setTimeout(resolve, 300));
    // What the sockets of both sides hold counts too.
    assert.ok(written < 3e7, `${written} bytes were taken`);
    await response.body?.cancel();
  });
});
