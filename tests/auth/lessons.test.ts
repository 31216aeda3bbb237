/** The lessons about authentication that other clients learned, one test each (their threads). */
import { test } from "node:test";
import assert from "node:assert/strict";
import {
  AuthenticationError,
  type AuthorizationError,
  NotFoundError,
} from "../../lib/model/errors.ts";
import {
  type AuthenticatorOptions,
  createAuthenticator,
  dockerConfigCredentials,
  parseChallenges,
  parseDockerConfig,
  sendAnonymously,
  staticCredentials,
  withAuth,
} from "../../lib/auth/mod.ts";
import {
  askedScopes,
  bearer,
  bearerRegistry,
  get,
  type Scripted,
  scripted,
  tokenServer,
  unauthorized,
} from "./scripted.ts";

const BASIC = { kind: "basic", username: "user", password: "hunter2" } as const;
const BASIC_HEADER = "Basic dXNlcjpodW50ZXIy";
const AUTH = "https://auth.example";
const REGISTRY = "https://r.example";

function authenticator(transport: Scripted, options: Partial<AuthenticatorOptions> = {}) {
  const credentials = staticCredentials("r.example", BASIC);
  return createAuthenticator({
    transport,
    origin: REGISTRY,
    registry: "r.example",
    credentials,
    ...options,
  });
}

const PULL = ["repository:app:pull"];
const PUSH = ["repository:app:pull,push"];

test("lesson 1: a token that expires during an upload is renewed and the closing PUT repeated", async () => {
  let good = 1;
  const transport = scripted({
    "auth.example": () => Response.json({ token: `token-${++good}` }),
    "r.example": (_, { authorization }) =>
      authorization === `Bearer token-${good}`
        ? new Response("", { status: 201 })
        : unauthorized(bearer(PUSH[0], ',error="invalid_token"')),
  });
  const auth = authenticator(transport);
  const put = get("/v2/app/blobs/uploads/1?digest=sha256:0", "PUT");
  assert.equal((await auth.send(put, { scopes: PUSH })).status, 201);
  good++; // The registry forgets the token before its time.
  assert.equal((await auth.send(put, { scopes: PUSH })).status, 201);
  assert.equal(transport.at(AUTH).length, 2);
  assert.deepEqual(transport.at(REGISTRY).map(({ authorization }) => authorization), [
    null,
    "Bearer token-2",
    "Bearer token-2",
    "Bearer token-4",
  ]);
});

test("lesson 1: a token that is about to expire by the clock is renewed before it is used", async () => {
  let now = 0;
  const transport = scripted({
    "auth.example": tokenServer({ expires_in: 300 }),
    "r.example": bearerRegistry(() => "repository:app:pull,push"),
  });
  const auth = authenticator(transport, { now: () => now });
  await auth.send(get("/v2/app/blobs/uploads/1", "PATCH"), { scopes: PUSH });
  now = 294_000;
  await auth.send(get("/v2/app/blobs/uploads/1", "PATCH"), { scopes: PUSH });
  assert.equal(transport.at(AUTH).length, 1);
  now = 296_000;
  await auth.send(get("/v2/app/blobs/uploads/1", "PUT"), { scopes: PUSH });
  assert.equal(transport.at(AUTH).length, 2);
  assert.equal(transport.at(REGISTRY).length, 4, "one refusal, at the very start");
});

test("lesson 2: a body that can be read once is sent after the registry was asked what it wants", async () => {
  const transport = scripted({
    "auth.example": tokenServer(),
    "r.example": bearerRegistry(
      (request) => request.url.endsWith("/v2/") ? "none" : "repository:app:pull,push",
      () => bearer(),
    ),
  });
  const send = withAuth(transport, {
    origin: REGISTRY,
    registry: "r.example",
    credentials: staticCredentials("r.example", BASIC),
  });
  const request = new Request(`${REGISTRY}/v2/app/blobs/uploads/1`, {
    method: "PATCH",
    body: "blob",
  });
  assert.equal((await send(request, { scopes: PUSH })).status, 200);
  const sent = transport.at(REGISTRY).map(({ method, body }) => `${method} ${body}`);
  assert.deepEqual(sent, ["GET ", "PATCH blob"]);
});

