/** What is sent again, with what, and what is left alone. */
import { test } from "node:test";
import assert from "node:assert/strict";
import { AuthenticationError } from "../../lib/model/errors.ts";
import {
  type Credentials,
  fetchToken,
  googleMetadataToken,
  staticCredentials,
  TokenCache,
} from "../../lib/auth/mod.ts";
import {
  askedScopes,
  authenticator,
  bearer,
  bearerRegistry,
  get,
  type Script,
  scripted,
  tokenServer,
  unauthorized,
} from "./scripted.ts";

const AUTH = "https://auth.example";
const REGISTRY = "https://r.example";
const METADATA = "metadata.google.internal";
const BASIC: Credentials = { kind: "basic", username: "user", password: "hunter2" };
const PUSH = ["repository:app:pull,push"];

const once = { scopes: PUSH, replayable: false };
const put = () => new Request(`${REGISTRY}/v2/app/blobs/uploads/1`, { method: "PUT" });

test("a body that can be read once asks /v2/ only while nothing is known", async () => {
  const transport = scripted({
    "auth.example": tokenServer(),
    "r.example": bearerRegistry(() => "repository:app:pull,push", () => bearer()),
  });
  const auth = authenticator(transport);
  for (let i = 0; i < 3; i++) assert.equal((await auth.send(put, once)).status, 200);
  const paths = transport.at(REGISTRY).map(({ url }) => new URL(url).pathname);
  assert.deepEqual(paths.filter((path) => path === "/v2/").length, 1);
});

test("a body that can be read once is not sent where no credentials will do", async () => {
  const transport = scripted({ "r.example": () => unauthorized('Negotiate realm="r"') });
  await assert.rejects(
    authenticator(transport).send(put, once),
    (error: unknown) => error instanceof AuthenticationError && /no scheme/.test(error.message),
  );
  assert.deepEqual(transport.seen.map(({ method }) => method), ["GET"]);
});

test("a token that a registry refused with a body that can be read once is not used again", async () => {
  let good = "";
  const tokens = tokenServer();
  const transport = scripted({
    "auth.example": tokens,
    "r.example": (_, { authorization }) =>
      authorization?.startsWith(`Bearer ${good}`) ? new Response() : unauthorized(bearer(PUSH[0])),
  });
  const auth = authenticator(transport);
  assert.equal((await auth.send(get("/v2/app/tags/list"), { scopes: PUSH })).status, 200);
  good = "2:";
  await assert.rejects(auth.send(put, once), AuthenticationError);
  assert.equal((await auth.send(put, once)).status, 200);
});

test("a kept token is sent without asking for credentials again", async () => {
  let asked = 0;
  const credentials = () => {
    asked++;
    return Promise.resolve(BASIC);
  };
  const transport = scripted({
    "auth.example": tokenServer(),
    "r.example": bearerRegistry(() => "repository:app:pull,push"),
  });
  const auth = authenticator(transport, { credentials });
  for (let i = 0; i < 3; i++) await auth.send(get("/v2/app/tags/list"), { scopes: PUSH });
  assert.equal(asked, 1);
});

test("a registry token that is refused is not tried again, and nobody else is asked", async () => {
  const transport = scripted({ "r.example": () => unauthorized(bearer()) });
  const credentials = staticCredentials("r.example", { kind: "registry-token", token: "t" });
  const auth = authenticator(transport, { credentials });
  await assert.rejects(auth.send(get("/v2/app/tags/list")), AuthenticationError);
  assert.deepEqual(
    transport.seen.map(({ authorization }) => authorization),
    [null, "Bearer t"],
  );
});

