/** Google's registries: assertions that Google can verify, tokens, keys as passwords. */
import { test } from "node:test";
import assert from "node:assert/strict";
import { AuthenticationError, InvalidConfigError, LadingError } from "../../lib/model/errors.ts";
import { decodeBase64Url, encodeBase64 } from "../../lib/model/base64.ts";
import { googleCredentials, googleMetadataToken } from "../../lib/auth/mod.ts";
import { type Script, scripted } from "./scripted.ts";

const HOST = "europe-west1-docker.pkg.dev";
const NOW = Date.parse("2026-11-21T08:00:00Z");
const RS256 = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };

interface Key {
  readonly text: string;
  readonly publicKey: CryptoKey;
}

/** The key of a service account as Google hands it out. */
async function serviceAccount(more: Readonly<Record<string, unknown>> = {}): Promise<Key> {
  const { publicKey, privateKey } = await crypto.subtle.generateKey(
    { ...RS256, modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) },
    true,
    ["sign", "verify"],
  );
  const der = new Uint8Array(await crypto.subtle.exportKey("pkcs8", privateKey));
  const lines = encodeBase64(der).match(/.{1,64}/g)?.join("\n");
  const text = JSON.stringify(
    {
      type: "service_account",
      project_id: "acme",
      private_key_id: "key-1",
      private_key: `-----BEGIN PRIVATE KEY-----\n${lines}\n-----END PRIVATE KEY-----\n`,
      client_email: "ci@acme.iam.gserviceaccount.com",
      token_uri: "https://oauth2.googleapis.com/token",
      ...more,
    },
    null,
    2,
  );
  return { text, publicKey };
}

/** Google as it answers: it verifies the assertion with the public key. */
function google(publicKey: CryptoKey, now: () => number, expiresIn: unknown = 3599): Script {
  let count = 0;
  return async (request, { body }) => {
    const form = new URLSearchParams(body);
    const assertion = form.get("assertion") ?? "";
    const [header = "", claims = "", signature = ""] = assertion.split(".");
    const signed = new TextEncoder().encode(`${header}.${claims}`);
    const isSigned = await crypto.subtle.verify(
      RS256,
      publicKey,
      decodeBase64Url(signature),
      signed,
    );
    const read = (part: string) => JSON.parse(new TextDecoder().decode(decodeBase64Url(part)));
    const seconds = Math.floor(now() / 1000);
    const isGood = isSigned &&
      form.get("grant_type") === "urn:ietf:params:oauth:grant-type:jwt-bearer";
    if (!isGood) {
      const error_description = `Invalid JWT Signature: ${assertion}`;
      return Response.json({ error: "invalid_grant", error_description }, { status: 400 });
    }
    assert.deepEqual(read(header), { alg: "RS256", typ: "JWT", kid: "key-1" });
    assert.deepEqual(read(claims), {
      iss: "ci@acme.iam.gserviceaccount.com",
      scope: "https://www.googleapis.com/auth/cloud-platform",
      aud: request.url,
      iat: seconds,
      exp: seconds + 3600,
    });
    return Response.json({
      access_token: `CANARY-token-${++count}`,
      expires_in: expiresIn,
      token_type: "Bearer",
    });
  };
}

const token = (number: number) =>
  ({
    kind: "basic",
    username: "oauth2accesstoken",
    password: `CANARY-token-${number}`,
  }) as const;

test("googleCredentials() trades a signed assertion for a token, and keeps it", async () => {
  const { text, publicKey } = await serviceAccount();
  let now = NOW;
  const transport = scripted({ "oauth2.googleapis.com": google(publicKey, () => now) });
  const provider = googleCredentials({ transport, serviceAccountKey: text, now: () => now });
  const found = await Promise.all(
    [HOST, "eu.gcr.io", HOST].map((registry) => provider({ registry })),
  );
  assert.deepEqual(found, [token(1), token(1), token(1)]);
  now += 3_298_000;
  assert.deepEqual(await provider({ registry: "gcr.io" }), token(1));
  now += 2_000;
  assert.deepEqual(await provider({ registry: HOST }), token(2));
  assert.equal(transport.seen.length, 2);
  assert.deepEqual(transport.seen.map(({ method, authorization }) => [method, authorization]), [
    ["POST", null],
    ["POST", null],
  ]);
});

test("googleCredentials() goes to the token server that the key names", async () => {
  const { text, publicKey } = await serviceAccount({ token_uri: "https://tokens.example/token" });
  const transport = scripted({ "tokens.example": google(publicKey, () => NOW, "3599") });
  const provider = googleCredentials({ transport, serviceAccountKey: text, now: () => NOW });
  assert.deepEqual(await provider({ registry: HOST }), token(1));
});

test("googleCredentials() sends the key itself where it is told to, on one line", async () => {
  const { text } = await serviceAccount();
  const transport = scripted({});
  const options = { transport, serviceAccountKey: text, keyAsPassword: true };
  const found = await googleCredentials(options)({ registry: HOST });
  assert.ok(found.kind === "basic");
  assert.equal(found.username, "_json_key");
  assert.doesNotMatch(found.password, /\n/);
  assert.deepEqual(JSON.parse(found.password), JSON.parse(text));
  assert.equal(transport.seen.length, 0);
});

