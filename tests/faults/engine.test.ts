/** F29 and F30: engines that end in the middle, answer in odd pieces, or before they have listened. */
import { test } from "node:test";
import assert from "node:assert/strict";
import { Engine, type EngineEvent, parseEngineHost } from "../../lib/engine/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { isLadingError, LoadError, PullError } from "../../lib/model/errors.ts";
import { engineTransport } from "../../lib/runtime/engine_transport.ts";
import { type FaultProxy, faultProxy, type WireRule } from "../support/fault_proxy.ts";
import { failure, noise, until } from "./bench.ts";

const ID = `sha256:${"1".repeat(64)}`;
const OPS = /^POST .*\/images\//;

interface EngineBench {
  readonly engine: Engine;
  readonly proxy: FaultProxy;
}

/** Runs work with an engine on a socket that says something to pulls and loads. */
async function withEngine(
  said: string | (() => Response),
  wire: readonly WireRule[],
  work: (bench: EngineBench) => Promise<void>,
): Promise<void> {
  const handler = async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url);
    const headers = { "api-version": "1.41", "content-type": "application/json" };
    if (pathname.endsWith("/_ping")) return new Response("OK", { headers });
    if (pathname.endsWith("/json")) return Response.json({ Id: ID, RepoTags: ["app:1"] });
    await request.body?.pipeTo(new WritableStream());
    return typeof said === "string" ? new Response(said, { headers }) : said();
  };
  const proxy = await faultProxy(handler, wire);
  const way = engineTransport(parseEngineHost(`tcp://127.0.0.1:${proxy.port}`));
  try {
    await work({ engine: new Engine({ transport: way.transport, baseURL: way.baseURL }), proxy });
    await until(() => proxy.connections === 0, "the connections are closed");
  } finally {
    way.close();
    await proxy.close();
  }
}

/** Pulls, and gives the events with the error if there was one. */
async function pull({ engine }: EngineBench): Promise<{ events: EngineEvent[]; error: unknown }> {
  const events: EngineEvent[] = [];
  const operation = engine.images.pull("app:1");
  const reading = (async () => {
    for await (const event of operation) events.push(event);
  })().catch(() => {});
  const error = await Promise.resolve(operation).then(() => undefined, (error: unknown) => error);
  await reading;
  return { events, error };
}

/** Sends the answers to pulls and loads in pieces of so many bytes. */
const inPieces = (bytes: number): WireRule => ({
  on: OPS,
  fault: { kind: "trickle", bytes, ms: 0 },
});

const WORDS = "Schicht für Schicht: 層を取得中 🐳";
const FINE = [
  `{"status":"${WORDS}","id":"1"}\r\n{"status":"${WORDS} zwei","id":"2"}\r\n`,
  `{"status":"${WORDS}","id":"1"}{"status":"${WORDS} zwei","id":"2"}`,
  `{"status":"${WORDS}","id":"1"}\n\n  {\n "status":"${WORDS} zwei","id":"2"}`,
];

test("F29: messages come whole, wherever their characters are cut, however they are separated", async () => {
  for (const text of FINE) {
    for (const bytes of [1, 2, 3, 7]) {
      await withEngine(text, [inPieces(bytes)], async (bench) => {
        const { events, error } = await pull(bench);
        assert.equal(error, undefined);
        const all = JSON.stringify(events);
        assert.ok(all.includes(WORDS) && all.includes(`${WORDS} zwei`), all);
        assert.ok(!all.includes("\ufffd"), all);
      });
    }
  }
});

test("F29: an error amid the stream is the error of the call, in the engine's words", async () => {
  const words = "kein Platz für 層 auf dem Gerät";
  const text =
    `{"status":"Pulling"}\r\n{"errorDetail":{"message":"${words}"},"error":"${words}"}\r\n` +
    '{"status":"Downloaded"}\r\n';
  for (const bytes of [1, 5, 10_000]) {
    await withEngine(text, [inPieces(bytes)], async (bench) => {
      const { error } = await pull(bench);
      assert.ok(error instanceof PullError, String(error));
      assert.ok(error.message.includes(words), error.message);
    });
  }
});