test("lesson 2: a body that can be read once and is refused is an error, not an empty body", async () => {
  const transport = scripted({
    "auth.example": tokenServer(),
    "r.example": () => unauthorized(bearer()),
  });
  let made = 0;
  const make = () => {
    made++;
    return new Request(`${REGISTRY}/v2/app/blobs/uploads/1`, { method: "PATCH", body: "blob" });
  };
  await assert.rejects(
    authenticator(transport).send(make, { scopes: PUSH, replayable: false }),
    (error: unknown) => error instanceof AuthenticationError && /only once/.test(error.message),
  );
  assert.equal(made, 1);
});

test("lesson 3: the request is made anew for each try, with its whole body", async () => {
  const transport = scripted({
    "auth.example": tokenServer(),
    "r.example": bearerRegistry(() => "repository:app:pull,push"),
  });
  const make = () => new Request(`${REGISTRY}/v2/app/manifests/v1`, { method: "PUT", body: "{}" });
  await authenticator(transport).send(make, { scopes: PUSH });
  assert.deepEqual(transport.at(REGISTRY).map(({ body }) => body), ["{}", "{}"]);
});

test("lesson 4: a token request carries Basic or the refresh token, never an old bearer", async () => {
  for (const kind of ["basic", "identity-token"] as const) {
    let good = 0;
    const transport = scripted({
      "auth.example": () => Response.json({ token: `bearer-${++good}` }),
      "r.example": (_, { authorization }) =>
        authorization === `Bearer bearer-${good}` ? new Response() : unauthorized(bearer(PULL[0])),
    });
    const credentials = kind === "basic" ? BASIC : { kind, token: "refresh" };
    const auth = authenticator(transport, {
      credentials: staticCredentials("r.example", credentials),
    });
    await auth.send(get("/v2/app/tags/list"), { scopes: PULL });
    good++;
    await auth.send(get("/v2/app/tags/list"), { scopes: PULL });
    const requests = transport.at(AUTH);
    assert.equal(requests.length, 2);
    for (const { authorization, body, method } of requests) {
      assert.equal(authorization, kind === "basic" ? BASIC_HEADER : null);
      assert.equal(method, kind === "basic" ? "GET" : "POST");
      assert.equal(
        new URLSearchParams(body).get("refresh_token"),
        kind === "basic" ? null : "refresh",
      );
      assert.doesNotMatch(body, /bearer-/);
    }
  }
});

test("lesson 5: a read asks for pull and nothing else", async () => {
  const transport = scripted({
    "auth.example": (_, seen) =>
      askedScopes(seen).some((scope) => scope.includes("push"))
        ? new Response('{"errors":[{"code":"DENIED"}]}', { status: 403 })
        : Response.json({ token: "t" }),
    "r.example": (_, { authorization }) =>
      authorization === null ? unauthorized(bearer(PULL[0])) : new Response(),
  });
  const response = await authenticator(transport).send(get("/v2/app/manifests/v1"), {
    scopes: PULL,
  });
  assert.equal(response.status, 200);
  assert.deepEqual(askedScopes(transport.at(AUTH)[0]), PULL);
});

test("lesson 6: scopes belong to operations and do not pile up over repositories", async () => {
  const transport = scripted({
    "auth.example": tokenServer(),
    "r.example": bearerRegistry((request) =>
      `repository:${request.url.includes("/app/") ? "app" : "other"}:pull`
    ),
  });
  const auth = authenticator(transport);
  await auth.send(get("/v2/other/tags/list"), { scopes: ["repository:other:pull"] });
  await auth.send(get("/v2/app/tags/list"), { scopes: PULL });
  assert.deepEqual(transport.at(AUTH).map(askedScopes), [["repository:other:pull"], PULL]);
});

