import { test } from "node:test";
import assert from "node:assert/strict";
import { decodeBase64 } from "../../lib/model/base64.ts";
import {
  basicAuthorization,
  createAuthenticator,
  type Credentials,
  mergeScopes,
  parseChallenges,
  staticCredentials,
} from "../../lib/auth/mod.ts";
import { bearer, get, type Script, scripted, unauthorized } from "./scripted.ts";

test("parseChallenges() reads a header of 16 KiB and ignores a longer one", () => {
  const header = (length: number) => `Basic realm="${"x".repeat(length - 14)}"`;
  assert.equal(header(16_384).length, 16_384);
  assert.equal(parseChallenges(header(16_384)).length, 1);
  assert.equal(parseChallenges(header(16_385)).length, 0);
  assert.equal(parseChallenges(header(163_840)).length, 0);
});

test("parseChallenges() stops at eight challenges", () => {
  const header = (count: number) =>
    Array.from({ length: count }, (_, i) => `S${i} realm="${i}"`).join(", ");
  assert.equal(parseChallenges(header(8)).length, 8);
  assert.equal(parseChallenges(header(9)).length, 8);
  assert.equal(parseChallenges(header(80)).at(-1)?.parameters.get("realm"), "7");
});

test("parseChallenges() takes no time for headers that are made to take it", () => {
  const fill = (text: string) => text.repeat(Math.floor(16_000 / text.length));
  const headers = [
    `Bearer realm="${'\\"'.repeat(100_000)}`,
    "a,".repeat(100_000),
    `Bearer realm="${fill('\\"')}`,
    `Bearer realm="${fill("\\")}`,
    ...["a,", "a ", ",", " ", "=", '"', '"a', "a=", "a==", "a=b,", "a=b ", "a/", "/", "\u00e4"].map(
      (text) => fill(text),
    ),
    ...["a", "=", " ", "/", '""', "a= ", " ="].map((text) => `Basic ${fill(text)}`),
  ];
  for (const header of headers) {
    const start = performance.now();
    parseChallenges(header);
    const elapsed = performance.now() - start;
    // Each takes below a millisecond; the margin is for a busy machine.
    assert.ok(elapsed < 5_000, `${header.slice(0, 20)}: ${elapsed} ms`);
  }
});

test("parseChallenges() makes something or nothing of any text, and no error", () => {
  // A linear congruential generator with a fixed seed: the same texts each time.
  let state = 20_241;
  const next = (limit: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 16) % limit;
  };
  const pieces = [
    "Bearer",
    "Basic",
    "realm",
    "=",
    ",",
    " ",
    '"',
    "\\",
    "a",
    "/",
    "\t",
    "\u00e4",
    ";",
  ];
  for (let i = 0; i < 5_000; i++) {
    const text = Array.from({ length: next(24) }, () => pieces[next(pieces.length)]).join("");
    for (const { scheme } of parseChallenges(text)) assert.ok(scheme !== "", text);
  }
});

test("mergeScopes() takes no time for a header full of scopes", () => {
  const start = performance.now();
  mergeScopes(["a:b:c ".repeat(2_700)]);
  mergeScopes([Array.from({ length: 2_000 }, (_, i) => `a:b:c${i}`).join(" ")]);
  assert.ok(performance.now() - start < 10_000);
});

test("basicAuthorization() refuses what cannot be sent, without repeating it", () => {
  const pairs = [["a:b", "CANARY"], ["a\r\nX-Evil: 1", "CANARY"], ["a", "CANARY\n"], [
    "\0",
    "CANARY",
  ]];
  for (const [username = "", password = ""] of pairs) {
    assert.throws(
      () => basicAuthorization({ kind: "basic", username, password }),
      (error: unknown) => error instanceof TypeError && !/CANARY|Evil/.test(error.message),
    );
  }
});

const SECRETS = /CANARY|Q0FOQVJZ/;

/** Everything that a log could show of an error, its causes included. */
function shown(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const fields = Object.entries(error).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  const own = [String(error), error.stack, JSON.stringify(error), ...fields];
  return [...own, error.cause === undefined ? "" : shown(error.cause)].join("\n");
}