test("F29: a stream that breaks off is an error, wherever it breaks", async () => {
  const text = FINE[0] ?? "";
  const size = new TextEncoder().encode(text).byteLength;
  for (const kind of ["cut", "open-chunks"] as const) {
    for (const after of [0, 1, 20, size - 3, size]) {
      await withEngine(text, [{ on: OPS, fault: { kind, after } }], async (bench) => {
        const { error } = await pull(bench);
        assert.ok(isLadingError(error), `${kind} after ${after}: ${String(error)}`);
        assert.match((error as Error).message, /^Cannot pull /);
      });
    }
  }
});

test("F29: a clean end within a message is an error too", async () => {
  const text = '{"status":"Pulling"}\n{"status":"Downl';
  await withEngine(text, [{ on: OPS, fault: { kind: "no-length" } }], async (bench) => {
    const { error } = await pull(bench);
    assert.ok(isLadingError(error), String(error));
  });
});

test("F29: an answer without a result is no success", async () => {
  for (const text of ["", "{}", "{}\n{}", '{"status":"Loading"}']) {
    await withEngine(text, [], async ({ engine }) => {
      const error = await failure(Promise.resolve(engine.images.load(noise(1024))));
      assert.ok(error instanceof LoadError, `${text}: ${String(error)}`);
    });
  }
});

test("F29: a message of 20 MiB is refused, and the rest of it is not read", async () => {
  let sent = 0;
  const piece = new TextEncoder().encode("x".repeat(65_536));
  const endless = () =>
    new Response(
      new ReadableStream<Bytes>({
        start(controller) {
          controller.enqueue(new TextEncoder().encode('{"status":"'));
        },
        pull(controller) {
          sent += piece.byteLength;
          if (sent > 40 * 1024 * 1024) return controller.close();
          controller.enqueue(piece);
        },
      }, { highWaterMark: 0 }),
    );
  await withEngine(endless, [], async (bench) => {
    const { error } = await pull(bench);
    assert.ok(isLadingError(error), String(error));
    assert.ok((error as Error).message.length < 4096);
    assert.ok(sent < 36 * 1024 * 1024, `${sent} bytes were sent`);
  });
});

test("F29: a page of HTML is no answer of an engine, and little of it is quoted", async () => {
  for (const status of [200, 500, 502]) {
    const page = `<html><h1>Bad gateway</h1>${"x".repeat(100_000)}</html>`;
    const answer = () => new Response(page, { status, headers: { "content-type": "text/html" } });
    await withEngine(answer, [], async (bench) => {
      const { error } = await pull(bench);
      assert.ok(isLadingError(error), `${status}: ${String(error)}`);
      assert.ok((error as Error).message.length < 4096, `${(error as Error).message.length}`);
    });
  }
});

test("F30: an engine that refuses an archive before it has read it is reported in its words", async () => {
  const archive = noise(20 * 1024 * 1024);
  const words = "archive/tar: invalid tar header";
  const body = JSON.stringify({ message: words });
  for (const after of [1, 65_537, 5 * 1024 * 1024]) {
    const wire: WireRule[] = [{
      on: /^POST .*\/load/,
      fault: { kind: "early", after, status: 400, body },
    }];
    await withEngine("", wire, async ({ engine, proxy }) => {
      const error = await failure(Promise.resolve(engine.images.load(streamOf(archive))));
      assert.ok(error instanceof LoadError, `after ${after}: ${String(error)}`);
      assert.ok(error.message.includes(words), error.message);
      assert.equal(proxy.exchanges.filter(({ path }) => path.includes("/load")).length, 1);
    });
  }
});

test("F30: an engine that goes away amid an upload is an error that says so", async () => {
  const archive = noise(5 * 1024 * 1024);
  for (const after of [1, 65_537, archive.byteLength - 1]) {
    const wire: WireRule[] = [{ on: /^POST .*\/load/, fault: { kind: "cut-request", after } }];
    await withEngine("", wire, async ({ engine }) => {
      const error = await failure(Promise.resolve(engine.images.load(streamOf(archive))));
      assert.ok(isLadingError(error), String(error));
      assert.match((error as Error).message, /^Cannot load/);
    });
  }
});

function streamOf(content: Bytes): ReadableStream<Bytes> {
  let at = 0;
  return new ReadableStream<Bytes>({
    pull(controller) {
      if (at >= content.byteLength) return controller.close();
      controller.enqueue(content.slice(at, at += 65_536));
    },
  }, { highWaterMark: 0 });
}