test("lesson 7: one repository stands in one scope parameter with all its actions", async () => {
  const transport = scripted({
    "auth.example": tokenServer(),
    "r.example": bearerRegistry(
      () => "repository:app:delete,pull",
      () => bearer("repository:app:delete"),
    ),
  });
  await authenticator(transport).send(get("/v2/app/manifests/v1", "DELETE"), {
    scopes: ["repository:app:pull"],
  });
  assert.deepEqual(transport.at(AUTH).map(askedScopes), [["repository:app:delete,pull"]]);
});

test("lesson 8: a DELETE asks for what the challenge wants: delete, or everything", async () => {
  for (const wanted of ["repository:app:delete", "repository:app:*"]) {
    const merged = wanted.endsWith("*") ? wanted : "repository:app:delete,pull,push";
    const transport = scripted({
      "auth.example": tokenServer(),
      "r.example": bearerRegistry(() => merged, () => bearer(wanted)),
    });
    const auth = authenticator(transport);
    const make = get("/v2/app/manifests/sha256:0", "DELETE");
    assert.equal((await auth.send(make, { scopes: PUSH })).status, 200);
    assert.deepEqual(transport.at(AUTH).map(askedScopes), [[merged]]);
    assert.equal((await auth.send(make, { scopes: PUSH })).status, 200);
    assert.equal(transport.at(AUTH).length, 1, "the second time it is known");
    assert.equal(transport.at(REGISTRY).length, 3);
  }
});

test("lesson 8: a registry that finds the scope insufficient gets one with its own added", async () => {
  const transport = scripted({
    "auth.example": tokenServer(),
    "r.example": (_, { authorization }) => {
      if (authorization === null) return unauthorized(bearer());
      if (authorization.includes("delete")) return new Response("", { status: 202 });
      return unauthorized(bearer("repository:app:delete", ',error="insufficient_scope"'));
    },
  });
  const response = await authenticator(transport).send(
    get("/v2/app/manifests/sha256:0", "DELETE"),
    { scopes: PUSH },
  );
  assert.equal(response.status, 202);
  assert.deepEqual(transport.at(AUTH).map(askedScopes), [
    PUSH,
    ["repository:app:delete,pull,push"],
  ]);
});

test("lesson 9: a token for pull is not used for a delete", async () => {
  const transport = scripted({
    "auth.example": tokenServer(),
    "r.example": bearerRegistry((request) =>
      request.method === "DELETE" ? "repository:app:delete" : "repository:app:pull"
    ),
  });
  const auth = authenticator(transport);
  await auth.send(get("/v2/app/manifests/v1"), { scopes: PULL });
  await auth.send(get("/v2/app/manifests/v1", "DELETE"), { scopes: ["repository:app:delete"] });
  const [, , deletion] = transport.at(REGISTRY);
  assert.equal(deletion?.method, "DELETE");
  assert.match(deletion?.authorization ?? "", /:delete$/);
});

test("lesson 10: Basic demanded in place of a token leads to the token server, with the scope of the push", async () => {
  // Harbor: the token was for less than it said, and the registry answers with Basic.
  let isDowngraded = false;
  const transport = scripted({
    "auth.example": tokenServer(),
    "r.example": (_, { authorization }) => {
      if (authorization === null) return unauthorized(bearer());
      if (isDowngraded && authorization.startsWith("Bearer 1:")) {
        return unauthorized('Basic realm="harbor"');
      }
      return authorization.startsWith("Basic") ? unauthorized() : new Response();
    },
  });
  const auth = authenticator(transport);
  await auth.send(get("/v2/app/blobs/uploads/", "POST"), { scopes: PUSH });
  isDowngraded = true;
  const response = await auth.send(get("/v2/app/blobs/uploads/", "POST"), { scopes: PUSH });
  assert.equal(response.status, 200);
  assert.deepEqual(transport.at(AUTH).map(askedScopes), [PUSH, PUSH]);
  assert.ok(
    transport.at(REGISTRY).every(({ authorization }) => !authorization?.startsWith("Basic")),
  );
});

