/** What the command says to who is not known, and whom it lets ask for a token. */
import { test } from "node:test";
import assert from "node:assert/strict";
import { memoryStore, registryHandler } from "../../mod.ts";
import { serve } from "../../lib/runtime/serve.ts";
import { randomImage } from "../../lib/testing/mod.ts";
import { lading } from "./lading_main.ts";

/** Serves a registry that lets in who has a header, and tells the others what it wants. */
async function withGuard(
  challenge: string,
  authorization: string,
  work: (image: string, digest: string) => Promise<void>,
): Promise<void> {
  const store = memoryStore();
  const image = await randomImage("guarded");
  await image.pushTo(store, "acme/app:1");
  const handler = registryHandler(store);
  const server = await serve((request) => {
    if (request.headers.get("authorization") === authorization) return handler(request);
    return Promise.resolve(
      new Response(null, { status: 401, headers: { "www-authenticate": challenge } }),
    );
  });
  try {
    await work(`127.0.0.1:${server.port}/acme/app:1`, image.descriptor.digest);
  } finally {
    await server.close();
  }
}

test("lading names the login that is missing", () =>
  withGuard('Basic realm="test"', "Basic dTpw", async (image) => {
    const { code, out, errors } = await lading("digest", image);
    assert.equal(code, 4);
    assert.equal(out, "");
    const [host = ""] = image.split("/");
    assert.ok(errors.endsWith(`; credentials are needed: lading login ${host}\n`), errors);
    assert.equal(errors.split("\n").length, 2, errors);
  }));

test("lading takes tokens of another private address where that is allowed", async () => {
  const tokens = await serve(() => Promise.resolve(Response.json({ token: "good" })));
  const origin = `http://127.0.0.1:${tokens.port}`;
  try {
    await withGuard(`Bearer realm="${origin}/token"`, "Bearer good", async (image, digest) => {
      const refused = await lading("digest", image);
      assert.equal(refused.code, 4);
      assert.match(refused.errors, /is a private address; see --allowed-realm\n$/);
      const other = ["--allowed-realm", "https://auth.example"];
      assert.equal((await lading("digest", image, ...other)).code, 4);
      const allowed = await lading("digest", image, ...other, "--allowed-realm", origin);
      assert.deepEqual([allowed.code, allowed.out], [0, `${digest}\n`], allowed.errors);
      for (const wrong of ["127.0.0.1:5001", `${origin}/token`, "ftp://auth.example"]) {
        const { code, errors } = await lading("digest", image, "--allowed-realm", wrong);
        assert.equal(code, 2, wrong);
        assert.match(errors, /^lading: --allowed-realm takes an origin [^\n]+\n$/);
      }
    });
  } finally {
    await tokens.close();
  }
});
