/** F9, F10, F11 and F33: tokens that expire, do not do, or cannot be had, over real sockets. */
import { test } from "node:test";
import assert from "node:assert/strict";
import type { ByteStream } from "../../lib/model/bytes.ts";
import { copy } from "../../lib/ops/mod.ts";
import { AuthenticationError, isLadingError, RegistryError } from "../../lib/model/errors.ts";
import { Registry, staticCredentials } from "../../lib/registry/mod.ts";
import { hostTransport } from "../../lib/runtime/host_transport.ts";
import { registryHandler } from "../../lib/server/mod.ts";
import { memoryStore } from "../../lib/store/mod.ts";
import { faultyTransport, randomImage } from "../../lib/testing/mod.ts";
import type { FaultProxy, WireRule } from "../support/fault_proxy.ts";
import { faultProxy } from "../support/fault_proxy.ts";
import { describe, drain, failure, NAME, noise } from "./bench.ts";
import { errorText } from "./error_text.ts";
import { hurried } from "./hurry.ts";
import { QuietClock } from "./quiet_clock.ts";
import { type TokenGuard, tokenGuard, type TokenGuardOptions } from "./token_guard.ts";

const CREDENTIALS = {
  kind: "basic",
  username: "canary-user",
  password: "canary-password",
} as const;

interface Bench {
  readonly store: ReturnType<typeof memoryStore>;
  readonly clock: QuietClock;
  readonly guard: TokenGuard;
  readonly proxy: FaultProxy;
  readonly registry: Registry;
  /** What the client has reported, as text. */
  readonly events: string[];
}

interface Options extends Partial<TokenGuardOptions> {
  readonly wire?: readonly WireRule[];
  /** How long the registry takes for a blob, in milliseconds. */
  readonly blobMs?: number;
  /** Stands in for the token server. */
  readonly tokens?: () => Response;
}

async function withTokens(options: Options, work: (bench: Bench) => Promise<void>): Promise<void> {
  const { wire = [], blobMs = 0, tokens, ...guarding } = options;
  const store = memoryStore();
  const clock = new QuietClock(() => proxy);
  const sleep = (ms: number) => clock.sleep(ms);
  const slow = faultyTransport(registryHandler(store), [
    { path: /\/blobs\/sha256/, method: "GET", fault: { kind: "delay", ms: blobMs } },
    { path: /\/blobs\/uploads/, method: "PUT", fault: { kind: "delay", ms: blobMs } },
    { path: /\/blobs\/uploads/, method: "PATCH", fault: { kind: "delay", ms: blobMs } },
  ], { sleep });
  const guard = tokenGuard(slow, { now: () => clock.now(), ...guarding });
  const handle = async (request: Request) =>
    tokens !== undefined && request.url.includes("/token") ? tokens() : await guard.handle(request);
  const proxy = await faultProxy(handle, wire, { sleep });
  const host = `127.0.0.1:${proxy.port}`;
  const events: string[] = [];
  const registry = new Registry(host, {
    transport: hostTransport(),
    credentials: staticCredentials(host, CREDENTIALS),
    clock,
    onEvent: (event) => events.push(JSON.stringify(event)),
  });
  try {
    await work({ store, clock, guard, proxy, registry, events });
  } finally {
    await proxy.close();
  }
  assert.doesNotMatch(events.join("\n"), /canary/, "a secret in an event");
}

const BLOBS = 30;

function served(proxy: FaultProxy, line: RegExp, ...statuses: readonly number[]): number {
  return proxy.exchanges.filter(({ method, path, status = 0 }) =>
    line.test(`${method} ${path}`) && statuses.includes(status)
  ).length;
}