test("an identity token that took another's place and is refused gives way to the first", async () => {
  const used: (string | null)[] = [];
  let token = 0;
  const transport = scripted({
    "auth.example": (_, { body }) => {
      const refresh = new URLSearchParams(body).get("refresh_token");
      used.push(refresh);
      if (refresh !== "first") return Response.json({ error: "invalid_grant" }, { status: 400 });
      return Response.json({ token: `t${++token}`, refresh_token: "second" });
    },
    "r.example": (_, { authorization }) =>
      authorization === `Bearer t${token}` ? new Response() : unauthorized(bearer()),
  });
  const credentials = staticCredentials("r.example", { kind: "identity-token", token: "first" });
  const auth = authenticator(transport, { credentials });
  const send = async () => (await auth.send(get("/v2/app/tags/list"))).status;
  assert.equal(await send(), 200);
  token = 7;
  await assert.rejects(send(), AuthenticationError);
  assert.equal(await send(), 200);
  assert.deepEqual(used, ["first", "second", "first"]);
});

test("a challenge without a token server leaves Basic", async () => {
  const transport = scripted({
    "r.example": (_, { authorization }) =>
      authorization?.startsWith("Basic ")
        ? new Response()
        : unauthorized('Bearer service="r.example", Basic realm="r"'),
  });
  const auth = authenticator(transport, { credentials: staticCredentials("r.example", BASIC) });
  assert.equal((await auth.send(get("/v2/app/tags/list"))).status, 200);
});

test("a registry that wants Basic even after a new token gets it", async () => {
  const transport = scripted({
    "auth.example": tokenServer(),
    "r.example": (_, { authorization }) => {
      if (authorization?.startsWith("Basic ")) return new Response();
      return unauthorized(authorization === null ? bearer() : 'Basic realm="r"');
    },
  });
  const auth = authenticator(transport, { credentials: staticCredentials("r.example", BASIC) });
  assert.equal((await auth.send(get("/v2/app/tags/list"))).status, 200);
  assert.equal(transport.at(AUTH).length, 1);
});

test("a registry that wants a password where there is an identity token is told apart", async () => {
  const transport = scripted({ "r.example": () => unauthorized('Basic realm="r"') });
  const credentials = staticCredentials("r.example", { kind: "identity-token", token: "t" });
  await assert.rejects(
    authenticator(transport, { credentials }).send(get("/v2/app/tags/list")),
    (error: unknown) =>
      error instanceof AuthenticationError && /password, and .* identity token/.test(error.message),
  );
});

test("the placeholder scope of a /v2/ that explains a refusal is not asked for", async () => {
  const transport = scripted({
    "auth.example": tokenServer(),
    "r.example": (request, { authorization }) => {
      if (request.url.endsWith("/v2/")) return unauthorized(bearer("repository:user/image:pull"));
      return authorization === null ? unauthorized() : new Response();
    },
  });
  assert.equal((await authenticator(transport).send(get("/v2/_catalog"))).status, 200);
  assert.deepEqual(askedScopes(transport.at(AUTH)[0]), []);
});

test("identity tokens are asked for only with a password, where somebody keeps them", async () => {
  const offline = async (credentials: Credentials, tokens?: TokenCache) => {
    const transport = scripted({
      "auth.example": tokenServer(),
      "r.example": bearerRegistry(() => "repository:app:pull,push"),
    });
    const auth = authenticator(transport, {
      credentials: staticCredentials("r.example", credentials),
      tokens,
    });
    await auth.send(get("/v2/app/tags/list"), { scopes: PUSH });
    const [seen] = transport.at(AUTH);
    return new URL(seen?.url ?? "").searchParams.has("offline_token");
  };
  const keeping = () => new TokenCache({ onIdentityToken: () => {} });
  assert.equal(await offline(BASIC, keeping()), true);
  assert.equal(await offline(BASIC), false);
  assert.equal(await offline({ kind: "anonymous" }, keeping()), false);
});

