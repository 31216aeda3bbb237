/** F7, F8, F12, F15, F31, F32 and F34: answers that do not come, or are none, over real sockets. */
import { lookup } from "node:dns/promises";
import { test } from "node:test";
import assert from "node:assert/strict";
import { NotFoundError, RateLimitError, RegistryError } from "../../lib/model/errors.ts";
import { Registry } from "../../lib/registry/mod.ts";
import { hostTransport } from "../../lib/runtime/host_transport.ts";
import { randomImage } from "../../lib/testing/mod.ts";
import { faultProxy, type WireRule } from "../support/fault_proxy.ts";
import { watchPace } from "../support/pace.ts";
import {
  type Bench,
  describe,
  drain,
  failure,
  NAME,
  noise,
  putBlob,
  until,
  withBench,
} from "./bench.ts";

const MANIFEST = /^GET \/v2\/acme\/app\/manifests\//;

async function putImage({ store }: Bench): Promise<string> {
  const image = await randomImage("answers");
  await image.pushTo(store, `${NAME}:1`);
  return image.descriptor.digest;
}

test("F7: 500, 500, 502, 503, 504 and then an answer: six requests in 1 to 40 seconds", async () => {
  const answers = [500, 500, 502, 503, 504].map((status, i) => ({
    method: "GET",
    path: /\/manifests\//,
    nth: i + 1,
    fault: { kind: "status", status, body: "<html>" } as const,
  }));
  await withBench({ answers }, async (bench) => {
    const digest = await putImage(bench);
    const { ms, result } = await bench.clock.measure(() => bench.repository.manifest("1"));
    assert.equal(result.descriptor.digest, digest);
    assert.equal(bench.sent("GET").length, 6);
    assert.ok(ms >= 1000 && ms <= 40_000, `${ms} ms`);
  });
});

