import { test } from "node:test";
import assert from "node:assert/strict";
import type { Transport } from "../../lib/model/transport.ts";
import {
  AuthenticationError,
  AuthorizationError,
  RateLimitError,
  RegistryError,
} from "../../lib/model/errors.ts";
import {
  createAuthenticator,
  fetchToken,
  staticCredentials,
  type Token,
  TokenCache,
  type TokenRequest,
} from "../../lib/auth/mod.ts";
import { bearer, get, type Script, scripted, unauthorized } from "./scripted.ts";

const ANONYMOUS = { kind: "anonymous" } as const;
const BASIC = { kind: "basic", username: "us er", password: "p:\u00e4ss" } as const;
const IDENTITY = { kind: "identity-token", token: "refresh/1+" } as const;

function ask(transport: Transport, more: Partial<TokenRequest> = {}): Promise<Token> {
  return fetchToken(transport, {
    realm: new URL("https://auth.example/token"),
    service: "r.example",
    scopes: ["repository:app:pull"],
    credentials: ANONYMOUS,
    registry: "r.example",
    policy: { origin: "https://r.example" },
    ...more,
  });
}

const server = (script: Script) => scripted({ "auth.example": script });

test("fetchToken() asks by GET, anonymously with nothing but what it wants", async () => {
  const transport = server(() => Response.json({ token: "t" }));
  assert.deepEqual(await ask(transport), { value: "t", expiresIn: 60 });
  const [request] = transport.seen;
  assert.equal(
    request?.url,
    "https://auth.example/token?service=r.example&scope=repository%3Aapp%3Apull",
  );
  assert.equal(request?.method, "GET");
  assert.equal(request?.authorization, null);
});

test("fetchToken() keeps the realm's own query and repeats the scope parameter", async () => {
  const transport = server(() => Response.json({ token: "t" }));
  await ask(transport, {
    realm: new URL("https://auth.example/token?a=b&service=own"),
    service: undefined,
    scopes: ["repository:b:pull", "repository:a:push", "repository:a:pull"],
    clientID: "tests & co",
  });
  const { searchParams } = new URL(transport.seen[0]?.url ?? "");
  assert.equal(searchParams.get("a"), "b");
  assert.deepEqual(searchParams.getAll("service"), ["own"]);
  assert.deepEqual(searchParams.getAll("scope"), ["repository:b:pull", "repository:a:pull,push"]);
  assert.equal(searchParams.get("client_id"), "tests & co");
});

test("fetchToken() sends a password as Basic in UTF-8", async () => {
  const transport = server(() => Response.json({ token: "t" }));
  await ask(transport, { credentials: BASIC });
  const [request] = transport.seen;
  assert.equal(request?.authorization, "Basic dXMgZXI6cDrDpHNz");
  assert.equal(new URL(request?.url ?? "").searchParams.get("account"), "us er");
});

test("fetchToken() exchanges an identity token by POST", async () => {
  const transport = server(() => Response.json({ access_token: "t", refresh_token: "refresh/2" }));
  const token = await ask(transport, {
    credentials: IDENTITY,
    scopes: ["repository:a:pull", "repository:b:push,pull"],
  });
  assert.equal(token.refreshToken, "refresh/2");
  const [request] = transport.seen;
  assert.equal(request?.method, "POST");
  assert.equal(request?.authorization, null);
  assert.equal(request?.url, "https://auth.example/token");
  assert.deepEqual(Object.fromEntries(new URLSearchParams(request?.body)), {
    client_id: "lading",
    grant_type: "refresh_token",
    refresh_token: "refresh/1+",
    scope: "repository:a:pull repository:b:pull,push",
    service: "r.example",
  });
});

test("fetchToken() sends a password by POST where GET is unknown", async () => {
  const transport = server((request) =>
    request.method === "GET" ? new Response("", { status: 404 }) : Response.json({ token: "t" })
  );
  assert.equal((await ask(transport, { credentials: BASIC })).value, "t");
  const form = new URLSearchParams(transport.seen[1]?.body);
  assert.equal(form.get("grant_type"), "password");
  assert.equal(form.get("username"), "us er");
  assert.equal(form.get("password"), "p:\u00e4ss");
});

