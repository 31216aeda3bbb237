import { test } from "node:test";
import assert from "node:assert/strict";
import {
  AuthenticationError,
  AuthorizationError,
  isLadingError,
  NotFoundError,
  RegistryError,
} from "../../lib/model/errors.ts";
import { parseFailure } from "../../lib/registry/errors.ts";
import { staticCredentials } from "../../lib/registry/mod.ts";
import {
  bench,
  collect,
  CONFIG,
  errorResponse,
  failure,
  HOST,
  MANIFEST,
  redirect,
  type Script,
} from "./scripted.ts";

test("error bodies of all shapes are read", () => {
  const rows: readonly (readonly [body: string, codes: string[], text: string])[] = [
    ['{"errors":[{"code":"DENIED","message":"no"},{"code":"UNSUPPORTED"}]}', [
      "DENIED",
      "UNSUPPORTED",
    ], ""],
    ['{"errors":[]}', [], ""],
    ['{"errors":[null,5,"text",{"message":"m"}]}', ["UNKNOWN", "UNKNOWN"], ""],
    ['{"error":{"code":"A","message":"b"}}', ["A"], ""],
    ['{"error":"plain"}', ["UNKNOWN"], ""],
    ['{"message":"hello"}', [], "hello"],
    ['{"details":"incorrect username or password"}', [], "incorrect username or password"],
    ["<html><script>x</script><body><h1>Bad  gateway</h1></body></html>", [], "Bad  gateway"],
    ["404 page not found\n", [], "404 page not found"],
    ["", [], ""],
    ["[]", [], ""],
    ["null", [], ""],
    ['{"errors":{"code":"A"}}', [], ""],
    ['{"__proto__":{"errors":[{"code":"A"}]}}', [], ""],
  ];
  for (const [body, codes, text] of rows) {
    const found = parseFailure(body);
    assert.deepEqual(found.diagnostics.map(({ code }) => code), codes, body);
    assert.equal(found.text, text, body);
  }
});

test("what a registry writes cannot act on a terminal, and is cut", () => {
  const { text } = parseFailure(`\x1b[31mred\r\n\u2028${"x".repeat(5000)}`);
  for (const char of ["\x1b", "\r", "\n", "\u2028"]) assert.equal(text.includes(char), false);
  assert.ok(text.length <= 520);
  const many = JSON.stringify({ errors: Array.from({ length: 1000 }, () => ({ code: "A" })) });
  assert.ok(parseFailure(many).diagnostics.length <= 32);
});

test("statuses become classes", async () => {
  const rows: readonly (readonly [number, string, new (...args: never[]) => Error])[] = [
    [403, "DENIED", AuthorizationError],
    [404, "MANIFEST_UNKNOWN", NotFoundError],
    [400, "NAME_INVALID", RegistryError],
    [405, "UNSUPPORTED", RegistryError],
  ];
  for (const [status, code, type] of rows) {
    const b = bench(() => errorResponse(status, code));
    const error = await failure(b.clock.run(b.repository.manifest("v1")));
    assert.ok(error instanceof type, `${status}: ${String(error)}`);
    assert.match(error.message, new RegExp(`answered ${status} ${code}`));
  }
  const b = bench(() => errorResponse(401, "UNAUTHORIZED", { "www-authenticate": "Basic" }));
  const error = await failure(b.clock.run(b.repository.manifest("v1")));
  assert.ok(error instanceof AuthenticationError);
});

test("UNKNOWN with the words not found is a missing manifest (Harbor 2.10)", async () => {
  const b = bench(() => errorResponse(500, "UNKNOWN", {}, "artifact not found"));
  const error = await failure(b.clock.run(b.repository.manifest("v1")));
  assert.ok(error instanceof NotFoundError);
});

test("no more than 64 KiB of an error body are read, and not for ever", async () => {
  let pulled = 0;
  let isCancelled = false;
  const endless = () =>
    new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled += 8192;
        controller.enqueue(new Uint8Array(8192).fill(97));
      },
      cancel: () => void (isCancelled = true),
    }, { highWaterMark: 0 });
  const b = bench(() => new Response(endless(), { status: 400 }));
  const error = await failure(b.clock.run(b.repository.manifest("v1")));
  assert.ok(error instanceof RegistryError);
  assert.ok(error.message.length < 1000);
  assert.ok(pulled <= 80 * 1024, `${pulled}`);
  assert.equal(isCancelled, true);

  const slow = bench(() => new Response(new ReadableStream({}), { status: 400 }));
  const { ms, result } = await slow.clock.measure(() => failure(slow.repository.manifest("v1")));
  assert.ok(result instanceof RegistryError);
  assert.equal(ms, 10_000);
});

const CANARIES = [
  "canary-password",
  "canary-bearer",
  "canary-signature",
  "canary-user",
  "canary-state",
];
const CANARY_BASIC = btoa("canary-user:canary-password");

