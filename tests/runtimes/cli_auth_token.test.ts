/** What `lading auth token` prints, and whom it asks. */
import { test } from "node:test";
import assert from "node:assert/strict";
import { lading } from "./lading_main.ts";
import { startServer } from "./loopback.ts";

/** A registry and its token server in one; the scopes are what the token is. */
async function withTokens(work: (host: string, asked: () => string[]) => Promise<void>) {
  const server = await startServer(({ path, headers }, response) => {
    const { pathname, searchParams } = new URL(path, "http://r.test");
    if (pathname === "/token") {
      const token = `for-${searchParams.getAll("scope").join("+")}`;
      return void response.end(JSON.stringify({ token, expires_in: 300 }));
    }
    if (String(headers["authorization"]).startsWith("Bearer for-")) return void response.end("{}");
    const realm = `http://${headers["host"]}/token`;
    const challenge = `Bearer realm="${realm}",service="r.test"`;
    response.writeHead(401, { "www-authenticate": challenge }).end();
  });
  const asked = (): string[] => server.seen.map(({ method, path }) => `${method} ${path}`);
  try {
    await work(`127.0.0.1:${server.port}`, asked);
  } finally {
    await server.close();
  }
}

test("lading auth token prints the token of a repository that the registry takes", () =>
  withTokens(async (host, asked) => {
    const told = await lading("auth", "token", `${host}/acme/app`);
    assert.deepEqual([told.code, told.out], [0, "for-repository:acme/app:pull\n"], told.errors);
    assert.deepEqual(asked(), [
      "GET /v2/",
      "GET /token?service=r.test&scope=repository%3Aacme%2Fapp%3Apull",
      "GET /v2/",
    ]);
    const pushing = await lading("auth", "token", "--push", "-H", `docker://${host}/acme/app`);
    const header = "Authorization: Bearer for-repository:acme/app:pull,push\n";
    assert.deepEqual([pushing.code, pushing.out], [0, header], pushing.errors);
    const json = await lading("auth", "token", `${host}/acme/app`, "--json");
    assert.deepEqual(JSON.parse(json.out), {
      token: "for-repository:acme/app:pull",
      expiresIn: 300,
      scopes: ["repository:acme/app:pull"],
    });
  }));

test("lading auth token refuses what is no repository, and tells where there are no tokens", async () => {
  const server = await startServer((_, response) => void response.end("{}"));
  const host = `127.0.0.1:${server.port}`;
  try {
    const open = await lading("auth", "token", `${host}/acme/app`);
    assert.deepEqual([open.code, open.out], [1, ""]);
    assert.equal(open.errors, `lading: Cannot get a token: ${host} asks for none\n`);
    for (const place of ["oci:./layout", `${host}/acme/app:1`]) {
      const { code, errors } = await lading("auth", "token", place);
      assert.equal(code, 2, place);
      assert.match(errors, /^lading: name a repository/);
    }
  } finally {
    await server.close();
  }
});

test("lading tags refuses a tag or a digest: it lists all of a repository", async () => {
  const digest = `sha256:${"0".repeat(64)}`;
  const cases = [
    ["r.example/acme/app:1", "the tag 1"],
    [`r.example/acme/app@${digest}`, `the digest ${digest}`],
    ["docker-v1://r.example/acme/app:1", "the tag 1"],
  ] as const;
  for (const [place, what] of cases) {
    const { code, errors } = await lading("tags", place);
    assert.deepEqual([code, errors], [2, `lading: name a repository, without ${what}\n`]);
  }
});