test("fetchToken() reads lifetimes of every kind and takes none below a minute", async () => {
  const rows: readonly (readonly [given: unknown, seconds: number])[] = [
    ...[[300, 300], ["300", 300], [3599.5, 3599.5], [59, 60], [0, 60], [-5, 60]] as const,
    ...[[null, 60], [undefined, 60], ["soon", 60], ["", 60], [[], 60], ["Infinity", 60]] as const,
  ];
  for (const [expires_in, seconds] of rows) {
    const reply = { token: "t", expires_in, issued_at: "1999-01-01T00:00:00Z" };
    const token = await ask(server(() => Response.json(reply)));
    assert.equal(token.expiresIn, seconds, JSON.stringify(expires_in));
  }
});

test("fetchToken() takes token and access_token, and looks into neither", async () => {
  const value = async (reply: unknown) => (await ask(server(() => Response.json(reply)))).value;
  assert.equal(await value({ token: "djE6b3BhcXVl" }), "djE6b3BhcXVl");
  assert.equal(await value({ access_token: "a" }), "a");
  assert.equal(await value({ token: "", access_token: "a" }), "a");
  assert.equal(await value({ token: "same", access_token: "same" }), "same");
});

test("fetchToken() refuses replies without a usable token", async () => {
  const replies: readonly (BodyInit | null)[] = [
    ...["", "null", "[]", "{}", '"t"', "<html>", '{"token":1}', '{"token":null}'],
    ...['{"token":"line\\nbreak"}', '{"token":"two words"}', '{"token":"\u00e4"}'],
    null,
  ];
  for (const reply of replies) {
    await assert.rejects(
      ask(server(() => new Response(reply))),
      (error: unknown) =>
        error instanceof AuthenticationError && /r\.example from auth\.example/.test(error.message),
      String(reply),
    );
  }
});

test("fetchToken() reads a reply of 64 KiB and refuses one more byte", async () => {
  const limit = 64 * 1024;
  const frame = JSON.stringify({ token: "t", padding: "" }).length;
  const reply = (size: number) => JSON.stringify({ token: "t", padding: "x".repeat(size - frame) });
  assert.equal((await ask(server(() => new Response(reply(limit))))).value, "t");
  for (const size of [limit + 1, 10 * limit]) {
    await assert.rejects(ask(server(() => new Response(reply(size)))), AuthenticationError);
  }
});

test("fetchToken() stops reading an endless reply", async () => {
  let pulled = 0;
  let isCancelled = false;
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      pulled += 4096;
      controller.enqueue(new Uint8Array(4096).fill(32));
    },
    cancel: () => {
      isCancelled = true;
    },
  }, { highWaterMark: 0 });
  await assert.rejects(ask(server(() => new Response(body))), AuthenticationError);
  assert.ok(pulled <= 128 * 1024, `${pulled} bytes were read`);
  assert.ok(isCancelled);
});

test("fetchToken() tells refusals apart by their status", async () => {
  const failing = async (status: number, more: Partial<TokenRequest> = {}, body = "{}") => {
    const headers = { "retry-after": "7" };
    const transport = server(() => new Response(body, { status, headers }));
    try {
      await ask(transport, more);
    } catch (error) {
      assert.ok(error instanceof RegistryError);
      assert.equal(error.status, status);
      assert.equal(error.url, "https://auth.example/token");
      return error;
    }
    return assert.fail(`${status} was taken for a token`);
  };
  assert.ok(await failing(401) instanceof AuthenticationError);
  assert.ok(await failing(401, { credentials: BASIC }) instanceof AuthenticationError);
  assert.ok(await failing(403) instanceof AuthenticationError);
  assert.ok(await failing(403, { credentials: BASIC }) instanceof AuthorizationError);
  const grant = '{"error":"invalid_grant","error_description":"expired"}';
  const expired = await failing(400, { credentials: IDENTITY }, grant);
  assert.ok(expired instanceof AuthenticationError);
  assert.match(expired.message, /invalid_grant \(expired\)/);
  const limited = await failing(429);
  assert.ok(limited instanceof RateLimitError);
  assert.equal(limited.retryAfter, 7000);
  const broken = await failing(503);
  assert.equal(broken.code, "REGISTRY_ERROR");
  assert.equal(broken.retryAfter, 7000);
});

