import { test } from "node:test";
import assert from "node:assert/strict";
import { AuthenticationError } from "../../lib/model/errors.ts";
import {
  createAuthenticator,
  type CredentialProvider,
  type Credentials,
  firstCredentials,
  sameCredentials,
  sendAnonymously,
  staticCredentials,
  TokenCache,
  withAuth,
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
const BASIC: Credentials = { kind: "basic", username: "user", password: "hunter2" };
const BASIC_HEADER = "Basic dXNlcjpodW50ZXIy";
const PULL = ["repository:app:pull"];

/** A provider that counts how often it is asked. */
function counting(credentials: Credentials) {
  const asked: (string | undefined)[] = [];
  const provider: CredentialProvider = async ({ repository }) => {
    asked.push(repository);
    await Promise.resolve();
    return credentials;
  };
  return Object.assign(provider, { asked });
}

const basicRegistry = scriptFor(BASIC_HEADER, 'Basic realm="r"');

function scriptFor(expected: string, challenge: string) {
  return (_: Request, { authorization }: { authorization: string | null }) =>
    authorization === expected ? new Response("ok") : unauthorized(challenge);
}

test("createAuthenticator() sends bare requests to a registry that asks for nothing", async () => {
  const transport = scripted({ "r.example": () => new Response("ok") });
  const credentials = counting(BASIC);
  const response = await authenticator(transport, { credentials }).send(get("/v2/"));
  assert.equal(await response.text(), "ok");
  assert.deepEqual(transport.seen.map(({ authorization }) => authorization), [null]);
  assert.deepEqual(credentials.asked, []);
});

test("createAuthenticator() answers Basic, and sends it unasked from then on", async () => {
  const transport = scripted({ "r.example": basicRegistry });
  const credentials = counting(BASIC);
  const auth = authenticator(transport, { credentials });
  for (let i = 0; i < 3; i++) {
    assert.equal((await auth.send(get("/v2/app/tags/list"), { scopes: PULL })).status, 200);
  }
  assert.deepEqual(transport.seen.map(({ authorization }) => authorization), [
    null,
    BASIC_HEADER,
    BASIC_HEADER,
    BASIC_HEADER,
  ]);
  assert.deepEqual(credentials.asked, ["app"]);
});

test("createAuthenticator() sends a kept token with the first try", async () => {
  const transport = scripted({
    "auth.example": tokenServer({ expires_in: 300 }),
    "r.example": bearerRegistry(() => "repository:app:pull"),
  });
  const auth = authenticator(transport);
  for (let i = 0; i < 3; i++) await auth.send(get("/v2/app/tags/list"), { scopes: PULL });
  assert.equal(transport.at(AUTH).length, 1);
  assert.equal(transport.at(REGISTRY).length, 4);
});

test("createAuthenticator() asks for a token before the request once the scheme is known", async () => {
  const transport = scripted({
    "auth.example": tokenServer(),
    "r.example": bearerRegistry((request) => `repository:${request.url.split("/")[4]}:pull`),
  });
  const auth = authenticator(transport);
  await auth.send(get("/v2/a/tags/list"), { scopes: ["repository:a:pull"] });
  await auth.send(get("/v2/b/tags/list"), { scopes: ["repository:b:pull"] });
  assert.equal(transport.at(REGISTRY).filter(({ authorization }) => !authorization).length, 1);
});

test("createAuthenticator() shares one token request among concurrent requests", async () => {
  const transport = scripted({
    "auth.example": tokenServer(),
    "r.example": bearerRegistry(() => "repository:app:pull"),
  });
  const credentials = counting(BASIC);
  const auth = authenticator(transport, { credentials });
  const send = () => auth.send(get("/v2/app/blobs/sha256:0"), { scopes: PULL });
  const responses = await Promise.all(Array.from({ length: 10 }, send));
  assert.ok(responses.every(({ status }) => status === 200));
  assert.equal(transport.at(AUTH).length, 1);
  assert.equal(credentials.asked.length, 1);
});

test("createAuthenticator() asks anew for a password that 403 shows to have expired (flipt-io/flipt#3043)", async () => {
  let password = "first";
  const asked: string[] = [];
  const credentials: CredentialProvider = () => {
    asked.push(password);
    return Promise.resolve({ kind: "basic", username: "AWS", password });
  };
  const transport = scripted({
    "r.example": (_, { authorization, url }) => {
      if (authorization === null) return unauthorized('Basic realm="ecr"');
      const isGood = authorization === `Basic ${btoa(`AWS:${password}`)}`;
      return new Response(null, { status: isGood && !url.includes("secret") ? 200 : 403 });
    },
  });
  const auth = authenticator(transport, { credentials });
  const send = async (path: string) => (await auth.send(get(path), { scopes: PULL })).status;
  assert.equal(await send("/v2/app/tags/list"), 200);
  password = "second";
  assert.equal(await send("/v2/app/tags/list"), 200);
  assert.equal(await send("/v2/app/tags/list"), 200);
  const before = transport.seen.length;
  assert.equal(await send("/v2/app/secret"), 403, "the password is good, and the right is missing");
  assert.equal(transport.seen.length, before + 1);
  assert.ok(asked.length < 8, `${asked.length} questions`);
});

test("createAuthenticator() replaces an expired token once for all concurrent requests", async () => {
  let generation = 1;
  const transport = scripted({
    "auth.example": () => Response.json({ token: `t${generation}` }),
    "r.example": (_, { authorization }) =>
      authorization === `Bearer t${generation}` ? new Response() : unauthorized(bearer(PULL[0])),
  });
  const auth = authenticator(transport);
  const send = () => auth.send(get("/v2/app/blobs/sha256:0"), { scopes: PULL });
  await send();
  generation = 2;
  const responses = await Promise.all(Array.from({ length: 10 }, send));
  assert.ok(responses.every(({ status }) => status === 200));
  assert.equal(transport.at(AUTH).length, 2);
});

test("createAuthenticator() gives up after one new token for the same challenge", async () => {
  const transport = scripted({
    "auth.example": tokenServer(),
    "r.example": () => unauthorized(bearer(PULL[0], ',error="insufficient_scope"')),
  });
  await assert.rejects(
    authenticator(transport).send(get("/v2/app/tags/list"), { scopes: PULL }),
    (error: unknown) =>
      error instanceof AuthenticationError && /insufficient_scope/.test(error.message) &&
      /credentials are needed/.test(error.message) &&
      error.challenge?.startsWith('Bearer realm="https://auth.example/token"') === true,
  );
  assert.equal(transport.at(AUTH).length, 1);
  assert.equal(transport.at(REGISTRY).length, 2);
});

test("createAuthenticator() ends with a registry that wants something new each time", async () => {
  let count = 0;
  const transport = scripted({
    "auth.example": tokenServer(),
    "r.example": () => unauthorized(bearer(`repository:app${++count}:pull`)),
  });
  await assert.rejects(
    authenticator(transport).send(get("/v2/app/tags/list"), { scopes: PULL }),
    AuthenticationError,
  );
  assert.ok(transport.seen.length <= 10, `${transport.seen.length} requests`);
});

test("createAuthenticator() asks /v2/ when a refusal has no challenge", async () => {
  const transport = scripted({
    "auth.example": tokenServer(),
    "r.example": (request, { authorization }) => {
      if (request.url.endsWith("/v2/")) return unauthorized(bearer());
      return authorization === null ? unauthorized() : new Response("ok");
    },
  });
  const response = await authenticator(transport).send(get("/v2/app/tags/list"), { scopes: PULL });
  assert.equal(response.status, 200);
  assert.deepEqual(askedScopes(transport.at(AUTH)[0]), PULL);
});

test("createAuthenticator() reports a refusal that nobody explains", async () => {
  const body = '{"errors":[{"code":"UNAUTHORIZED","message":"go away"}]}';
  const transport = scripted({ "r.example": () => unauthorized(undefined, body) });
  await assert.rejects(
    authenticator(transport).send(get("/v2/app/tags/list?n=1"), { scopes: PULL }),
    (error: unknown) =>
      error instanceof AuthenticationError && /without a challenge/.test(error.message) &&
      /UNAUTHORIZED \(go away\)/.test(error.message) &&
      error.url === "https://r.example/v2/app/tags/list",
  );
});

test("createAuthenticator() says that credentials are needed when it has none", async () => {
  const transport = scripted({ "r.example": basicRegistry });
  await assert.rejects(
    authenticator(transport).send(get("/v2/")),
    (error: unknown) =>
      error instanceof AuthenticationError && error.credentialsFor === "r.example" &&
      /; credentials are needed, see the option credentials$/.test(error.message),
  );
  assert.equal(transport.seen.length, 1);
});

test("createAuthenticator() asks for credentials in no error where there are some", async () => {
  const refusals: Readonly<Record<string, Script>>[] = [
    { "r.example": basicRegistry },
    { "r.example": () => unauthorized(bearer(PULL[0])), "auth.example": () => unauthorized() },
  ];
  for (const hosts of refusals) {
    const wrong = { kind: "basic", username: "u", password: "wrong" } as const;
    for (const credentials of [undefined, staticCredentials("r.example", wrong)]) {
      const send = authenticator(scripted(hosts), { credentials }).send(get("/v2/"));
      await assert.rejects(send, (error: unknown) => {
        assert.ok(error instanceof AuthenticationError);
        assert.equal(error.credentialsFor, credentials === undefined ? "r.example" : undefined);
        assert.equal(/credentials are needed/.test(error.message), credentials === undefined);
        return true;
      });
    }
  }
  // Where a redirect leads, the credentials of the registry are not wanted.
  const foreign = scripted({ "cdn.example": basicRegistry });
  await assert.rejects(
    sendAnonymously(foreign, () => new Request("https://cdn.example/blob")),
    (error: unknown) =>
      error instanceof AuthenticationError && error.credentialsFor === undefined &&
      !/credentials are needed/.test(error.message),
  );
});

test("createAuthenticator() prefers Bearer, and takes Basic when the realm is not to be trusted", async () => {
  const challenge = 'Bearer realm="https://10.0.0.1/token", Basic realm="r"';
  const transport = scripted({ "r.example": scriptFor(BASIC_HEADER, challenge) });
  const credentials = staticCredentials("r.example", BASIC);
  assert.equal((await authenticator(transport, { credentials }).send(get("/v2/"))).status, 200);
  assert.deepEqual(transport.seen.map(({ authorization }) => authorization), [null, BASIC_HEADER]);
});

test("createAuthenticator() takes the scopes of the challenge when the operation names none", async () => {
  const scope = "registry:catalog:*";
  const transport = scripted({
    "auth.example": tokenServer(),
    "r.example": bearerRegistry(() => scope),
  });
  const auth = authenticator(transport);
  assert.equal((await auth.send(get("/v2/_catalog"))).status, 200);
  assert.deepEqual(transport.at(AUTH).map(askedScopes), [[scope]]);
});

test("createAuthenticator() asks for both repositories of a mount", async () => {
  const scopes = ["repository:app:push,pull", "repository:base:pull"];
  const transport = scripted({
    "auth.example": tokenServer(),
    "r.example": bearerRegistry(() => "repository:app:pull,push repository:base:pull"),
  });
  const make = get("/v2/app/blobs/uploads/?mount=sha256:0&from=base", "POST");
  await authenticator(transport).send(make, { scopes });
  assert.deepEqual(transport.at(AUTH).map(askedScopes), [
    ["repository:app:pull,push", "repository:base:pull"],
  ]);
});

test("createAuthenticator() passes a registry token on as it is", async () => {
  const transport = scripted({ "r.example": scriptFor("Bearer given", bearer(PULL[0])) });
  const given: Credentials = { kind: "registry-token", token: "given" };
  const auth = authenticator(transport, { credentials: staticCredentials("r.example", given) });
  for (let i = 0; i < 2; i++) {
    assert.equal((await auth.send(get("/v2/app/tags/list"), { scopes: PULL })).status, 200);
  }
  assert.equal(transport.seen.length, 3);
  const other: Credentials = { kind: "registry-token", token: "other" };
  await assert.rejects(
    authenticator(transport, { credentials: staticCredentials("r.example", other) })
      .send(get("/v2/app/tags/list"), { scopes: PULL }),
    (error: unknown) => error instanceof AuthenticationError && !/other/.test(error.message),
  );
});

test("createAuthenticator() goes on with the identity token that replaced the first", async () => {
  let count = 0;
  const transport = scripted({
    "auth.example": (_, { body }) => {
      const expected = count === 0 ? "first" : `next${count}`;
      if (new URLSearchParams(body).get("refresh_token") !== expected) {
        return Response.json({ error: "invalid_grant" }, { status: 400 });
      }
      return Response.json({ access_token: `t${++count}`, refresh_token: `next${count}` });
    },
    "r.example": (request, { authorization }) => {
      const wanted = request.url.includes("/a/") ? "Bearer t1" : "Bearer t2";
      return authorization === wanted ? new Response() : unauthorized(bearer());
    },
  });
  const first: Credentials = { kind: "identity-token", token: "first" };
  const auth = authenticator(transport, { credentials: staticCredentials("r.example", first) });
  await auth.send(get("/v2/a/tags/list"), { scopes: ["repository:a:pull"] });
  await auth.send(get("/v2/b/tags/list"), { scopes: ["repository:b:pull"] });
  assert.equal(transport.at(AUTH).length, 2);
});

test("createAuthenticator() asks for credentials again when the ones it knows are refused", async () => {
  let good = "one";
  const header = (password: string) => `Basic ${btoa(`user:${password}`)}`;
  const transport = scripted({
    "r.example": (_, { authorization }) =>
      authorization === header(good) ? new Response() : unauthorized('Basic realm="r"'),
  });
  const credentials: CredentialProvider = () =>
    Promise.resolve({ kind: "basic", username: "user", password: good });
  const auth = authenticator(transport, { credentials });
  await auth.send(get("/v2/"));
  good = "two";
  assert.equal((await auth.send(get("/v2/"))).status, 200);
});

test("createAuthenticator() ends with the error of a provider, and sends nothing more", async () => {
  const transport = scripted({
    "auth.example": tokenServer(),
    "r.example": () => unauthorized(bearer()),
  });
  const failure = new Error("the key ring is locked");
  const auth = authenticator(transport, { credentials: () => Promise.reject(failure) });
  await assert.rejects(
    auth.send(get("/v2/app/tags/list"), { scopes: PULL }),
    (error: unknown) => error === failure,
  );
  assert.equal(transport.seen.length, 1);
});

test("createAuthenticator() hands out every status but 401 as it is", async () => {
  for (const status of [200, 206, 307, 403, 404, 429, 503]) {
    const transport = scripted({
      "auth.example": tokenServer(),
      "r.example": (_, { authorization }) =>
        authorization === null ? unauthorized(bearer()) : new Response("", { status }),
    });
    const response = await authenticator(transport).send(get("/v2/a/tags/list"), { scopes: PULL });
    assert.equal(response.status, status);
  }
});

test("createAuthenticator() sends a request to another origin once, and bare", async () => {
  const transport = scripted({
    "r.example": basicRegistry,
    "r.example:8443": () => unauthorized('Basic realm="r"'),
    "cdn.r.example": () => unauthorized('Basic realm="r"'),
  });
  const auth = authenticator(transport, { credentials: staticCredentials("r.example", BASIC) });
  await auth.send(get("/v2/"));
  const urls = ["http://r.example/", "https://r.example:8443/", "https://cdn.r.example/"];
  for (const url of urls) {
    const response = await auth.send(() => new Request(url));
    assert.equal(response.status, url.startsWith("http:") ? 401 : 401, url);
    assert.equal(transport.seen.at(-1)?.authorization, null, url);
  }
  assert.equal(transport.seen.length, 2 + urls.length);
});

test("createAuthenticator() takes the default port as no other origin", async () => {
  const transport = scripted({ "r.example": basicRegistry });
  const auth = createAuthenticator({
    transport,
    origin: "https://r.example:443",
    registry: "r.example",
    credentials: staticCredentials("r.example", BASIC),
  });
  assert.equal((await auth.send(get("/v2/"))).status, 200);
});

test("createAuthenticator() refuses what is no origin", () => {
  const transport = scripted({});
  for (const origin of ["r.example", "", "data:,", "/v2/"]) {
    assert.throws(
      () => createAuthenticator({ transport, origin, registry: "r.example" }),
      TypeError,
    );
  }
});

test("createAuthenticator() ends with the signal's reason", async () => {
  const reason = new Error("enough");
  const transport = scripted({ "r.example": () => new Response() });
  const signal = AbortSignal.abort(reason);
  await assert.rejects(
    authenticator(transport).send(get("/v2/"), { signal }),
    (error: unknown) => error === reason,
  );
  assert.equal(transport.seen.length, 0);
});

test("createAuthenticator() ends a token request that nobody waits for", async () => {
  const controller = new AbortController();
  const reason = new Error("enough");
  let isAborted = false;
  const transport = scripted({
    "auth.example": (request) =>
      new Promise((_, reject) => {
        request.signal.addEventListener("abort", () => {
          isAborted = true;
          reject(request.signal.reason);
        });
        controller.abort(reason);
      }),
    "r.example": () => unauthorized(bearer()),
  });
  await assert.rejects(
    authenticator(transport).send(get("/v2/a/tags/list"), { signal: controller.signal }),
    (error: unknown) => error === reason,
  );
  assert.ok(isAborted);
});

test("two registries that share a cache never get each other's tokens", async () => {
  const tokens = new TokenCache();
  const registry = (name: string) => {
    const transport = scripted({
      "auth.example": () => Response.json({ token: `for-${name}` }),
      [name]: (_, { authorization }) => {
        if (authorization !== null) assert.equal(authorization, `Bearer for-${name}`);
        return authorization === null ? unauthorized(bearer(PULL[0])) : new Response();
      },
    });
    const auth = createAuthenticator({
      transport,
      origin: `https://${name}`,
      registry: name,
      tokens,
    });
    return () => auth.send(() => new Request(`https://${name}/v2/app/tags/list`), { scopes: PULL });
  };
  const sends = [registry("a.example"), registry("b.example")];
  for (let i = 0; i < 1000; i++) assert.equal((await sends[i % 2]?.())?.status, 200);
  assert.equal(tokens.size, 2);
});

test("a change of credentials changes the token", async () => {
  let password = "one";
  const transport = scripted({
    "auth.example": (_, { authorization }) =>
      Response.json({ token: atob(authorization?.slice(6) ?? "").replace(":", "-") }),
    "r.example": (_, { authorization }) =>
      authorization === `Bearer user-${password}` ? new Response() : unauthorized(bearer()),
  });
  const credentials: CredentialProvider = () =>
    Promise.resolve({ kind: "basic", username: "user", password });
  const auth = authenticator(transport, { credentials });
  await auth.send(get("/v2/app/tags/list"), { scopes: PULL });
  password = "two";
  assert.equal((await auth.send(get("/v2/app/tags/list"), { scopes: PULL })).status, 200);
});

test("withAuth() is a transport with the traits of the one below", async () => {
  const below = Object.assign(scripted({ "r.example": basicRegistry }), {
    traits: { streamingUpload: false },
  });
  const send = withAuth(below, {
    origin: REGISTRY,
    registry: "r.example",
    credentials: staticCredentials("r.example", BASIC),
  });
  assert.deepEqual(send.traits, { streamingUpload: false });
  assert.equal((await send(new Request("https://r.example/v2/"))).status, 200);
});

test("staticCredentials() gives its credentials to one registry only", async () => {
  const provider = staticCredentials("docker.io", BASIC);
  for (
    const registry of ["docker.io", "index.docker.io", "registry-1.docker.io", "Docker.IO:443"]
  ) {
    assert.ok(sameCredentials(await provider({ registry }), BASIC), registry);
  }
  for (const registry of ["docker.com", "docker.io:80", "docker.io.example", "my.docker.io"]) {
    assert.equal((await provider({ registry })).kind, "anonymous", registry);
  }
});

test("firstCredentials() takes the first provider that knows, and stops at an error", async () => {
  const known = counting(BASIC);
  const never = counting({ kind: "registry-token", token: "t" });
  const provider = firstCredentials(staticCredentials("other.example", BASIC), known, never);
  assert.ok(sameCredentials(await provider({ registry: "r.example" }), BASIC));
  assert.equal(never.asked.length, 0);
  const failure = new Error("locked");
  await assert.rejects(
    firstCredentials(() => Promise.reject(failure), known)({ registry: "r.example" }),
    (error: unknown) => error === failure,
  );
  assert.equal((await firstCredentials()({ registry: "r.example" })).kind, "anonymous");
});

test("sameCredentials() compares kinds and secrets", () => {
  const token = { kind: "identity-token", token: "t" } as const;
  assert.ok(sameCredentials({ ...BASIC }, BASIC));
  assert.ok(sameCredentials({ kind: "anonymous" }, { kind: "anonymous" }));
  assert.ok(!sameCredentials(BASIC, { ...BASIC, password: "other" }));
  assert.ok(!sameCredentials(token, { kind: "registry-token", token: "t" }));
  assert.ok(
    !sameCredentials(
      { kind: "basic", username: 'a","b', password: "c" },
      { kind: "basic", username: "a", password: 'b","c' },
    ),
  );
});

test("createAuthenticator() asks for no scope to enter /v2/, whatever its placeholder", async () => {
  const transport = scripted({
    "auth.example": tokenServer(),
    "r.example": (_, { authorization }) =>
      authorization === null
        ? unauthorized(bearer("repository:user/image:pull"))
        : new Response("{}"),
  });
  assert.equal((await authenticator(transport).send(get("/v2/"))).status, 200);
  assert.deepEqual(transport.at(AUTH).map(askedScopes), [[]]);
});

test("createAuthenticator() renews a token with the scopes that the registry wanted", async () => {
  let now = 0;
  const transport = scripted({
    "auth.example": tokenServer(),
    "r.example": bearerRegistry(
      () => "repository:app:metadata_read,pull",
      () => bearer("repository:app:metadata_read"),
    ),
  });
  const auth = authenticator(transport, { now: () => now });
  await auth.send(get("/v2/app/tags/list"), { scopes: PULL });
  now = 100_000;
  await auth.send(get("/v2/app/tags/list"), { scopes: PULL });
  const merged = ["repository:app:metadata_read,pull"];
  assert.deepEqual(transport.at(AUTH).map(askedScopes), [merged, merged]);
  assert.equal(transport.at(REGISTRY).length, 3, "one refusal, at the very start");
});

test("two users of one registry that share a cache never get each other's tokens", async () => {
  const tokens = new TokenCache();
  const user = (username: string) => {
    const transport = scripted({
      "auth.example": () => Response.json({ token: `for-${username}` }),
      "r.example": (_, { authorization }) => {
        if (authorization !== null) assert.equal(authorization, `Bearer for-${username}`);
        return authorization === null ? unauthorized(bearer(PULL[0])) : new Response();
      },
    });
    const credentials: Credentials = { kind: "basic", username, password: "same" };
    return authenticator(transport, {
      tokens,
      credentials: staticCredentials("r.example", credentials),
    });
  };
  const users = [user("anna"), user("bert"), user("anna")];
  for (let i = 0; i < 30; i++) {
    const response = await users[i % 3]?.send(get("/v2/app/tags/list"), { scopes: PULL });
    assert.equal(response?.status, 200);
  }
  assert.equal(tokens.size, 2);
});