/** Servers that say back all that they were sent, in every place where a client may look. */
function echoing(status: number): Script {
  return (request, { authorization, body }) => {
    const form = new URLSearchParams(body);
    const password = form.get("password") ?? form.get("refresh_token") ?? "";
    const bytes = authorization?.startsWith("Basic ")
      ? decodeBase64(authorization.slice(6))
      : new Uint8Array();
    const basic = new TextDecoder().decode(bytes);
    const echo = `${authorization} ${password} ${basic.slice(basic.indexOf(":") + 1)}`;
    const errors = [{ code: "DENIED", message: echo, detail: { [echo]: [echo] } }];
    const headers = {
      "www-authenticate": `${bearer("repository:app:pull")},error="${encodeURIComponent(echo)}"`,
      "retry-after": "1",
      location: new URL(request.url).pathname,
    };
    return Response.json({ errors, error: echo, details: echo }, { status, headers });
  };
}

/** What a server may have in its log of other clients, and tells to this one. */
const FOREIGN =
  "as sent: Authorization: Bearer CANARY-of-another, basic Q0FOQVJZOkNBTkFSWQ==; see " +
  "https://me:CANARY@cdn.example/blob?X-Amz-Signature=CANARY#CANARY";

test("no error tells a secret, whatever fails and whatever servers say back", async () => {
  const all: readonly Credentials[] = [
    { kind: "basic", username: "user", password: 'CANARY-"quoted"-\u00e4' },
    { kind: "basic", username: "user", password: "CANARY" },
    { kind: "identity-token", token: "CANARY-identity" },
    { kind: "registry-token", token: "CANARY-registry" },
    { kind: "registry-token", token: "CANARY two words" },
    { kind: "registry-token", token: "CANARY\r\nX-Evil: 1" },
    { kind: "basic", username: "us:er", password: "CANARY" },
  ];
  const tokenServers: readonly Script[] = [
    ...[400, 401, 403, 404, 405, 429, 500, 503, 307].map(echoing),
    () => Response.json({ token: "CANARY-bearer" }),
    () => Response.json({ token: "CANARY bearer" }),
    () => Response.json({ token: ["CANARY"] }),
    () => new Response('{"token":"CANARY'),
    () => new Response(`{"token":"CANARY${"x".repeat(70_000)}"}`),
    () => Promise.reject(new TypeError("fetch failed")),
    ({ url }) => Promise.reject(new TypeError(`error sending request for url (${url})`)),
    () => Response.json({ errors: [{ code: FOREIGN, message: FOREIGN }] }, { status: 401 }),
    () => Response.json({ details: FOREIGN }, { status: 500 }),
  ];
  const registries: readonly Script[] = [
    echoing(401),
    () => unauthorized('Basic realm="r"'),
    () => unauthorized('Bearer realm="https://user:CANARY@auth.example/token"'),
    () => unauthorized('Bearer realm="https://10.0.0.1/?sig=CANARY"'),
    () => unauthorized('Bearer realm="https://auth.example/token?sig=CANARY"'),
    () => unauthorized(`${bearer()},error="${FOREIGN}",scope="${FOREIGN}"`),
    () => unauthorized('Basic realm="r"', JSON.stringify({ errors: [{ message: FOREIGN }] })),
    () => unauthorized(),
  ];
  let failures = 0;
  for (const credentials of all) {
    for (const oauth2 of [false, true]) {
      for (const tokenScript of tokenServers) {
        for (const registry of registries) {
          const auth = createAuthenticator({
            transport: scripted({ "auth.example": tokenScript, "r.example": registry }),
            origin: "https://r.example",
            registry: "r.example",
            credentials: staticCredentials("r.example", credentials),
            oauth2,
          });
          assert.doesNotMatch(JSON.stringify(auth), SECRETS);
          const make = get("/v2/app/tags/list?X-Amz-Signature=CANARY");
          const sent = auth.send(make, { scopes: ["repository:app:pull"] });
          const error = await sent.then(() => undefined, (error: unknown) => error);
          assert.ok(error instanceof Error, "a registry that refuses everything was satisfied");
          assert.doesNotMatch(shown(error), SECRETS);
          failures++;
        }
      }
    }
  }
  assert.equal(failures, all.length * 2 * tokenServers.length * registries.length);
});