test("fetchToken() reports what the token server says", async () => {
  const body = '{"errors":[{"code":"UNAUTHORIZED","message":"no\\nsuch user","detail":{"a":1}}]}';
  await assert.rejects(
    ask(server(() => new Response(body, { status: 401 }))),
    (error: unknown) => {
      assert.ok(error instanceof AuthenticationError);
      assert.match(error.message, /answered 401 UNAUTHORIZED \(no such user\)/);
      assert.deepEqual(error.diagnostics, [
        { code: "UNAUTHORIZED", message: "no such user", detail: { a: 1 } },
      ]);
      return true;
    },
  );
});

test("fetchToken() follows a redirect within the origin, with Basic", async () => {
  const transport = server((request) =>
    request.url.includes("/token?")
      ? new Response("", { status: 307, headers: { location: "/v2/elsewhere?x=1" } })
      : Response.json({ token: "t" })
  );
  assert.equal((await ask(transport, { credentials: BASIC })).value, "t");
  assert.equal(transport.seen[1]?.url, "https://auth.example/v2/elsewhere?x=1");
  assert.equal(transport.seen[1]?.authorization, transport.seen[0]?.authorization);
});

test("fetchToken() sends its form on where a redirect keeps it, and nowhere else", async () => {
  for (const status of [301, 302, 303, 307, 308]) {
    const transport = server((_, { url }) =>
      url.endsWith("/moved")
        ? Response.json({ token: "t" })
        : new Response("", { status, headers: { location: "/moved" } })
    );
    const asked = ask(transport, { credentials: IDENTITY });
    if (status < 307) {
      await assert.rejects(asked, AuthenticationError, String(status));
      assert.equal(transport.seen.length, 1);
    } else {
      assert.equal((await asked).value, "t");
      assert.equal(transport.seen[1]?.body, transport.seen[0]?.body);
    }
  }
});

test("fetchToken() tries a password another way only where the first is unknown", async () => {
  for (const status of [400, 403, 500]) {
    const transport = server(() => new Response("{}", { status }));
    await assert.rejects(ask(transport, { credentials: BASIC, oauth2: true }), RegistryError);
    assert.deepEqual(transport.seen.map(({ method }) => method), ["POST"], String(status));
  }
});

test("fetchToken() takes a refused grant, and no other bad request, for wrong credentials", async () => {
  const answer = (status: number, error: string) =>
    ask(server(() => Response.json({ error }, { status })), { credentials: IDENTITY })
      .then(() => undefined, (error: unknown) => error);
  assert.ok(await answer(400, "invalid_grant") instanceof AuthenticationError);
  assert.ok(!(await answer(400, "invalid_scope") instanceof AuthenticationError));
  assert.ok(!(await answer(500, "invalid_grant") instanceof AuthenticationError));
});

test("fetchToken() carries no credentials to another origin", async () => {
  const away = () =>
    new Response("", { status: 307, headers: { location: "https://evil.example/token" } });
  const hosts = { "auth.example": away, "evil.example": () => Response.json({ token: "t" }) };
  for (const credentials of [BASIC, IDENTITY]) {
    const transport = scripted(hosts);
    await assert.rejects(ask(transport, { credentials }), AuthenticationError);
    assert.equal(transport.at("https://evil.example").length, 0);
  }
  const transport = scripted(hosts);
  assert.equal((await ask(transport)).value, "t");
  assert.equal(transport.at("https://evil.example")[0]?.authorization, null);
});

