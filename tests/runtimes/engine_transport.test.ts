// The way to an engine over real sockets: bodies both ways, and what ends them.
import { createHash } from "node:crypto";
import type { IncomingMessage, Server } from "node:http";
import { createServer as createTLSServer } from "node:https";
import process from "node:process";
import { test } from "node:test";
import assert from "node:assert/strict";
import { parseEngineHost } from "../../lib/engine/mod.ts";
import { noteOwnedChunks } from "../../lib/bytes/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { engineTransport } from "../../lib/runtime/engine_transport.ts";
import { makeCertificates } from "../support/certificates.ts";
import { watchPace } from "../support/pace.ts";
import { inScratch, missing } from "../support/program.ts";
import { type Answer, bodyOf, failure, listening, overBoth, post } from "./engine_wire.ts";
import { until } from "./lading_process.ts";

/** A body of blocks without end, which tells how many were taken, and of its cancel. */
function endless(size = 64 * 1024): {
  readonly stream: ReadableStream<Bytes>;
  readonly taken: () => number;
  readonly cancelled: Promise<unknown>;
} {
  let taken = 0;
  let cancel: (reason: unknown) => void = () => {};
  const cancelled = new Promise((resolve) => cancel = resolve);
  const stream = new ReadableStream<Bytes>({
    async pull(controller) {
      taken++;
      controller.enqueue(new Uint8Array(size));
      if (taken % 16 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
    },
    cancel: (reason) => cancel(reason),
  }, { highWaterMark: 0 });
  return { stream, taken: () => taken, cancelled };
}

test("requests arrive as they are, and answers come back whole", async () => {
  const answer: Answer = (request, response) => {
    void bodyOf(request).then((body) => {
      const { method, url, headers } = request;
      const { host, "x-a": a, "content-type": type } = headers;
      response.setHeader("x-many", ["1", "2"]);
      response.end(JSON.stringify({ method, url, host, a, type, body: body.toString() }));
    });
  };
  await overBoth(answer, async ({ way, url, idle }) => {
    const headers = { "x-a": "b", "content-type": "application/json" };
    for (const [method, body] of [["GET", null], ["POST", "größe"], ["DELETE", null]] as const) {
      const got = await way.transport(new Request(url, { method, headers, body }));
      assert.equal(got.status, 200);
      assert.equal(got.headers.get("x-many"), "1, 2");
      assert.deepEqual(await got.json(), {
        method,
        url: "/v1.41/x?a=1&b=%C3%BC",
        host: new URL(url).host,
        a: "b",
        type: "application/json",
        body: body ?? "",
      });
    }
    await idle();
  });
});

test("what is freed once it is sent has arrived as it was", async () => {
  const answer: Answer = (request, response) => {
    const hash = createHash("sha256");
    request.on("data", (chunk: Buffer) => hash.update(chunk));
    request.on("end", () => response.end(hash.digest("hex")));
  };
  await overBoth(answer, async ({ way, url }) => {
    const hash = createHash("sha256");
    let left = 400;
    const body = new ReadableStream<Bytes>({
      pull(controller) {
        const chunk = new Uint8Array(100_000).map((_, i) => i * left);
        hash.update(chunk);
        controller.enqueue(chunk);
        if (--left === 0) controller.close();
      },
    }, { highWaterMark: 0 });
    noteOwnedChunks(body);
    const got = await way.transport(post(url, body));
    assert.equal(await got.text(), hash.digest("hex"));
  });
});

test("HEAD, 204 and 304 have no body, and leave no connection", async () => {
  const answer: Answer = (request, response) => {
    response.writeHead(Number(request.headers["x-status"]), { "api-version": "1.41" }).end();
  };
  await overBoth(answer, async ({ way, url, idle }) => {
    for (const [method, status] of [["HEAD", 200], ["GET", 204], ["GET", 304]] as const) {
      const headers = { "x-status": String(status) };
      const got = await way.transport(new Request(url, { method, headers }));
      assert.equal(got.status, status);
      assert.equal(got.body, null);
      assert.equal(got.headers.get("api-version"), "1.41");
    }
    await idle();
  });
});

test("redirects are shown, and encodings are left alone", async () => {
  const answer: Answer = (_, response) => {
    response.writeHead(301, { location: "/other", "content-encoding": "gzip" }).end("plain");
  };
  await overBoth(answer, async ({ way, url }) => {
    const got = await way.transport(new Request(url));
    assert.equal(got.status, 301);
    assert.equal(got.headers.get("location"), "/other");
    assert.equal(await got.text(), "plain");
  });
});

test("an answer comes while the request is still sent, and both go on", async () => {
  const answer: Answer = (request, response) => {
    response.writeHead(200);
    response.write("begun ");
    let bytes = 0;
    request.on("data", (chunk: Buffer) => bytes += chunk.length);
    request.on("end", () => response.end(String(bytes)));
  };
  await overBoth(answer, async ({ way, url }) => {
    let next: () => void = () => {};
    const body = new ReadableStream<Bytes>({
      start: (controller) => {
        controller.enqueue(new Uint8Array(10));
        next = () => {
          controller.enqueue(new Uint8Array(5));
          controller.close();
        };
      },
    });
    const got = await way.transport(post(url, body));
    next();
    assert.equal(await got.text(), "begun 15");
  });
});

test("who refuses a request while it is sent is heard, and the source is cancelled", async () => {
  const answer: Answer = (request, response) => {
    request.once("data", () => {
      // As Go's servers do: they answer, read no more, and close half a second later.
      const { socket } = response;
      request.pause();
      socket?.write('HTTP/1.1 400 Bad\r\nContent-Length: 16\r\n\r\n{"message":"no"}');
      setTimeout(() => socket?.destroy(), 200);
    });
    request.on("error", () => {});
  };
  await overBoth(answer, async ({ way, url, idle }) => {
    const source = endless();
    const got = await way.transport(post(url, source.stream));
    assert.equal(got.status, 400);
    assert.equal(await got.text(), '{"message":"no"}');
    await source.cancelled;
    await idle();
  });
});

test("uploads wait for a server that does not read", async () => {
  const asked: IncomingMessage[] = [];
  await overBoth((request) => asked.push(request.pause()), async ({ way, url, idle }) => {
    const source = endless();
    const stop = new AbortController();
    const sending = failure(way.transport(post(url, source.stream, stop.signal)));
    await until(() => source.taken() > 0, "the upload begins");
    // Until nothing has been taken for a while.
    for (let before = 0; before < source.taken();) {
      before = source.taken();
      assert.ok(before < 400, `${before} blocks of 64 KiB were taken`);
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    stop.abort("enough");
    assert.equal(await sending, "enough");
    await source.cancelled;
    // Who does not read does not notice the end of a connection either.
    for (const request of asked) request.on("error", () => {}).resume();
    await idle();
  });
});

test("downloads wait for a consumer that does not read", async () => {
  let written = 0;
  const answer: Answer = (_, response) => {
    const block = new Uint8Array(64 * 1024);
    const write = (): void => {
      while (!response.destroyed && response.write(block)) written++;
      response.once("drain", write);
    };
    write();
    response.on("error", () => {});
  };
  await overBoth(answer, async ({ way, url, idle }) => {
    written = 0;
    const { body } = await way.transport(new Request(url));
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.ok(written < 400, `${written} blocks of 64 KiB`);
    await body?.cancel();
    await idle();
  });
});

test("a source that fails breaks the request before its end", async () => {
  const ended: boolean[] = [];
  const answer: Answer = (request, response) => {
    request.on("data", () => {});
    request.on("error", () => {});
    request.on("close", () => ended.push(request.complete));
    request.on("end", () => response.end());
  };
  await overBoth(answer, async ({ way, url, idle }) => {
    let blocks = 0;
    const body = new ReadableStream<Bytes>({
      async pull(controller) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        if (blocks++ === 3) throw new Error("the disk broke");
        controller.enqueue(new Uint8Array(1000));
      },
    });
    const error = await failure(way.transport(post(url, body)));
    assert.match(String(error), /the disk broke/);
    await idle();
  });
  await until(() => ended.length === 2, "the requests have ended");
  assert.deepEqual(ended, [false, false]);
});

test("an answer that is cut off is an error, not an end", async () => {
  for (const headers of [{ "content-length": "1000" }, { "transfer-encoding": "chunked" }]) {
    let cut = (): void => {};
    const answer: Answer = (_, response) => {
      response.writeHead(200, headers);
      response.write("half");
      cut = () => response.destroy();
    };
    await overBoth(answer, async ({ way, url, idle }) => {
      const got = await way.transport(new Request(url));
      const reader = got.body?.getReader();
      const first = await reader?.read();
      assert.equal(new TextDecoder().decode(first?.value), "half");
      cut();
      assert.ok(await failure(reader?.read() ?? Promise.resolve()) instanceof Error);
      await idle();
    });
  }
});

test("a connection that is closed without an answer, and none at all, are errors", async () => {
  await overBoth((request) => request.socket.destroy(), async ({ way, url }) => {
    assert.ok(await failure(way.transport(new Request(url))) instanceof Error);
  });
  await inScratch(async (folder) => {
    const { transport, baseURL } = engineTransport(parseEngineHost(`unix://${folder}/none.sock`));
    const error = await failure(transport(new Request(`${baseURL}/_ping`)));
    assert.match(String(error), /ENOENT|FailedToOpenSocket/i);
  });
});

test("abort() rejects with its reason, and frees the socket within 50 ms", async () => {
  const answer: Answer = (request, response) => {
    if (request.headers["x-late"] !== undefined) return;
    response.writeHead(200).write("begun");
  };
  await overBoth(answer, async ({ way, url, sockets, idle }) => {
    // Runtimes that load their modules late take longer once.
    await failure(way.transport(new Request(url, { signal: AbortSignal.abort() })));
    for (const headers of [{}, { "x-late": "1" }]) {
      let soonest = Infinity;
      for (let round = 0; round < 3; round++) {
        const stop = new AbortController();
        const request = new Request(url, { headers, signal: stop.signal });
        const asked = way.transport(request);
        const reading = failure((async () => {
          const reader = (await asked).body?.getReader();
          while (!(await reader?.read())?.done);
        })());
        while (sockets.size === 0) await new Promise((resolve) => setTimeout(resolve, 1));
        await new Promise((resolve) => setTimeout(resolve, 30));
        const waited = watchPace();
        stop.abort("enough");
        assert.equal(await reading, "enough");
        await idle();
        soonest = Math.min(soonest, waited());
      }
      assert.ok(soonest < 50, `${JSON.stringify(headers)}: ${soonest} ms`);
    }
  });
});

test("1,000 aborts leave no socket", async () => {
  const answer: Answer = (_, response) => void response.writeHead(200).write("begun");
  await overBoth(answer, async ({ way, url, idle }) => {
    for (let round = 0; round < 20; round++) {
      await Promise.all(Array.from({ length: 25 }, async (_, index) => {
        const stop = new AbortController();
        const asked = way.transport(new Request(url, { signal: stop.signal }));
        if (index % 2 === 0) await (await asked).body?.getReader().read();
        stop.abort("enough");
        await asked.catch(() => {});
      }));
    }
    await idle();
  });
});

test("close() ends what is under way", async () => {
  const answer: Answer = (_, response) => void response.writeHead(200).write("begun");
  await overBoth(answer, async ({ way, url, idle }) => {
    const got = await way.transport(new Request(url));
    const text = failure(got.text());
    way.close();
    assert.ok(await text instanceof Error);
    await idle();
  });
});

test("a request that cannot even begin fails, and close() has nothing left to end", async () => {
  const endpoint = parseEngineHost("tcp://127.0.0.1:1");
  assert.ok(endpoint.kind === "tcp");
  const way = engineTransport({ ...endpoint, port: 70_000 });
  const request = new Request("http://127.0.0.1/_ping");
  assert.ok(await failure(way.transport(request)) instanceof Error);
  way.close();
  await new Promise((resolve) => setTimeout(resolve, 10));
});

test("named pipes are refused where there are none", () => {
  if (process.platform === "win32") return;
  const endpoint = parseEngineHost("npipe:////./pipe/docker_engine");
  assert.throws(() => engineTransport(endpoint), {
    code: "UNSUPPORTED_ENDPOINT",
    message: /named pipes are of Windows/,
  });
});

const skipTLS = missing("openssl");

test("TLS proves both sides by their certificates", { skip: skipTLS }, async () => {
  await inScratch(async (folder) => {
    const { ca, server: own, client: { cert, key } } = await makeCertificates(folder);
    const server = createTLSServer({
      ca,
      ...own,
      requestCert: true,
      rejectUnauthorized: true,
    }, (_, response) => void response.end("OK"));
    server.on("tlsClientError", () => {});
    await listening(server as unknown as Server, undefined, async (port) => {
      const endpoint = parseEngineHost(`https://127.0.0.1:${port}`);
      const ask = async (tls: Parameters<typeof engineTransport>[1]) => {
        const { transport, baseURL } = engineTransport(endpoint, tls);
        return await (await transport(new Request(`${baseURL}/_ping`))).text();
      };
      assert.equal(await ask({ ca, cert, key }), "OK");
      assert.equal(await ask({ cert, key, isVerified: false }), "OK");
      assert.ok(await failure(ask({ cert, key })) instanceof Error, "unknown authority");
      assert.ok(await failure(ask({ ca })) instanceof Error, "no certificate");
    });
  });
});
