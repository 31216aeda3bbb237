import { test } from "node:test";
import assert from "node:assert/strict";
import { readAll } from "../../../lib/bytes/mod.ts";
import { staticCredentials } from "../../../lib/auth/mod.ts";
import type { Credentials } from "../../../lib/auth/mod.ts";
import { RegistryV1 } from "../../../lib/registry/v1/mod.ts";
import { Registry, type RegistryOptions } from "../../../lib/registry/mod.ts";
import { ID, putSample } from "./v1_sample.ts";
import { V1Server } from "./v1_server.ts";

const NAME = "acme/app";
const USERS = { alice: "secret" };
const ALICE: Credentials = { kind: "basic", username: "alice", password: "secret" };
const BASIC = `Basic ${btoa("alice:secret")}`;

function open(
  server: V1Server,
  credentials?: Credentials,
  options: RegistryOptions = {},
): RegistryV1 {
  const { host, transport } = server;
  return new RegistryV1(host, {
    transport,
    retry: { retries: 0 },
    ...(credentials === undefined ? {} : { credentials: staticCredentials(host, credentials) }),
    ...options,
  });
}

/** Whether this runtime lets programs send cookies. */
function sendsCookies(): boolean {
  const headers = { cookie: "a=b" };
  const isSent = new Request("https://x.test", { headers }).headers.has("cookie");
  const isSeen = new Response("", { headers: { "set-cookie": "a=b" } }).headers.getSetCookie();
  return isSent && isSeen.length > 0;
}

test("the password goes to the index, and the token to the hosts that it names", async () => {
  const server = new V1Server({
    host: "index.test",
    hosts: ["one.test", "two.test"],
    users: USERS,
  });
  const { id, layers } = await putSample(server, NAME, "1");
  const repository = open(server, ALICE).repository(NAME);
  assert.equal(await repository.resolve("1"), id);
  const layer = await readAll(await repository.layer(ID(1)), { maxBytes: 1e6 });
  assert.deepEqual(layer, layers[0]);
  const sent = server.requests.map(({ host, headers }) => [host, headers.get("authorization")]);
  const token = `Token signature=1,repository="${NAME}",access=read`;
  assert.deepEqual(sent, [["index.test", BASIC], ["one.test", token], ["one.test", token]]);
  assert.equal(server.requests[0]?.headers.get("x-docker-token"), "true");
});

test("a fresh token takes the place of the one before", async () => {
  const server = new V1Server({ users: USERS, isRotating: true });
  const { id } = await putSample(server, NAME, "1");
  const repository = open(server, ALICE).repository(NAME);
  assert.equal(await repository.resolve("1"), id);
  assert.equal((await repository.ancestry(id)).length, 3);
  assert.equal((await repository.image(id)).value.id, id);
  const tokens = server.requests.slice(1).map(({ headers }) => headers.get("authorization"));
  assert.equal(new Set(tokens).size, 3);
});

test("a token that has run out is fetched anew, once", async () => {
  const server = new V1Server({ users: USERS });
  const { id } = await putSample(server, NAME, "1");
  const repository = open(server, ALICE).repository(NAME);
  assert.equal(await repository.resolve("1"), id);
  server.expireTokens();
  assert.equal((await repository.ancestry(id)).length, 3);
  const statuses = server.requests.slice(2).map(({ path, status }) => [path, status]);
  assert.deepEqual(statuses, [
    [`/v1/images/${id}/ancestry`, 401],
    ["/v1/repositories/acme/app/images", 200],
    [`/v1/images/${id}/ancestry`, 200],
  ]);
});

test("many requests at the same time open one session", async () => {
  const server = new V1Server({ users: USERS });
  await putSample(server, NAME, "1");
  const repository = open(server, ALICE).repository(NAME);
  await Promise.all([1, 2, 3].map((digit) => repository.image(ID(digit))));
  const opened = server.requests.filter(({ path }) => path.endsWith("/images"));
  assert.equal(opened.length, 1);
});

test("the next host is asked when one breaks down, and a refusal is an answer", async () => {
  const server = new V1Server({
    host: "index.test",
    hosts: ["one.test", "two.test"],
    intercept: (_, url) => {
      if (url.host !== "one.test") return undefined;
      if (url.pathname.includes("/tags/")) throw new TypeError("connection refused");
      return new Response("", { status: 502 });
    },
  });
  const { id } = await putSample(server, NAME, "1");
  const repository = open(server).repository(NAME);
  assert.equal(await repository.resolve("1"), id);
  assert.equal((await repository.image(id)).value.id, id);
  await assert.rejects(repository.image(ID(9)), { code: "NOT_FOUND" });
});