test("lesson 11: a host that the registry redirected to gets an anonymous token of its own", async () => {
  const transport = scripted({
    "auth.cdn.example": tokenServer(),
    "cdn.example": (_, { authorization }) =>
      authorization === null
        ? unauthorized('Bearer realm="https://auth.cdn.example/t",service="cdn",scope="a:b:pull"')
        : new Response("blob"),
  });
  const make = () => new Request("https://cdn.example/blob?sig=1");
  const response = await sendAnonymously(transport, make);
  assert.equal(await response.text(), "blob");
  const [exchange, ...more] = transport.at("https://auth.cdn.example");
  assert.equal(exchange?.authorization, null);
  assert.deepEqual(askedScopes(exchange), ["a:b:pull"]);
  assert.equal(more.length, 0);
  assert.ok(transport.seen.every(({ authorization }) => !authorization?.startsWith("Basic")));
});

test("lesson 11: a host of a redirect is asked for its blob and nothing else", async () => {
  const transport = scripted({ "cdn.example": () => unauthorized() });
  const make = () => new Request("https://cdn.example/blob?sig=secret");
  await assert.rejects(
    sendAnonymously(transport, make),
    (error: unknown) => error instanceof AuthenticationError && !/secret/.test(error.url),
  );
  assert.equal(transport.seen.length, 1);
});

test("lesson 11: a request that carries credentials is not sent to a host of a redirect", async () => {
  const transport = scripted({ "cdn.example": () => new Response() });
  const headers = { authorization: "Bearer secret" };
  const make = () => new Request("https://cdn.example/blob", { headers });
  await assert.rejects(
    sendAnonymously(transport, make),
    (error: unknown) => error instanceof Error && !/secret/.test(error.message),
  );
  assert.equal(transport.seen.length, 0);
});

test("lesson 12: nothing is sent to a realm that points inside", async () => {
  const realms = [
    "http://169.254.169.254/latest",
    "https://169.254.169.254/latest",
    "https://[::ffff:127.0.0.1]/",
    "https://2130706433/",
    "https://0x7f.1/",
    "https://\uff4cocalhost/",
    "https://user:pw@auth.example/",
    "http://auth.example/token",
  ];
  for (const realm of realms) {
    const transport = scripted({
      // A header carries bytes: servers send the wide letter percent-encoded, or not at all.
      "r.example": () =>
        unauthorized(
          `Bearer realm="${encodeURI(realm).replace(/%5B|%5D/g, (c) => decodeURIComponent(c))}"`,
        ),
    });
    await assert.rejects(
      authenticator(transport).send(get("/v2/app/tags/list"), { scopes: PULL }),
      (error: unknown) =>
        error instanceof AuthenticationError && /not trusted/.test(error.message) &&
        !/pw/.test(error.message + error.challenge),
      realm,
    );
    assert.equal(transport.seen.length, 1, realm);
  }
});

test("lesson 13: an empty entry beside a helper is no empty user", async () => {
  const config = parseDockerConfig('{"auths":{"r.example":{}},"credsStore":"store"}');
  const helper = () => {
    const stdout = JSON.stringify({ ServerURL: "r.example", Username: "u", Secret: "s" });
    return Promise.resolve({ code: 0, stdout, stderr: "" });
  };
  const provider = dockerConfigCredentials(config, { helper });
  assert.deepEqual(await provider({ registry: "r.example" }), {
    kind: "basic",
    username: "u",
    password: "s",
  });
  const bare = dockerConfigCredentials(parseDockerConfig('{"auths":{"r.example":{}}}'));
  assert.deepEqual(await bare({ registry: "r.example" }), { kind: "anonymous" });
});