test("F9: a token that expires amid a pull of 30 blobs is renewed once, and nothing is fetched twice", async () => {
  await withTokens({ lifetimeMs: 1000, blobMs: 200 }, async (bench) => {
    const image = await randomImage("tokens", { layers: BLOBS - 1, files: 1 });
    await image.pushTo(bench.store, `${NAME}:1`);
    const target = memoryStore();
    await bench.clock.measure(() =>
      Promise.resolve(copy(bench.registry.repository(NAME), "1", target))
    );
    assert.equal((await target.resolve("1")).digest, image.descriptor.digest);
    assert.ok(bench.guard.expired.size >= 1, "no token has expired");
    assert.equal(bench.guard.given.length, 1 + bench.guard.expired.size);
    assert.equal(served(bench.proxy, /^GET .*\/blobs\//, 200), BLOBS);
  });
});

test("F9: a token that expires amid 30 uploads is renewed once, and nothing is stored twice", async () => {
  await withTokens({ lifetimeMs: 1000, blobMs: 200 }, async (bench) => {
    const image = await randomImage("tokens", { layers: BLOBS - 1, files: 1 });
    const source = memoryStore();
    await image.pushTo(source, "1");
    await bench.clock.measure(() =>
      Promise.resolve(copy(source, "1", bench.registry.repository(NAME)))
    );
    assert.equal((await bench.store.resolve(`${NAME}:1`)).digest, image.descriptor.digest);
    const { given, expired } = bench.guard;
    assert.ok(expired.size >= 1, "no token has expired");
    // The first look is with a token for pull, so there are tokens for two purposes.
    const first = new Set(given.map((scopes) => scopes.join(" "))).size;
    assert.ok(
      given.length <= first + expired.size,
      `${given.length} tokens, ${expired.size} expired`,
    );
    assert.equal(served(bench.proxy, /^PUT .*\/blobs\//, 201), BLOBS);
  });
});

test("F9: a token that expires amid an upload in chunks is renewed once, and no chunk is lost", async () => {
  await withTokens({ lifetimeMs: 1000, blobMs: 200 }, async (bench) => {
    const content = noise(3_000_000);
    const upload = { chunkBytes: 200_000 };
    const source = () => new Response(content).body as ByteStream;
    await bench.clock.measure(() =>
      bench.registry.repository(NAME).push(describe(content), source, { upload })
    );
    assert.ok(await bench.store.exists(describe(content)));
    const { given, expired } = bench.guard;
    assert.ok(expired.size >= 2, `${expired.size} tokens have expired`);
    assert.equal(given.length, 1 + expired.size);
    assert.equal(served(bench.proxy, /^PATCH /, 202), 15);
    assert.ok(served(bench.proxy, /^PATCH /, 401) <= expired.size);
    assert.equal(served(bench.proxy, /^POST /, 202), 1);
  });
});

test("F10: a registry that finds the scope insufficient costs one more token, with both scopes", async () => {
  const more = `repository:${NAME}/quota:pull`;
  const demands = ({ method }: Request) => method === "POST" ? [more] : [];
  await withTokens({ demands }, async (bench) => {
    const repository = bench.registry.repository(NAME);
    const first = noise(1000);
    await bench.clock.measure(() => repository.push(describe(first), first));
    const { given } = bench.guard;
    const last = given.at(-1) ?? [];
    assert.ok(last.includes(more), JSON.stringify(given));
    assert.ok(last.some((scope) => /acme\/app:pull,push$/.test(scope)), JSON.stringify(given));
    assert.ok(given.length <= 2, `${given.length} tokens`);
    const second = noise(1000, 2);
    await bench.clock.measure(() => repository.push(describe(second), second));
    assert.ok(given.length <= 2, "what the registry wants is not remembered");
  });
});

test("F10: a mount asks for both repositories in one token", async () => {
  const demands = ({ url }: Request) => url.includes("mount=") ? ["repository:acme/base:pull"] : [];
  await withTokens({ demands }, async (bench) => {
    const content = noise(1000);
    const blob = describe(content);
    await bench.clock.measure(() => bench.registry.repository("acme/base").push(blob, content));
    const before = bench.guard.given.length;
    const { result } = await bench.clock.measure(() =>
      bench.registry.repository(NAME).mount(blob, "acme/base")
    );
    assert.equal(result, true);
    assert.equal(bench.guard.given.length, before + 1);
    assert.equal(bench.guard.given.at(-1)?.length, 2);
  });
});

test("F11: a token server that fails ends the call with an error that names it, behind few requests", async () => {
  const rows: readonly (readonly [string, Options])[] = [
    ["reset", { wire: [{ on: /\/token/, fault: { kind: "refuse" } }] }],
    ["cut", { wire: [{ on: /\/token/, fault: { kind: "cut", after: 5 } }] }],
    ["500", { tokens: () => new Response("canary-user", { status: 500 }) }],
    ["HTML", { tokens: () => new Response("<html>canary-password") }],
    ["null", { tokens: () => Response.json(null) }],
    ["no token", { tokens: () => Response.json({ canary: "canary-token" }) }],
  ];
  for (const [name, options] of rows) {
    await withTokens(options, async (bench) => {
      const { result } = await bench.clock.measure(() =>
        failure(bench.registry.repository(NAME).manifest("1"))
      );
      assert.ok(isLadingError(result), `${name}: ${String(result)}`);
      const isOfAuth = result instanceof AuthenticationError || result instanceof RegistryError;
      assert.ok(isOfAuth, `${name}: ${errorText(result)}`);
      assert.match((result as Error).message, /get a token for .* from 127\.0\.0\.1/, name);
      const asked = bench.proxy.exchanges.filter(({ path }) => path.startsWith("/token")).length;
      assert.ok(asked <= 6 * 2, `${name}: ${asked} requests for tokens`);
    });
  }
});

test("F11: of a token reply of 10 MiB no more than 64 KiB are read", async () => {
  let sent = 0;
  const endless = () =>
    new Response(
      new ReadableStream<Uint8Array<ArrayBuffer>>({
        pull(controller) {
          sent += 16_384;
          if (sent > 10 * 1024 * 1024) return controller.close();
          controller.enqueue(new Uint8Array(16_384).fill(32));
        },
      }, { highWaterMark: 0 }),
    );
  await withTokens({ tokens: endless }, async (bench) => {
    const { result } = await bench.clock.measure(() =>
      failure(bench.registry.repository(NAME).manifest("1"))
    );
    assert.ok(isLadingError(result), String(result));
    // What the sockets of both sides hold comes on top of what is read.
    assert.ok(sent < 8 * 1024 * 1024, `${sent} bytes were sent`);
  });
});

test("F11: a token server that does not answer is given up after 15 seconds", async () => {
  await withTokens({ wire: [{ on: /\/token/, fault: { kind: "stall" } }] }, async (bench) => {
    const { ms, result } = await hurried(() =>
      failure(bench.registry.repository(NAME).manifest("1"))
    );
    assert.ok(isLadingError(result), String(result));
    assert.match((result as Error).message, /no answer within 15 seconds/);
    // The clock runs fast, and with it the time that a busy machine takes.
    assert.ok(ms >= 14_000 && ms <= 120_000, `${ms} ms`);
  });
});

test("F33: odd lifetimes of tokens end in no circle: at most two token requests", async () => {
  const rows = [
    {},
    { expires_in: 0 },
    { expires_in: -5 },
    { expires_in: null },
    { expires_in: "soon" },
    { expires_in: 1e300 },
    { expires_in: 60, issued_at: "2999-01-01T00:00:00Z" },
    { expires_in: 60, issued_at: "yesterday" },
  ];
  for (const said of rows) {
    await withTokens({ said }, async (bench) => {
      const content = noise(1000);
      await (await randomImage("tokens")).pushTo(bench.store, `${NAME}:1`);
      await bench.store.push(describe(content), content);
      const repository = bench.registry.repository(NAME);
      for (let i = 0; i < 5; i++) {
        await bench.clock.measure(() => repository.manifest("1"));
      }
      assert.ok(
        bench.guard.given.length <= 2,
        `${JSON.stringify(said)}: ${bench.guard.given.length}`,
      );
    });
  }
  await withTokens({ lifetimeMs: 0 }, async (bench) => {
    const { result } = await bench.clock.measure(() =>
      failure(bench.registry.repository(NAME).fetch(describe(noise(10))).then(drain))
    );
    assert.ok(result instanceof AuthenticationError, String(result));
    assert.ok(bench.guard.given.length <= 2, `${bench.guard.given.length} tokens`);
  });
});
