/** Azure's registries and GitHub's: tokens, their exchange, and how long they are kept. */
import { test } from "node:test";
import assert from "node:assert/strict";
import { AuthenticationError, LadingError } from "../../lib/model/errors.ts";
import {
  azureCredentials,
  type AzureCredentialsOptions,
  createAuthenticator,
  githubCredentials,
} from "../../lib/auth/mod.ts";
import { type Script, scripted, unauthorized } from "./scripted.ts";

const HOST = "acme.azurecr.io";
const NOW = Date.parse("2026-11-21T08:00:00Z");
const PRINCIPAL = { tenant: "acme.example", clientID: "client-1", clientSecret: "CANARY-secret" };
const HOURS = 3_600_000;

const form = (body: string) => Object.fromEntries(new URLSearchParams(body));

/** Microsoft Entra ID as it answers. */
const entra: Script = (_, { body }) => {
  const { client_secret, ...rest } = form(body);
  assert.deepEqual(rest, {
    grant_type: "client_credentials",
    client_id: "client-1",
    scope: "https://containerregistry.azure.net/.default",
  });
  if (client_secret === "CANARY-secret") {
    return Response.json({ access_token: "CANARY-entra", expires_in: 3599, token_type: "Bearer" });
  }
  const error_description = `AADSTS7000215: Invalid client secret provided: ${client_secret}`;
  return Response.json({ error: "invalid_client", error_description }, { status: 401 });
};

/** A registry that exchanges tokens of Entra ID. */
function registry(): Script {
  let count = 0;
  return (request, { body, authorization }) => {
    const { pathname, host } = new URL(request.url);
    if (pathname === "/oauth2/exchange") {
      const { access_token, ...rest } = form(body);
      assert.equal(rest["grant_type"], "access_token");
      assert.equal(rest["service"], host);
      if (access_token === "CANARY-entra") {
        return Response.json({ refresh_token: `CANARY-refresh-${++count}` });
      }
      const errors = [{ code: "UNAUTHORIZED", message: `bad ${access_token}` }];
      return Response.json({ errors }, { status: 401 });
    }
    if (pathname === "/oauth2/token") {
      const { grant_type, refresh_token } = form(body);
      assert.equal(grant_type, "refresh_token");
      return refresh_token === "CANARY-refresh-1"
        ? Response.json({ access_token: "CANARY-access" })
        : new Response("", { status: 401 });
    }
    return authorization === "Bearer CANARY-access"
      ? new Response("ok")
      : unauthorized(`Bearer realm="https://${host}/oauth2/token",service="${host}"`);
  };
}

const refresh = (number: number) =>
  ({ kind: "identity-token", token: `CANARY-refresh-${number}` }) as const;

test("azureCredentials() trades the secret of an application for an identity token", async () => {
  const transport = scripted({ "login.microsoftonline.com": entra, [HOST]: registry() });
  const provider = azureCredentials({ transport, servicePrincipal: PRINCIPAL, now: () => NOW });
  const found = await Promise.all([1, 2, 3].map(() => provider({ registry: HOST })));
  assert.deepEqual(found, [refresh(1), refresh(1), refresh(1)]);
  assert.deepEqual(
    transport.seen.map(({ method, url, authorization }) => [method, url, authorization]),
    [
      ["POST", "https://login.microsoftonline.com/acme.example/oauth2/v2.0/token", null],
      ["POST", `https://${HOST}/oauth2/exchange`, null],
    ],
  );
  assert.equal(form(transport.seen[1]?.body ?? "")["tenant"], "acme.example");
});

test("azureCredentials() asks the account service of the registry's cloud", async () => {
  const rows = [
    ["acme.azurecr.io", "login.microsoftonline.com"],
    ["acme.azurecr.cn", "login.chinacloudapi.cn"],
    ["acme.azurecr.us", "login.microsoftonline.us"],
  ] as const;
  for (const [host, authority] of rows) {
    const transport = scripted({ [authority]: entra, [host]: registry() });
    const provider = azureCredentials({ transport, servicePrincipal: PRINCIPAL });
    assert.deepEqual(await provider({ registry: host }), refresh(1), host);
  }
});

test("azureCredentials() keeps a token for each registry until shortly before its end", async () => {
  let now = NOW;
  const other = "other.azurecr.io";
  const transport = scripted({
    "login.microsoftonline.com": entra,
    [HOST]: registry(),
    [other]: registry(),
  });
  const provider = azureCredentials({ transport, servicePrincipal: PRINCIPAL, now: () => now });
  await provider({ registry: HOST });
  await provider({ registry: other });
  const at = (host: string) => transport.at(`https://${host}`).length;
  assert.deepEqual([at("login.microsoftonline.com"), at(HOST), at(other)], [1, 1, 1]);
  now += 3 * HOURS - 301_000;
  assert.deepEqual(await provider({ registry: HOST }), refresh(1));
  now += 2_000;
  assert.deepEqual(await provider({ registry: HOST }), refresh(2));
  assert.deepEqual([at("login.microsoftonline.com"), at(HOST), at(other)], [2, 2, 1]);
});