test("lesson 14: a login under any name of Docker Hub is found", async () => {
  const keys = [
    ...["docker.io", "index.docker.io", "registry-1.docker.io", "registry.docker.io"],
    ...["https://index.docker.io/v1/", "https://registry-1.docker.io", "registry.hub.docker.com"],
  ];
  for (const key of keys) {
    const config = parseDockerConfig(JSON.stringify({ auths: { [key]: { auth: "dTpw" } } }));
    const provider = dockerConfigCredentials(config);
    for (const registry of ["docker.io", "index.docker.io", "registry-1.docker.io"]) {
      assert.equal((await provider({ registry })).kind, "basic", `${registry} by ${key}`);
    }
    assert.equal((await provider({ registry: "docker.com" })).kind, "anonymous");
  }
});

test("lesson 15: a proxy's challenge for its own name of the repository adds no second scope", async () => {
  const transport = scripted({
    "auth.example": tokenServer(),
    "r.example": bearerRegistry(
      () => "repository:nginx:pull",
      () => bearer("repository:library/nginx:pull"),
    ),
  });
  const scopes = ["repository:nginx:pull"];
  await authenticator(transport).send(get("/v2/nginx/manifests/latest"), { scopes });
  assert.deepEqual(transport.at(AUTH).map(askedScopes), [scopes]);
});

test("lesson 15: only when the own scope does not do, the proxy's is asked for too", async () => {
  const transport = scripted({
    "auth.example": tokenServer(),
    "r.example": bearerRegistry(() => "repository:library/nginx:pull"),
  });
  const scopes = ["repository:nginx:pull"];
  await authenticator(transport).send(get("/v2/nginx/manifests/latest"), { scopes });
  assert.deepEqual(transport.at(AUTH).map(askedScopes), [
    scopes,
    ["repository:library/nginx:pull", "repository:nginx:pull"],
  ]);
});

test("lesson 16: a HEAD that is refused with a good token spoils no GET", async () => {
  const transport = scripted({
    "auth.example": tokenServer(),
    "r.example": (request, { authorization }) =>
      authorization === null || request.method === "HEAD"
        ? unauthorized(bearer(PULL[0]))
        : new Response("blob"),
  });
  const auth = authenticator(transport);
  const path = "/v2/app/blobs/sha256:0";
  await assert.rejects(auth.send(get(path, "HEAD"), { scopes: PULL }), AuthenticationError);
  const response = await auth.send(get(path), { scopes: PULL });
  assert.equal(await response.text(), "blob");
});

test("lesson 17: the challenge's own actions are asked for beside those of the operation", async () => {
  const transport = scripted({
    "auth.example": tokenServer(),
    "r.example": bearerRegistry(
      () => "repository:app:metadata_read,pull",
      () => bearer("repository:app:metadata_read"),
    ),
  });
  await authenticator(transport).send(get("/v2/app/tags/list"), { scopes: PULL });
  assert.deepEqual(transport.at(AUTH).map(askedScopes), [["repository:app:metadata_read,pull"]]);
});

test("lesson 18: of several challenges in one header Bearer is answered", async () => {
  for (
    const header of [
      `Basic realm="x", ${bearer(PULL[0])}`,
      `${bearer(PULL[0])}, Basic realm="x, y"`,
      `Negotiate, Basic realm="x", ${bearer(PULL[0])},`,
    ]
  ) {
    assert.ok(parseChallenges(header).length > 1, header);
    const transport = scripted({
      "auth.example": tokenServer(),
      "r.example": bearerRegistry(() => "repository:app:pull", () => header),
    });
    const response = await authenticator(transport).send(get("/v2/app/tags/list"), {
      scopes: PULL,
    });
    assert.equal(response.status, 200, header);
    assert.deepEqual(transport.at(AUTH).map(askedScopes), [PULL], header);
  }
});