test("hosts that would lead inside are refused, and names that are none", async () => {
  const wrong = ["10.0.0.1", "localhost:5000", "169.254.169.254", "user@evil.test", "a b"];
  for (const named of wrong) {
    const server = new V1Server({ named });
    await putSample(server, NAME, "1");
    const failed = open(server, undefined).repository(NAME).resolve("1");
    await assert.rejects(failed, /Cannot /, named);
    assert.equal(server.requests.length, 1, named);
  }
  const allowed = new V1Server({ hosts: ["10.0.0.1"] });
  const { id } = await putSample(allowed, NAME, "1");
  const registry = open(allowed, undefined, { privateHosts: ["10.0.0.1"] });
  assert.equal(await registry.repository(NAME).resolve("1"), id);
});

test("headers of the caller go to the index only", async () => {
  const server = new V1Server({ host: "index.test", hosts: ["one.test"] });
  await putSample(server, NAME, "1");
  const registry = open(server, undefined, { headers: { "x-secret": "1" } });
  await registry.repository(NAME).resolve("1");
  const sent = server.requests.map(({ host, headers }) => [host, headers.get("x-secret")]);
  assert.deepEqual(sent, [["index.test", "1"], ["one.test", null]]);
});

test("cookies go back to the origin that has set them, in this session only", async () => {
  const server = new V1Server({ hasCookies: true });
  const { id } = await putSample(server, NAME, "1");
  const registry = open(server);
  if (!sendsCookies()) {
    await assert.rejects(registry.repository(NAME).resolve("1"), { code: "REGISTRY_ERROR" });
    return;
  }
  assert.equal(await registry.repository(NAME).resolve("1"), id);
  const cookies = server.requests.map(({ headers }) => headers.get("cookie"));
  assert.deepEqual(cookies, [null, "session=index"]);
  await registry.repository("acme/other").tags().catch(() => {});
  assert.equal(server.requests[2]?.headers.get("cookie"), null);
});

test("lesson 44: a registry of version 2 gets no cookie back", async () => {
  const cookies: (string | null)[] = [];
  const registry = new Registry("v2.test", {
    transport: (request) => {
      cookies.push(request.headers.get("cookie"));
      const headers = { "set-cookie": "sid=1; Path=/" };
      return Promise.resolve(new Response('{"tags":[]}', { headers }));
    },
  });
  await registry.ping();
  await registry.ping();
  assert.deepEqual(cookies, [null, null]);
});

test("ping() needs no credentials and sends none", async () => {
  const server = new V1Server({ users: USERS });
  const never = () => Promise.reject(new Error("nobody is asked"));
  await open(server, undefined, { credentials: never }).ping();
  assert.equal(server.requests[0]?.headers.get("authorization"), null);
  const closed = new V1Server({
    intercept: () =>
      new Response("", { status: 401, headers: { "www-authenticate": 'Basic realm="x"' } }),
  });
  assert.deepEqual(await open(closed).ping(), { version: undefined, isStandalone: undefined });
});

test("what is written stays with one host", async () => {
  const server = new V1Server({
    host: "index.test",
    hosts: ["one.test", "two.test"],
    intercept: (request, url) =>
      url.host === "one.test" && request.method === "PUT"
        ? new Response("", { status: 503 })
        : undefined,
  });
  const { id } = await putSample(server, NAME, "1");
  await assert.rejects(open(server).repository(NAME).tag(id, "2"), { code: "REGISTRY_ERROR" });
  assert.equal(server.requests.some(({ host }) => host === "two.test"), false);
});

test("authenticate() tells good credentials from wrong ones", async () => {
  const server = new V1Server({ users: USERS });
  await open(server, ALICE).authenticate();
  await open(server).authenticate();
  const wrong: Credentials = { kind: "basic", username: "alice", password: "guess" };
  await assert.rejects(open(server, wrong).authenticate(), { code: "AUTHENTICATION_FAILED" });
  const token: Credentials = { kind: "identity-token", token: "t0ken" };
  await assert.rejects(open(server, token).authenticate(), (error: Error) => {
    assert.match(error.message, /user name and a password/);
    assert.doesNotMatch(error.message, /t0ken/);
    return true;
  });
  const failed = open(server, wrong).repository(NAME).resolve("1");
  await assert.rejects(failed, (error: Error) => {
    assert.doesNotMatch(JSON.stringify([error.message, error]), /guess/);
    return true;
  });
});

test("a redirect to another host takes neither password, token nor cookie along", async () => {
  const seen: Headers[] = [];
  const server = new V1Server({ users: USERS });
  const { layers } = await putSample(server, NAME, "1");
  const { transport } = server;
  const registry = open(server, ALICE, {
    async transport(request) {
      const url = new URL(request.url);
      if (url.host === "storage.test") {
        seen.push(new Headers(request.headers));
        return new Response(layers[0]);
      }
      if (!url.pathname.endsWith("/layer")) return await transport(request);
      const headers = { location: "https://storage.test/blob?signature=1" };
      return new Response(null, { status: 302, headers });
    },
  });
  const layer = await registry.repository(NAME).layer(ID(1));
  assert.deepEqual(await readAll(layer, { maxBytes: 1e6 }), layers[0]);
  for (const name of ["authorization", "cookie", "x-docker-token"]) {
    assert.equal(seen[0]?.get(name), null, name);
  }
});