/** Everything somebody could print of an error. */
function shown(value: unknown, depth = 0): string {
  if (depth > 6 || typeof value !== "object" || value === null) return String(value);
  const own = Object.getOwnPropertyNames(value).map((key) =>
    `${key}=${shown((value as Record<string, unknown>)[key], depth + 1)}`
  );
  return `${Object.prototype.toString.call(value)} ${own.join(" ")}`;
}

test("C8 and lesson 81: no error and no event holds a secret", async () => {
  const signed = "https://s3.test/blob?X-Amz-Signature=canary-signature&_state=canary-state";
  const echo = (request: Request) =>
    `denied for ${
      request.headers.get("authorization")
    } at ${request.url} and ${signed} Bearer canary-bearer`;
  const signIn: Script = (request) =>
    request.headers.has("authorization") || new URL(request.url).host !== HOST
      ? undefined
      : errorResponse(401, "UNAUTHORIZED", { "www-authenticate": 'Basic realm="x"' });
  const scripts: readonly Script[] = [
    (request) => errorResponse(403, "DENIED", {}, echo(request)),
    (request) => errorResponse(400, "UNSUPPORTED", {}, echo(request)),
    (request) => new Response(echo(request), { status: 500 }),
    (request) =>
      Response.json({ errors: [{ code: "X", message: "m", detail: { at: echo(request) } }] }, {
        status: 400,
      }),
    (request) =>
      errorResponse(
        401,
        "UNAUTHORIZED",
        { "www-authenticate": 'Basic realm="x"' },
        `denied for ${request.headers.get("authorization")}`,
      ),
    () => redirect("http://canary-user:canary-password@s3.test/"),
    (request) => {
      if (new URL(request.url).host === HOST) return redirect(signed);
      throw Object.assign(new TypeError(`error sending request for url (${request.url})`), {
        path: request.url,
        cause: new Error(`connect to ${request.url} failed`),
      });
    },
    (request) =>
      new URL(request.url).host === HOST ? redirect(signed) : new Response("no", { status: 400 }),
    () =>
      new Response(null, {
        status: 202,
        headers: { location: `http://127.0.0.1/?_state=canary-state` },
      }),
    () => new Response(null, { status: 202, headers: { location: "/u?_state=canary-state" } }),
    (request) =>
      new Response(`<html>${echo(request)}`, { headers: { "content-type": "text/html" } }),
  ];
  let operations = 0;
  for (const script of scripts) {
    const b = bench(
      (request, seen, count) => signIn(request, seen, count) ?? script(request, seen, count),
      {
        credentials: staticCredentials(HOST, {
          kind: "basic",
          username: "canary-user",
          password: "canary-password",
        }),
      },
    );
    const calls: (() => Promise<unknown>)[] = [
      () => b.repository.manifest("v1"),
      () => b.repository.fetch(CONFIG.descriptor),
      () => b.repository.push(CONFIG.descriptor, CONFIG.raw),
      () => b.repository.push(MANIFEST.descriptor, MANIFEST.raw),
      () => collect(b.repository.tags()),
      () => b.registry.authenticate(),
    ];
    for (const call of calls) {
      const error = await b.clock.run(call().then(() => undefined, (error: unknown) => error));
      if (error === undefined) continue;
      operations++;
      assert.ok(isLadingError(error), String(error));
      const text = shown(error) + JSON.stringify(error) + JSON.stringify(b.events);
      for (const canary of [...CANARIES, CANARY_BASIC]) {
        assert.equal(text.includes(canary), false, `${canary} in ${text}`);
      }
    }
  }
  assert.ok(operations >= 40, `${operations} operations failed`);
});

test("ping() finds a registry with and without credentials, and nothing else", async () => {
  const good: Script[] = [
    () => new Response("{}"),
    () =>
      errorResponse(401, "UNAUTHORIZED", { "www-authenticate": 'Bearer realm="https://a.test"' }),
  ];
  for (const script of good) {
    const b = bench(script);
    await b.clock.run(b.registry.ping());
    assert.deepEqual(b.transport.seen.map(({ url }) => url), [`https://${HOST}/v2/`]);
    assert.equal(b.transport.seen[0]?.headers.get("authorization"), null);
  }
  const bad: Script[] = [
    () => new Response("not here", { status: 404 }),
    () => new Response(null, { status: 401 }),
    () => redirect("https://www.example/"),
  ];
  for (const script of bad) {
    const b = bench((request, seen, count) =>
      new URL(request.url).host === HOST ? script(request, seen, count) : new Response("hello")
    );
    assert.ok(isLadingError(await failure(b.clock.run(b.registry.ping()))));
  }
});

test("authenticate() tells whether credentials are good", async () => {
  const script: Script = (request) =>
    request.headers.get("authorization") === `Basic ${btoa("me:right")}`
      ? new Response("{}")
      : errorResponse(401, "UNAUTHORIZED", { "www-authenticate": 'Basic realm="x"' });
  const run = (password: string) => {
    const credentials = staticCredentials(HOST, { kind: "basic", username: "me", password });
    const b = bench(script, { credentials });
    return b.clock.run(b.registry.authenticate());
  };
  await run("right");
  assert.ok(await failure(run("wrong")) instanceof AuthenticationError);
});