test("azureCredentials() takes tokens from elsewhere, and says whose tenant they are", async () => {
  let asked = 0;
  const accessToken = () => {
    asked++;
    return Promise.resolve({ token: "CANARY-entra" });
  };
  const transport = scripted({ [HOST]: registry() });
  await azureCredentials({ transport, accessToken })({ registry: HOST });
  await azureCredentials({ transport, accessToken, tenant: "tenant-1" })({ registry: HOST });
  assert.deepEqual(transport.seen.map(({ body }) => form(body)["tenant"]), [undefined, "tenant-1"]);
  assert.equal(asked, 2);
});

test("azureCredentials() serves an authenticator, which gets tokens for it", async () => {
  const transport = scripted({ "login.microsoftonline.com": entra, [HOST]: registry() });
  const authenticator = createAuthenticator({
    transport,
    origin: `https://${HOST}`,
    registry: HOST,
    credentials: azureCredentials({ transport, servicePrincipal: PRINCIPAL }),
  });
  const response = await authenticator.send(() => new Request(`https://${HOST}/v2/app/tags/list`), {
    scopes: ["repository:app:pull"],
  });
  assert.equal(await response.text(), "ok");
});

test("lesson 17: the scope that Azure's registry demands for tags is asked for as it is", async () => {
  const scopes: (string | null)[] = [];
  const exchange = registry();
  const transport = scripted({
    "login.microsoftonline.com": entra,
    [HOST]: (request, seen) => {
      if (request.url.endsWith("/oauth2/token")) {
        scopes.push(new URLSearchParams(seen.body).get("scope"));
        return exchange(request, seen);
      }
      if (request.url.endsWith("/oauth2/exchange")) return exchange(request, seen);
      const realm = `Bearer realm="https://${HOST}/oauth2/token",service="${HOST}"`;
      return seen.authorization === null
        ? unauthorized(`${realm},scope="repository:app:metadata_read"`)
        : new Response("ok");
    },
  });
  const authenticator = createAuthenticator({
    transport,
    origin: `https://${HOST}`,
    registry: HOST,
    credentials: azureCredentials({ transport, servicePrincipal: PRINCIPAL }),
  });
  await authenticator.send(() => new Request(`https://${HOST}/v2/app/tags/list`), {
    scopes: ["repository:app:pull"],
  });
  assert.deepEqual(scopes, ["repository:app:metadata_read,pull"]);
});

test("azureCredentials() tells what Azure says, without what it was sent", async () => {
  const transport = scripted({ "login.microsoftonline.com": entra, [HOST]: registry() });
  const principal = { ...PRINCIPAL, clientSecret: "CANARY-wrong+/%" };
  const rows: readonly (readonly [AzureCredentialsOptions, RegExp])[] = [
    [
      { transport, servicePrincipal: principal },
      /invalid_client \(AADSTS7000215: .*\[redacted\]\)/,
    ],
    [
      { transport, accessToken: () => Promise.resolve({ token: "CANARY-old" }) },
      /answered 401 UNAUTHORIZED \(bad \[redacted\]\)/,
    ],
    [
      {
        transport: scripted({ [HOST]: () => Response.redirect("https://attacker.dev", 307) }),
        accessToken: () => Promise.resolve({ token: "CANARY" }),
      },
      /redirects/,
    ],
    [
      {
        transport: scripted({ [HOST]: () => new Response('{"access_token":"CANARY"}') }),
        accessToken: () => Promise.resolve({ token: "CANARY" }),
      },
      /holds no refresh_token/,
    ],
  ];
  for (const [options, expected] of rows) {
    await assert.rejects(azureCredentials(options)({ registry: HOST }), (error: unknown) => {
      assert.ok(error instanceof LadingError, String(error));
      assert.match(error.message, expected);
      assert.match(error.message, /^Cannot get credentials for acme\.azurecr\.io from /);
      assert.doesNotMatch(`${error.stack}${JSON.stringify(error)}${error.cause}`, /CANARY/);
      return true;
    });
  }
  const refused = azureCredentials({ transport, servicePrincipal: principal })({ registry: HOST });
  await assert.rejects(refused, AuthenticationError);
});

test("azureCredentials() takes no tenant that would be another URL", () => {
  const transport = scripted({});
  const accessToken = () => Promise.resolve({ token: "t" });
  for (const tenant of ["", "..", "a/b", "../x", "a?b", "a#b", "a b", "//attacker.dev", "a\n"]) {
    const servicePrincipal = { ...PRINCIPAL, tenant };
    assert.throws(() => azureCredentials({ transport, servicePrincipal }), TypeError, tenant);
    assert.throws(() => azureCredentials({ transport, accessToken, tenant }), TypeError, tenant);
  }
});

test("githubCredentials() gets tokens that expire, once for all who wait", async () => {
  let now = NOW;
  let count = 0;
  const token = () => Promise.resolve({ token: `ghs_${++count}`, expiresInSeconds: 3600 });
  const provider = githubCredentials({ token, now: () => now });
  const basic = (password: string) => ({ kind: "basic", username: "x-access-token", password });
  const ask = () => provider({ registry: "ghcr.io" });
  assert.deepEqual(await Promise.all([ask(), ask()]), [basic("ghs_1"), basic("ghs_1")]);
  now += 3_299_000;
  assert.deepEqual(await ask(), basic("ghs_1"));
  now += 2_000;
  assert.deepEqual(await ask(), basic("ghs_2"));
});