test("googleCredentials() asks for access tokens, and keeps those that say how long they are good", async () => {
  let count = 0;
  let expiresInSeconds: number | undefined = 600;
  let now = NOW;
  const accessToken = () => Promise.resolve({ token: `CANARY-token-${++count}`, expiresInSeconds });
  const provider = googleCredentials({ transport: scripted({}), accessToken, now: () => now });
  assert.deepEqual(await provider({ registry: HOST }), token(1));
  now += 539_000;
  assert.deepEqual(await provider({ registry: HOST }), token(1));
  now += 2_000;
  expiresInSeconds = undefined;
  assert.deepEqual(await provider({ registry: HOST }), token(2), "a tenth before its end");
  assert.deepEqual(await provider({ registry: HOST }), token(3));
});

test("googleCredentials() passes the error of what gets tokens on", async () => {
  const reason = new Error("not logged in");
  const provider = googleCredentials({
    transport: scripted({}),
    accessToken: () => Promise.reject(reason),
  });
  await assert.rejects(provider({ registry: HOST }), (error: unknown) => error === reason);
});

test("googleMetadataToken() asks the metadata server as Google wants it", async () => {
  const transport = scripted({
    "metadata.google.internal": (request) =>
      request.headers.get("metadata-flavor") === "Google"
        ? Response.json({ access_token: "CANARY-token-1", expires_in: 3000, token_type: "Bearer" })
        : new Response("Missing Metadata-Flavor:Google header.", { status: 403 }),
  });
  const accessToken = googleMetadataToken(transport);
  assert.deepEqual(
    await googleCredentials({ transport, accessToken })({ registry: HOST }),
    token(1),
  );
  assert.equal(
    transport.seen[0]?.url,
    "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token",
  );
  await googleMetadataToken(transport, "../../x@acme")();
  assert.match(transport.seen[1]?.url ?? "", /service-accounts\/\.\.%2F\.\.%2Fx%40acme\/token$/);
  await assert.rejects(googleMetadataToken(scripted({}))(), LadingError);
});

test("googleCredentials() refuses a key that is none, and repeats none of it", async () => {
  const { text } = await serviceAccount();
  const fields = JSON.parse(text);
  const keys = [
    ...[
      "CANARY",
      "null",
      "[]",
      '"CANARY"',
      '{"private_key":"CANARY"}',
      '{"client_email":"CANARY"}',
    ],
    JSON.stringify({ ...fields, private_key: 1 }),
    JSON.stringify({ ...fields, token_uri: "http://oauth2.googleapis.com/CANARY" }),
    JSON.stringify({ ...fields, token_uri: "CANARY" }),
    JSON.stringify({ ...fields, token_uri: 5 }),
  ];
  const check = (error: unknown) => {
    assert.ok(error instanceof InvalidConfigError, String(error));
    assert.doesNotMatch(`${error.stack}${JSON.stringify(error)}${error.cause}`, /CANARY|MII/);
    return true;
  };
  const transport = scripted({});
  for (const serviceAccountKey of keys) {
    assert.throws(() => googleCredentials({ transport, serviceAccountKey }), check);
  }
  for (
    const private_key of ["CANARY", "-----BEGIN PRIVATE KEY-----\nQ0FOQVJZ\n-----END-----", ""]
  ) {
    const serviceAccountKey = JSON.stringify({ ...fields, private_key });
    await assert.rejects(
      googleCredentials({ transport, serviceAccountKey })({ registry: HOST }),
      check,
    );
  }
  assert.equal(transport.seen.length, 0);
});

test("googleCredentials() tells what Google says, without what it was sent", async () => {
  const { publicKey } = await serviceAccount();
  const { text } = await serviceAccount();
  const answers: readonly Script[] = [
    google(publicKey, () => NOW),
    () => Response.json({ error: { code: 500, message: "busy" } }, { status: 500 }),
    () => new Response("CANARY"),
    () => Response.json({ id_token: "CANARY" }),
    () => Response.json({ access_token: "" }),
    () => Response.redirect("https://attacker.dev/", 308),
  ];
  for (const [i, answer] of answers.entries()) {
    const transport = scripted({ "oauth2.googleapis.com": answer });
    const provider = googleCredentials({ transport, serviceAccountKey: text, now: () => NOW });
    await assert.rejects(provider({ registry: HOST }), (error: unknown) => {
      assert.ok(error instanceof LadingError, String(error));
      assert.doesNotMatch(`${error.stack}${JSON.stringify(error)}${error.cause}`, /CANARY|eyJ/);
      if (i === 0) {
        assert.ok(error instanceof AuthenticationError);
        assert.match(error.message, /invalid_grant \(Invalid JWT Signature: \[redacted\]\)/);
      }
      return true;
    });
    assert.ok(transport.seen.every(({ url }) => new URL(url).host === "oauth2.googleapis.com"));
  }
});