test("fetchToken() follows no redirect inside, to http, to nowhere or without end", async () => {
  const locations = [
    ...["https://169.254.169.254/", "http://auth.example/token", "https://u:p@auth.example/"],
    ...["https://", "/token"],
  ];
  for (const location of locations) {
    const transport = server(() => new Response("", { status: 302, headers: { location } }));
    await assert.rejects(ask(transport), AuthenticationError, location);
    assert.ok(transport.seen.length <= 11, `${location}: ${transport.seen.length} requests`);
    assert.equal(transport.at("https://auth.example").length, transport.seen.length, location);
  }
});

test("fetchToken() reports a token server that does not answer", async () => {
  await assert.rejects(
    ask(scripted({})),
    (error: unknown) =>
      error instanceof RegistryError && error.status === 0 &&
      /Cannot get a token for r\.example from auth\.example: no answer/.test(error.message),
  );
});

test("fetchToken() waits no longer than it may", async () => {
  const transport: Transport = (request) =>
    new Promise((_, reject) => {
      request.signal.addEventListener("abort", () => reject(request.signal.reason));
    });
  await assert.rejects(
    ask(transport, { timeoutMs: 20 }),
    (error: unknown) =>
      error instanceof RegistryError && /no answer within 0\.02 seconds/.test(error.message),
  );
});

test("fetchToken() ends with the caller's reason", async () => {
  const controller = new AbortController();
  const transport: Transport = (request) =>
    new Promise((_, reject) => {
      request.signal.addEventListener("abort", () => reject(request.signal.reason));
      controller.abort(reason);
    });
  const reason = new Error("enough");
  await assert.rejects(
    ask(transport, { signal: controller.signal }),
    (error: unknown) => error === reason,
  );
  await assert.rejects(
    ask(scripted({}), { signal: AbortSignal.abort(reason) }),
    (error: unknown) => error === reason,
  );
});

const KEY = {
  registry: "https://r.example",
  realm: "https://auth.example/token",
  service: "r.example",
  identity: "",
  scopes: ["repository:app:pull"],
};
const token = (value: string, expiresIn = 300): Token => ({ value, expiresIn });

test("TokenCache renews a token shortly before its end", async () => {
  let now = 1_000_000;
  const cache = new TokenCache({ now: () => now });
  await cache.obtain(KEY, () => Promise.resolve(token("a", 300)));
  now += 294_999;
  assert.equal(cache.get(KEY)?.value, "a");
  now += 1;
  assert.equal(cache.get(KEY), undefined, "5 seconds before the end");
  await cache.obtain(KEY, () => Promise.resolve(token("b", 60)));
  now += 54_999;
  assert.equal(cache.get(KEY)?.value, "b");
  now += 1;
  assert.equal(cache.get(KEY), undefined);
});

test("TokenCache gives a token to nobody but its registry, realm, service and identity", async () => {
  const cache = new TokenCache();
  await cache.obtain(KEY, () => Promise.resolve(token("a")));
  assert.equal(cache.get({ ...KEY })?.value, "a");
  for (const field of ["registry", "realm", "service", "identity"]) {
    assert.equal(cache.get({ ...KEY, [field]: "other" }), undefined, field);
  }
});

test("TokenCache lets a token for more serve for less", async () => {
  const cache = new TokenCache();
  const more = { ...KEY, scopes: ["repository:app:push,pull", "repository:base:pull"] };
  await cache.obtain(more, () => Promise.resolve(token("more")));
  assert.equal(cache.get(KEY)?.value, "more");
  assert.equal(cache.get({ ...KEY, scopes: ["repository:app:delete"] }), undefined);
  assert.equal(cache.get({ ...KEY, scopes: ["repository:other:pull"] }), undefined);
});

