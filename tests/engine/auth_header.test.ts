import { test } from "node:test";
import assert from "node:assert/strict";
import type { Credentials } from "../../lib/auth/mod.ts";
import { encodeRegistryAuth, encodeRegistryConfig } from "../../lib/engine/mod.ts";
import { failure, inspected, json, messages, scripted } from "./scripted.ts";

/** Decodes as the engine does: Go's `base64.URLEncoding`, which wants the padding. */
function decode(header: string | null): unknown {
  assert.ok(header !== null);
  assert.match(header, /^[A-Za-z0-9_-]*={0,2}$/);
  assert.equal(header.length % 4, 0);
  const binary = atob(header.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes));
}

const basic: Credentials = { kind: "basic", username: "u", password: "GR?XGR?XGR?XGR?X" };

test("encodeRegistryAuth() writes URL-safe base64 with padding, as engines read nothing else", () => {
  for (let length = 0; length < 8; length++) {
    const password = `${"?".repeat(length)}~ÿ>`;
    const header = encodeRegistryAuth({ kind: "basic", username: "u", password }, "127.0.0.1:5000");
    assert.deepEqual(decode(header), {
      username: "u",
      password,
      serveraddress: "127.0.0.1:5000",
    }, password);
  }
  // docker-py#803: this password has both of the digits that differ.
  const header = encodeRegistryAuth(basic, "r.test");
  assert.doesNotMatch(header, /[+/]/);
  assert.match(header, /_/);
});

test("encodeRegistryAuth() has a form for each kind of credentials", () => {
  assert.equal(encodeRegistryAuth({ kind: "anonymous" }, "r.test"), "e30=");
  assert.deepEqual(decode(encodeRegistryAuth({ kind: "identity-token", token: "t" }, "r.test")), {
    identitytoken: "t",
    serveraddress: "r.test",
  });
  assert.deepEqual(decode(encodeRegistryAuth({ kind: "registry-token", token: "t" }, "r.test")), {
    registrytoken: "t",
    serveraddress: "r.test",
  });
});

test("encodeRegistryAuth() names Docker Hub as engines do", () => {
  for (const name of ["docker.io", "index.docker.io", "registry-1.docker.io"]) {
    const value = decode(encodeRegistryAuth(basic, name)) as Record<string, unknown>;
    assert.equal(value["serveraddress"], "https://index.docker.io/v1/", name);
  }
});

test("encodeRegistryConfig() is a map by server, without those that have no credentials", () => {
  const header = encodeRegistryConfig(
    new Map<string, Credentials>([
      ["docker.io", basic],
      ["r.test:5000", { kind: "identity-token", token: "t" }],
      ["other.test", { kind: "anonymous" }],
    ]),
  );
  assert.deepEqual(decode(header ?? null), {
    "https://index.docker.io/v1/": {
      username: "u",
      password: "GR?XGR?XGR?XGR?X",
      serveraddress: "https://index.docker.io/v1/",
    },
    "r.test:5000": { identitytoken: "t", serveraddress: "r.test:5000" },
  });
  assert.equal(encodeRegistryConfig(new Map([["a", { kind: "anonymous" }]])), undefined);
});

test("pull, push, search and distribution send the credentials of the registry alone", async () => {
  const asked: string[] = [];
  const { engine, sent } = scripted(({ path }) => {
    if (path === "/images/create") return messages({ status: "Status: Downloaded" });
    if (path.endsWith("/push")) return messages({ aux: { Tag: "1", Digest: "sha256:1", Size: 1 } });
    if (path === "/images/search") return json([]);
    if (path.startsWith("/distribution")) return json({ Descriptor: {}, Platforms: [] });
    return json(inspected());
  }, {
    credentials({ registry, repository }) {
      asked.push(`${registry} ${repository ?? ""}`);
      return Promise.resolve({ kind: "basic", username: "u", password: registry });
    },
  });
  await engine.images.pull("r.test:5000/a/b:1");
  await engine.images.push("r.test:5000/a/b:1");
  await engine.images.search("r.test:5000/a");
  await engine.images.search("plain");
  await engine.images.distribution("alpine");
  assert.deepEqual(asked, [
    "r.test:5000 a/b",
    "r.test:5000 a/b",
    "r.test:5000 ",
    "docker.io ",
    "docker.io library/alpine",
  ]);
  const headers = sent.filter(({ headers }) => headers.has("x-registry-auth"))
    .map(({ headers }) => decode(headers.get("x-registry-auth")) as Record<string, unknown>);
  assert.deepEqual(headers.map(({ serveraddress }) => serveraddress), [
    "r.test:5000",
    "r.test:5000",
    "r.test:5000",
    "https://index.docker.io/v1/",
    "https://index.docker.io/v1/",
  ]);
});

test("credentials of a call go before those of the machine; anonymous ones are no header", async () => {
  const { engine, sent } = scripted(
    ({ path }) => path === "/images/create" ? messages({ status: "Digest: x" }) : json(inspected()),
    {
      credentials: () => Promise.reject(new Error("nobody asks here")),
    },
  );
  await engine.images.pull("a", { credentials: basic });
  assert.ok(sent[0]?.headers.has("x-registry-auth"));
  await engine.images.pull("a", { credentials: () => Promise.resolve(basic) });
  assert.ok(sent[2]?.headers.has("x-registry-auth"));
  await engine.images.pull("a", { credentials: { kind: "anonymous" } });
  assert.equal(sent[4]?.headers.has("x-registry-auth"), false);
});

test("a credential helper that fails ends the operation before anything is sent", async () => {
  const { engine, sent } = scripted(() => json([]), {
    credentials: () => Promise.reject(new Error("the helper failed")),
  });
  assert.equal((await failure(engine.images.pull("a")))["message"], "the helper failed");
  assert.deepEqual(sent, []);
});

test("login() lets the engine try credentials, and gives its token", async () => {
  const { engine, sent } = scripted(() => json({ IdentityToken: "t", Status: "Login Succeeded" }));
  const login = { registry: "r.test", username: "u", password: "p" };
  assert.deepEqual(await engine.login(login), { status: "Login Succeeded", identityToken: "t" });
  assert.equal(sent[0]?.path, "/auth");
  assert.equal(sent[0]?.headers.get("content-type"), "application/json");
  assert.deepEqual(JSON.parse(sent[0]?.body ?? ""), {
    username: "u",
    password: "p",
    serveraddress: "r.test",
  });
});

test("login() tells that credentials are wrong, also where engines answer 500, without them", async () => {
  const said = [
    [401, "Get http://r.test/v2/: unauthorized: incorrect username or password"],
    [500, "login attempt to http://r.test/v2/ failed with status: 401 Unauthorized"],
  ] as const;
  for (const [status, message] of said) {
    const { engine } = scripted(() => json({ message }, { status }));
    const error = await failure(engine.login({ username: "u", password: "secret-word" }));
    assert.equal(error["code"], "ENGINE_ERROR");
    assert.equal(error["reason"], "authentication", message);
    assert.doesNotMatch(String(error["message"]), /secret-word/);
  }
});
