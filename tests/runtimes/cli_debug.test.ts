/** `--debug`: every request on stderr, and none of the secrets that requests are full of. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { memoryStore, registryHandler } from "../../mod.ts";
import { serve } from "../../lib/runtime/serve.ts";
import { randomImage } from "../../lib/testing/mod.ts";
import { lading } from "./lading_main.ts";
import { lading as run } from "./lading_process.ts";

const BASIC = `Basic ${btoa("acme:CANARY:password")}`;
const TOKEN = "CANARY-token";
/** Whatever is secret, and the same in base64. */
const SECRET = /CANARY|Q0FOQVJZ|YWNtZT/;
const CREDS = "acme:CANARY:password";

interface Bench {
  readonly host: string;
  readonly image: string;
  readonly folder: string;
}

/**
 * A registry that says its secrets wherever it can: tokens, cookies, error bodies, signed addresses
 * of its storage, the state of uploads; the first download fails.
 */
async function withTalkative(use: (bench: Bench) => Promise<void>): Promise<void> {
  const store = memoryStore();
  const image = await randomImage("debugged");
  await image.pushTo(store, "acme/app:1");
  const handler = registryHandler(store);
  let downloads = 0;
  const refused = (request: Request, status: number, headers: HeadersInit): Response => {
    const message = `not with ${request.headers.get("authorization")}`;
    return Response.json({ errors: [{ code: "DENIED", message }] }, { status, headers });
  };
  const server = await serve(async (request) => {
    const url = new URL(request.url);
    const authorization = request.headers.get("authorization");
    if (url.pathname === "/token") {
      if (authorization !== BASIC) return refused(request, 401, {});
      return Response.json({ token: TOKEN, refresh_token: "CANARY-refresh" });
    }
    const isSigned = url.searchParams.has("X-Amz-Signature");
    if (!isSigned && authorization !== `Bearer ${TOKEN}`) {
      const realm = `${url.origin}/token?account=CANARY-account`;
      return refused(request, 401, {
        "www-authenticate":
          `Bearer realm="${realm}",service="registry",scope="repository:acme/app:pull,push"`,
        "set-cookie": "session=CANARY-cookie",
      });
    }
    if (!isSigned && request.method === "GET" && url.pathname.includes("/blobs/sha256:")) {
      const location = `${url.href}?X-Amz-Signature=CANARY-signature&CANARY-bare`;
      return new Response(null, { status: 307, headers: { location } });
    }
    if (isSigned && downloads++ === 0) {
      return refused(request, 503, { "set-cookie": "session=CANARY-cookie" });
    }
    const response = await handler(request);
    const location = response.headers.get("location");
    if (response.status === 202 && location !== null) {
      const headers = new Headers(response.headers);
      headers.set("location", `${location}?_state=CANARY-state`);
      return new Response(response.body, { status: 202, headers });
    }
    return response;
  });
  const host = `127.0.0.1:${server.port}`;
  const folder = mkdtempSync(join(tmpdir(), "lading-cli-"));
  try {
    await use({ host, image: `${host}/acme/app:1`, folder });
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await server.close();
  }
}

test("lading --debug shows each request, its answer and its bytes, and no secret", () =>
  withTalkative(async ({ host, image, folder }) => {
    const pulled = await run(
      ["copy", image, `oci:${folder}/app:1`, "--debug", "--src-creds", CREDS],
    );
    assert.equal(pulled.code, 0, pulled.stderr);
    assert.doesNotMatch(pulled.stdout + pulled.stderr, SECRET);
    const lines = pulled.stderr.split("\n");
    const has = (pattern: RegExp): void =>
      assert.ok(lines.some((line) => pattern.test(line)), `${pattern}\n${pulled.stderr}`);
    has(/^#1 (HEAD|GET) http:\/\/127\.0\.0\.1:\d+\/v2\/acme\/app\/manifests\/1$/);
    has(/^#1 401 after \d+ ms$/);
    has(/^#\d+ GET .*\/token\?account=\[redacted\]&.*scope=repository:acme\/app:pull/);
    has(/^#\d+ 200 after \d+ ms$/);
    has(/^#\d+ [\d.]+ k?B after \d+ ms$/);
    has(/^#\d+ 307 .*, to http:.*\/blobs\/sha256:.*\?X-Amz-Signature=\[redacted\]&\[redacted\]$/);
    has(/^#\d+ 503 after \d+ ms$/);
    has(new RegExp(`^${host}: ${host} answered 503; again in [\\d.]+ s$`));

    const to = `${host}/acme/copy:1`;
    const pushed = await run(["push", `${folder}/app`, to, "--debug", "--creds", CREDS]);
    assert.equal(pushed.code, 0, pushed.stderr);
    assert.doesNotMatch(pushed.stdout + pushed.stderr, SECRET);
    assert.match(pushed.stderr, /^#\d+ PUT .*\?_state=\[redacted\]&digest=sha256:.*, [\d.]+ k?B$/m);

    const denied = await run(["digest", image, "--debug", "--creds", "acme:CANARY-wrong"]);
    assert.equal(denied.code, 4);
    assert.doesNotMatch(denied.stdout + denied.stderr, SECRET);
    assert.match(denied.stderr, /^#\d+ GET .*\/token\?.*\n#\d+ 401 after/m);
  }));

test("lading --debug leaves the answer as it is, and is silent with --quiet", () =>
  withTalkative(async ({ image }) => {
    const plain = await lading("manifest", image, "--creds", CREDS);
    const debugged = await lading("manifest", image, "--creds", CREDS, "--debug");
    assert.equal(plain.code, 0, plain.errors);
    assert.equal(plain.errors, "");
    assert.deepEqual(debugged.bytes, plain.bytes);
    assert.match(debugged.errors, /^#\d+ /m);
    const quiet = await run(["manifest", image, "--creds", CREDS, "--debug", "--quiet"]);
    assert.deepEqual([quiet.code, quiet.stderr], [0, ""]);
  }));

test("a host that does not exist is asked for once", async () => {
  const { code, errors } = await lading("digest", `${"a".repeat(64)}.test/app:1`, "--debug");
  assert.equal(code, 1);
  assert.match(
    errors,
    /^#\d+ HEAD [^\n]+\n#\d+ failed after [^\n]+\nlading: Cannot reach "a+\.test": there is no such host\n$/,
  );
});