test("TokenCache shares one exchange between equal requests at the same time", async () => {
  const cache = new TokenCache();
  let count = 0;
  const fetchNew = async () => {
    await Promise.resolve();
    return token(`t${++count}`);
  };
  const values = await Promise.all(
    Array.from({ length: 20 }, () => cache.obtain(KEY, fetchNew)),
  );
  assert.deepEqual([...new Set(values.map(({ value }) => value))], ["t1"]);
});

test("TokenCache keeps no failure", async () => {
  const cache = new TokenCache();
  const failure = new Error("down");
  const failing = cache.obtain(KEY, () => Promise.reject(failure));
  await assert.rejects(failing, (error: unknown) => error === failure);
  assert.equal((await cache.obtain(KEY, () => Promise.resolve(token("a")))).value, "a");
});

test("TokenCache forgets a refused token, but not the one that took its place", async () => {
  const cache = new TokenCache();
  const old = await cache.obtain(KEY, () => Promise.resolve(token("old")));
  cache.drop(KEY, old);
  assert.equal(cache.get(KEY), undefined);
  await cache.obtain(KEY, () => Promise.resolve(token("new")));
  cache.drop(KEY, old);
  assert.equal(cache.get(KEY)?.value, "new");
  cache.clear();
  assert.equal(cache.size, 0);
});

test("TokenCache forgets a refused token for more when it was used for less", async () => {
  const cache = new TokenCache();
  const more = { ...KEY, scopes: ["repository:app:*"] };
  const held = await cache.obtain(more, () => Promise.resolve(token("more")));
  cache.drop(KEY, held);
  assert.equal(cache.get(KEY), undefined);
  assert.equal(cache.get(more), undefined);
});

test("TokenCache holds no more tokens than it may", async () => {
  const cache = new TokenCache({ maxTokens: 3 });
  for (let i = 0; i < 30; i++) {
    const key = { ...KEY, scopes: [`repository:r${i}:pull`] };
    await cache.obtain(key, () => Promise.resolve(token(String(i))));
  }
  assert.equal(cache.size, 3);
  assert.equal(cache.get({ ...KEY, scopes: ["repository:r29:pull"] })?.value, "29");
});

test("TokenCache forgets the token that was renewed longest ago", () => {
  const cache = new TokenCache({ maxTokens: 2 });
  const keyOf = (name: string) => ({ ...KEY, scopes: [`repository:${name}:pull`] });
  for (const name of ["a", "b", "a", "c"]) cache.keep(keyOf(name), token(name));
  assert.deepEqual(["a", "b", "c"].filter((name) => cache.get(keyOf(name))), ["a", "c"]);
});

test("TokenCache lets token servers be asked for identity tokens, and is told them", async () => {
  const told: string[] = [];
  for (const oauth2 of [false, true]) {
    const transport = scripted({
      "auth.example": (_, { method, url, body }) => {
        const form = method === "POST" ? new URLSearchParams(body) : new URL(url).searchParams;
        const isWanted = form.get(method === "POST" ? "access_type" : "offline_token");
        assert.equal(isWanted, method === "POST" ? "offline" : "true");
        assert.equal(form.get("client_id"), "lading");
        return Response.json({ token: "t", refresh_token: `refresh by ${method}` });
      },
      "r.example": (_, { authorization }) =>
        authorization === "Bearer t" ? new Response() : unauthorized(bearer()),
    });
    const authenticator = createAuthenticator({
      transport,
      oauth2,
      origin: "https://r.example",
      registry: "r.example",
      credentials: staticCredentials("r.example", { kind: "basic", username: "u", password: "p" }),
      tokens: new TokenCache({ onIdentityToken: (token) => told.push(token) }),
    });
    await authenticator.send(get("/v2/"));
  }
  assert.deepEqual(told, ["refresh by GET", "refresh by POST"]);
});

test("fetchToken() asks for no identity token by itself", async () => {
  const transport = server(() => Response.json({ token: "t" }));
  await ask(transport, { credentials: BASIC });
  assert.doesNotMatch(transport.seen[0]?.url ?? "", /offline|client_id/);
});