test("lesson 19: a wrong password is an error that names the host, never anonymous access", async () => {
  const transport = scripted({
    "auth.example": (_, { authorization }) =>
      authorization === null
        ? Response.json({ token: "anonymous" })
        : Response.json({ details: "incorrect username or password" }, { status: 401 }),
    "r.example": (_, { authorization }) =>
      authorization === null ? unauthorized(bearer(PULL[0])) : new Response("", { status: 404 }),
  });
  await assert.rejects(
    authenticator(transport).send(get("/v2/app/manifests/v1"), { scopes: PULL }),
    (error: unknown) => {
      assert.ok(error instanceof AuthenticationError);
      assert.ok(!((error as unknown) instanceof NotFoundError));
      assert.match(error.message, /r\.example/);
      assert.match(error.message, /auth\.example/);
      assert.match(error.message, /incorrect username or password/);
      assert.doesNotMatch(error.message, /hunter2|dXNlcjpodW50ZXIy/);
      return true;
    },
  );
  assert.equal(transport.at(AUTH).length, 1);
  assert.equal(transport.at(REGISTRY).length, 1);
});

test("lesson 19: a wrong password for Basic is an error that names the host", async () => {
  const transport = scripted({ "r.example": () => unauthorized('Basic realm="r"') });
  await assert.rejects(
    authenticator(transport).send(get("/v2/app/manifests/v1"), { scopes: PULL }),
    (error: unknown) =>
      error instanceof AuthenticationError && error.status === 401 &&
      /to r\.example: it refuses the user name or the password/.test(error.message),
  );
  assert.equal(transport.seen.length, 2);
});

test("lesson 20: the placeholder scope of /v2/ is not used, and a pull asks for pull", async () => {
  const transport = scripted({
    "auth.example": (_, seen) =>
      askedScopes(seen).join() === "repository:user/app:pull"
        ? Response.json({ token: "t" })
        : Response.json({ errors: [{ code: "DENIED" }] }, { status: 403 }),
    "r.example": (request, { authorization }) => {
      if (request.url.endsWith("/v2/")) return unauthorized(bearer("repository:user/image:pull"));
      return authorization === "Bearer t" ? new Response() : unauthorized();
    },
  });
  const response = await authenticator(transport).send(get("/v2/user/app/tags/list"), {
    scopes: ["repository:user/app:pull"],
  });
  assert.equal(response.status, 200);
  assert.deepEqual(transport.at(AUTH).map(askedScopes), [["repository:user/app:pull"]]);
});

test("lesson 20: a token server that answers 401 to POST is asked by GET", async () => {
  for (const status of [401, 404, 405]) {
    const transport = scripted({
      "auth.example": (request) =>
        request.method === "POST" ? new Response("", { status }) : Response.json({ token: "1:ok" }),
      "r.example": (_, { authorization }) =>
        authorization === "Bearer 1:ok" ? new Response() : unauthorized(bearer(PULL[0])),
    });
    const auth = authenticator(transport, { oauth2: true });
    assert.equal((await auth.send(get("/v2/app/tags/list"), { scopes: PULL })).status, 200);
    const [post, fallback, ...more] = transport.at(AUTH);
    assert.equal(post?.method, "POST", String(status));
    assert.equal(new URLSearchParams(post?.body).get("password"), "hunter2");
    assert.equal(fallback?.authorization, BASIC_HEADER);
    assert.equal(more.length, 0);
  }
});

test("a token server that knows the user but refuses the scope is an authorization error", async () => {
  const transport = scripted({
    "auth.example": () => Response.json({ errors: [{ code: "DENIED" }] }, { status: 403 }),
    "r.example": () => unauthorized(bearer(PUSH[0])),
  });
  await assert.rejects(
    authenticator(transport).send(get("/v2/app/blobs/uploads/", "POST"), { scopes: PUSH }),
    (error: unknown) => (error as AuthorizationError).code === "AUTHORIZATION_FAILED",
  );
});