test("answers that nobody reads give their connections back", async () => {
  const open = new Set<string>();
  const unread = (name: string, status: number, headers: Record<string, string> = {}): Response => {
    open.add(name);
    const body = new ReadableStream({ cancel: () => void open.delete(name) });
    return new Response(body, { status, headers });
  };
  const POST: Script = (request) =>
    request.method === "POST"
      ? Response.json({ token: "t" })
      : request.url.includes("moved")
      ? unread("token server", 404)
      : unread("redirect", 307, { location: `${request.url}&moved` });
  const transport = scripted({
    "auth.example": POST,
    "r.example": (request, { authorization }) => {
      if (authorization !== null) return new Response();
      return request.url.endsWith("/v2/")
        ? unread("ping", 401, { "www-authenticate": bearer() })
        : unread("refusal", 401);
    },
  });
  const auth = authenticator(transport, { credentials: staticCredentials("r.example", BASIC) });
  assert.equal((await auth.send(get("/v2/app/tags/list"))).status, 200);
  assert.deepEqual([...open], []);
});

test("an error shows the challenge as it was, but the query of its realm", async () => {
  const shown = async (challenge: string) => {
    const transport = scripted({ "r.example": () => unauthorized(challenge) });
    const nameOnly: Credentials = { kind: "basic", username: "user", password: "" };
    const credentials = staticCredentials("r.example", nameOnly);
    const sent = authenticator(transport, { credentials }).send(get("/v2/app/tags/list"));
    const error = await sent.then(() => undefined, (error: unknown) => error);
    assert.ok(error instanceof AuthenticationError);
    return error.challenge;
  };
  const shows: readonly (readonly [challenge: string, shown: string])[] = [
    [
      `Bearer realm="https://10.0.0.1/t?sig=secret",service="s"`,
      `Bearer realm="https://10.0.0.1/t",service="s"`,
    ],
    [`Bearer realm="https://10.0.0.1/t?sig='secret'"`, `Bearer realm="https://10.0.0.1/t"`],
    [
      `Bearer realm="https://10.0.0.1/t",scope="repository:app:pull"`,
      `Bearer realm="https://10.0.0.1/t",scope="repository:app:pull"`,
    ],
    [`Bearer realm="http://"`, `Bearer realm="http://"`],
    [`Basic realm="Registry: acme"`, `Basic realm="Registry: acme"`],
  ];
  for (const [challenge, expected] of shows) assert.equal(await shown(challenge), expected);
});

/** Runs something, and counts the timers that it leaves running. */
async function timersLeft(work: () => Promise<unknown>): Promise<number> {
  const { setTimeout, clearTimeout } = globalThis;
  const running = new Set<unknown>();
  const set = (callback: () => void, ms?: number) => {
    const id = setTimeout(() => {
      running.delete(id);
      callback();
    }, ms);
    running.add(id);
    return id;
  };
  const clear = (id?: ReturnType<typeof setTimeout>) => {
    running.delete(id);
    clearTimeout(id);
  };
  Object.assign(globalThis, { setTimeout: set, clearTimeout: clear });
  try {
    await work();
    return running.size;
  } finally {
    Object.assign(globalThis, { setTimeout, clearTimeout });
  }
}

test("an account service that refuses is left without a timer or an open connection", async () => {
  let open = 0;
  const unread = (status: number) => () => {
    open++;
    return new Response(new ReadableStream({ cancel: () => void open-- }), { status });
  };
  const ask = (script: Script) => googleMetadataToken(scripted({ [METADATA]: script }))();
  const isRefusal = (error: unknown) => error instanceof AuthenticationError;
  const denied = () => Response.json({ error: "denied" }, { status: 403 });
  assert.equal(await timersLeft(() => assert.rejects(ask(denied), isRefusal)), 0);
  await assert.rejects(ask(unread(307)), /redirects with 307/);
  assert.equal(open, 0);
});

test("fetchToken() leaves no timer that keeps a program from its end", async () => {
  const fetch = (script: Script) =>
    fetchToken(scripted({ "auth.example": script }), {
      realm: new URL(`${AUTH}/token`),
      scopes: PUSH,
      credentials: { kind: "anonymous" },
      registry: "r.example",
      policy: { origin: REGISTRY },
    });
  const denied = () => Response.json({ errors: [{ code: "DENIED" }] }, { status: 403 });
  assert.equal(await timersLeft(() => fetch(tokenServer())), 0);
  assert.equal(await timersLeft(() => assert.rejects(fetch(denied))), 0);
});