test("F7: what fails six times in a row is an error that counts them", async () => {
  const fault = { kind: "status", status: 502 } as const;
  await withBench({ answers: [{ path: /\/manifests\//, fault }] }, async (bench) => {
    await putImage(bench);
    const { result } = await bench.clock.measure(() => failure(bench.repository.manifest("1")));
    assert.ok(result instanceof RegistryError);
    assert.equal(result.status, 502);
    assert.match(result.message, /after 6 attempts/);
    assert.equal(bench.sent("GET").length, 6);
  });
});

test("F8: Retry-After is kept on the wire, in seconds and as a date, up to 120 seconds", async () => {
  const rows: readonly (readonly [
    value: (now: number) => string,
    least: number,
    most: number,
    isError: boolean,
  ])[] = [
    [() => "2", 2000, 2600, false],
    [(now) => new Date(now + 3000).toUTCString(), 2000, 4000, false],
    [(now) => new Date(now - 3000).toUTCString(), 0, 250, false],
    [() => "soon", 0, 250, false],
    [() => "100000", 0, 0, true],
  ];
  for (const status of [429, 503]) {
    for (const [value, least, most, isError] of rows) {
      const headers = { "retry-after": value(Date.UTC(2026, 0, 1)) };
      const fault = { kind: "status", status, headers } as const;
      const answers = [{ method: "GET", path: /\/manifests\//, nth: 1, fault }];
      await withBench({ answers }, async (bench) => {
        await putImage(bench);
        const work = () => bench.repository.manifest("1");
        const what = `${status} ${headers["retry-after"]}`;
        const { ms, result } = await bench.clock.measure<unknown>(
          isError ? () => failure(work()) : work,
        );
        assert.ok(ms >= least && ms <= most, `${what}: ${ms} ms`);
        assert.equal(bench.sent("GET").length, isError ? 1 : 2, what);
        if (!isError) return;
        assert.ok(result instanceof RegistryError, what);
        assert.equal(result.retryAfter, 100_000_000);
        assert.equal(result instanceof RateLimitError, status === 429);
      });
    }
  }
});

for (const fault of [{ kind: "stall" }, { kind: "trickle-head", ms: 1000 }] as const) {
  test(`F12: no header within 30 seconds is an error (${fault.kind}), and the connection is closed`, async () => {
    await withBench({ wire: [{ on: MANIFEST, fault }] }, async (bench) => {
      await putImage(bench);
      const { ms, result } = await bench.clock.measure(() =>
        failure(bench.repository.manifest("1"))
      );
      assert.ok(ms >= 29_000 && ms <= 31_000, `${ms} ms`);
      assert.ok(result instanceof RegistryError);
      assert.match(result.message, /no answer within 30 s/);
      assert.equal(bench.sent("GET").length, 1);
      await until(() => bench.proxy.connections === 0, "the silent connection is closed");
    });
  });
}

test("F12: an abort ends the wait for a header in less than 50 ms", async () => {
  await withBench({ wire: [{ on: MANIFEST, fault: { kind: "stall" } }] }, async (bench) => {
    await putImage(bench);
    let soonest = Infinity;
    for (let i = 1; i <= 3; i++) {
      const controller = new AbortController();
      const reason = new Error(`enough ${i}`);
      const { signal } = controller;
      const settled = failure(bench.repository.manifest("1", { signal }));
      await until(() => bench.sent("GET").length === i, "the request is there");
      const waited = watchPace();
      controller.abort(reason);
      assert.equal(await settled, reason);
      soonest = Math.min(soonest, waited());
    }
    assert.ok(soonest < 50, `${soonest} ms`);
    await until(() => bench.proxy.connections === 0, "the connections are closed");
  });
});

test("F15: a redirect loop and an eleventh redirect end with an error; no more than 11 requests", async () => {
  const hop = (request: Request, last: number): Response | undefined => {
    const at = Number(/hop=(\d+)/.exec(request.url)?.[1] ?? 0);
    if (at === last) return undefined;
    const location = `${new URL(request.url).pathname}?hop=${at + 1}`;
    return new Response(null, { status: 307, headers: { location } });
  };
  for (const [hops, requests] of [[10, 11], [11, 11], [Infinity, 11]] as const) {
    let behind: (request: Request) => Promise<Response> = () => Promise.resolve(new Response());
    const handler = async (request: Request) =>
      (request.url.includes("/manifests/") ? hop(request, hops) : undefined) ??
        await behind(request);
    await withBench({ handler }, async (bench) => {
      const image = await randomImage("answers");
      const raw = image.contents.at(-1)?.bytes ?? new Uint8Array();
      behind = () =>
        Promise.resolve(
          new Response(raw, { headers: { "content-type": image.descriptor.mediaType } }),
        );
      const work = bench.repository.manifest("1");
      if (hops === 10) assert.equal((await work).descriptor.digest, image.descriptor.digest);
      else assert.ok(await failure(work) instanceof RegistryError);
      assert.equal(bench.sent("GET").length, requests);
    });
  }
});

test("F15: redirects to file:, data:, user names and nowhere are refused behind one request", async () => {
  const locations = [
    "file:///etc/passwd",
    "data:application/json,{}",
    "http://me:canary@127.0.0.1:1/",
    null,
  ];
  for (const location of locations) {
    for (const path of ["/manifests/", "/blobs/"]) {
      const headers = location === null ? {} : { location };
      const fault = { kind: "status", status: 307, headers } as const;
      await withBench({ answers: [{ path: new RegExp(path), fault }] }, async (bench) => {
        const work = path === "/blobs/"
          ? bench.repository.fetch(describe(noise(1000)))
          : bench.repository.manifest("1");
        const error = await failure(work);
        assert.ok(error instanceof RegistryError, `${location}: ${String(error)}`);
        assert.equal(bench.proxy.exchanges.length, 1);
      });
    }
  }
});

test("F31: a page of HTML with status 200 is no answer of a registry, and little of it is quoted", async () => {
  const page = `<html><title>Sign in</title>${"x".repeat(50_000)}`;
  const fault = {
    kind: "status",
    status: 200,
    headers: { "content-type": "text/html" },
    body: page,
  } as const;
  await withBench({ answers: [{ path: /acme/, fault }] }, async (bench) => {
    const { repository, clock } = bench;
    const blob = describe(noise(page.length));
    const calls: readonly (() => Promise<unknown>)[] = [
      () => repository.manifest("1"),
      () => repository.resolve("1"),
      () => repository.tags().next(),
      () => repository.fetch(blob).then(drain),
    ];
    for (const call of calls) {
      const { result } = await clock.measure(() => failure(call()));
      assert.ok(result instanceof Error);
      assert.ok(result.message.length < 4096, `${result.message.length} characters`);
      assert.ok(!result.message.includes("x".repeat(300)), "the page is quoted at length");
    }
  });
});

test("F31: what is no HTTP at all is an error of the registry", async () => {
  for (const text of ["\0\0\0", "SSH-2.0-OpenSSH_9\r\n\r\n", "HTTP/1.1 abc\r\n\r\n"]) {
    const wire: WireRule[] = [{ on: MANIFEST, fault: { kind: "garbage", text } }];
    await withBench({ wire, retry: { retries: 1 } }, async (bench) => {
      const { result } = await bench.clock.measure(() => failure(bench.repository.manifest("1")));
      assert.ok(result instanceof RegistryError, String(result));
      assert.match(result.message, /after 2 attempts/);
      assert.equal(bench.sent("GET").length, 2);
    });
  }
});

test("F32: a port where nobody listens is tried twice, and a name that nobody has once", async () => {
  const proxy = await faultProxy(() => Promise.resolve(new Response()), []);
  await proxy.close();
  const name = "nobody.invalid";
  // Where no name server answers, nobody knows that there is no such host.
  const isUnknown = await lookup(name).then(() => false, ({ code }) => /ENOTFOUND/.test(code));
  for (const host of [`127.0.0.1:${proxy.port}`, name]) {
    let requests = 0;
    const send = hostTransport();
    const registry = new Registry(host, {
      transport: (request) => {
        requests++;
        return send(request);
      },
      retry: { baseMs: 1 },
    });
    const error = await failure(registry.repository(NAME).manifest("1"));
    assert.ok(error instanceof RegistryError, String(error));
    const isFinal = host === name && isUnknown;
    const attempts = host === name ? 6 : 2;
    const reason = isFinal ? "there is no such host" : `after ${attempts} attempts`;
    assert.ok(error.message.includes(reason), error.message);
    assert.equal(requests, isFinal ? 1 : attempts, host);
  }
});

test("F34: a connection that is closed between two requests costs one more, and nobody sees it", async () => {
  for (const kind of ["refuse", "drop"] as const) {
    const wire: WireRule[] = ["GET", "HEAD", "PUT"].map((method) => ({
      on: new RegExp(`^${method} /v2/acme`),
      nth: 1,
      isReused: true,
      fault: { kind },
    }));
    await withBench({ wire }, async (bench) => {
      const content = noise(5000, 9);
      const { repository, clock, registry } = bench;
      const blob = await putBlob(bench, noise(3000));
      const calls: readonly (readonly [method: string, () => Promise<unknown>])[] = [
        ["GET", () => repository.fetch(blob).then(drain)],
        ["HEAD", () => repository.exists(blob)],
        ["PUT", () => repository.push(describe(content), () => streamOf(content))],
      ];
      for (const [method, call] of calls) {
        // A request to have a connection that is used again.
        await registry.authenticate();
        bench.proxy.exchanges.length = 0;
        const { ms } = await clock.measure(call);
        const sent = bench.sent(method);
        assert.ok(sent.length <= 2, `${method}: ${sent.length} requests`);
        if (sent.length === 2) assert.notEqual(sent[0]?.connection, sent[1]?.connection);
        assert.ok(ms < 1000, `${method}: ${ms} ms`);
      }
      assert.equal(await repository.exists(describe(content)), true);
    });
  }
});

function streamOf(content: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    start(controller) {
      controller.enqueue(content);
      controller.close();
    },
  });
}

test("F1: a manifest and a list whose bodies break off are asked for again", async () => {
  for (const kind of ["cut", "end"] as const) {
    for (const after of [0, 5, 100]) {
      const wire: WireRule[] = [MANIFEST, /tags\/list/].map((on) => ({
        on,
        nth: [1, 2],
        fault: { kind, after },
      }));
      await withBench({ wire }, async (bench) => {
        const digest = await putImage(bench);
        const { result } = await bench.clock.measure(() => bench.repository.manifest("1"));
        assert.equal(result.descriptor.digest, digest);
        assert.equal(bench.sent("GET", /manifests/).length, 3);
        const { result: first } = await bench.clock.measure(() => bench.repository.tags().next());
        assert.equal(first.value, "1");
        const lists = bench.sent("GET", /tags/).length;
        // The list is shorter than a hundred bytes.
        assert.equal(lists, after < 100 ? 3 : 1, `${kind} after ${after}`);
      });
    }
  }
});

test("F31: a blob that is missing says so by its digest, also with a page of HTML", async () => {
  const fault = {
    kind: "status",
    status: 404,
    headers: { "content-type": "text/html" },
    body: "<html>nothing here</html>",
  } as const;
  await withBench({ answers: [{ path: /blobs/, fault }] }, async (bench) => {
    const blob = describe(noise(10));
    const error = await failure(bench.repository.fetch(blob));
    assert.ok(error instanceof NotFoundError, String(error));
    assert.match(error.message, new RegExp(blob.digest));
    assert.equal(bench.sent("GET", /blobs/).length, 1);
  });
});
