import { test } from "node:test";
import assert from "node:assert/strict";
import { type Challenge, parseChallenges } from "../../lib/auth/mod.ts";
import { corpusJSON } from "../support/corpus.ts";

type Parameters = Readonly<Record<string, string>>;

interface Table {
  readonly regclient: readonly {
    readonly name: string;
    readonly header: string;
    readonly challenges: readonly { readonly authType: string; readonly params: Parameters }[];
    readonly error: string | null;
  }[];
  readonly orasGo: readonly {
    readonly name: string;
    readonly header: string;
    readonly scheme: string;
    readonly params: Parameters | null;
  }[];
  readonly containerd: readonly {
    readonly name: string;
    readonly header: string;
    readonly scheme: string;
    readonly params: Parameters;
  }[];
}

const table = () => corpusJSON<Table>("tables/auth-challenge.json");

function plain(challenge: Challenge | undefined): unknown {
  if (challenge === undefined) return undefined;
  return { scheme: challenge.scheme, params: Object.fromEntries(challenge.parameters) };
}

/**
 * The rows that regclient refuses. oras-go keeps what it could read of such headers ("incomplete
 * quote"), and so does lading: a registry that forgets a comma or a quote still says which scheme
 * it wants. What was cut short is left out, so a broken realm is no realm.
 */
const REGCLIENT_REFUSES: Readonly<Record<string, Parameters>> = {
  "Missing commas": { realm: "Dev", charset: "UTF-8" },
  "Missing close quote": {},
  "Missing value after escape": {},
};

test("parseChallenges() reads what regclient reads", async () => {
  const { regclient } = await table();
  for (const { name, header, challenges, error } of regclient) {
    if (error !== null) continue;
    const expected = challenges.map(({ authType, params }) => ({ scheme: authType, params }));
    assert.deepEqual(parseChallenges(header).map(plain), expected, `${name}: ${header}`);
  }
  assert.equal(regclient.length, 11);
});

test("parseChallenges() keeps what is readable where regclient refuses", async () => {
  const { regclient } = await table();
  const refused = regclient.filter(({ error }) => error !== null);
  assert.deepEqual(refused.map(({ name }) => name), Object.keys(REGCLIENT_REFUSES));
  for (const { name, header } of refused) {
    const expected = [{ scheme: "basic", params: REGCLIENT_REFUSES[name] }];
    assert.deepEqual(parseChallenges(header).map(plain), expected, `${name}: ${header}`);
  }
});

test("parseChallenges() reads what oras-go reads of the first challenge", async () => {
  const { orasGo } = await table();
  for (const { name, header, scheme, params } of orasGo) {
    const [first] = parseChallenges(header);
    if (scheme === "unknown") {
      // oras-go knows two schemes; lading names the others, and nobody answers them.
      assert.ok(first?.scheme !== "basic" && first?.scheme !== "bearer", `${name}: ${header}`);
      continue;
    }
    assert.equal(first?.scheme, scheme, `${name}: ${header}`);
    // oras-go reads the parameters of Bearer only, and has null for none.
    if (scheme !== "bearer") continue;
    assert.deepEqual(Object.fromEntries(first.parameters), params ?? {}, `${name}: ${header}`);
  }
  assert.equal(orasGo.length, 16);
});

test("parseChallenges() reads what containerd reads", async () => {
  const { containerd } = await table();
  for (const { name, header, scheme, params } of containerd) {
    assert.deepEqual(
      parseChallenges(header).map(plain),
      [{ scheme, params }],
      `${name}: ${header}`,
    );
  }
  assert.equal(containerd.length, 3);
});

/** Headers of real servers and of RFC 9110, letters as in the reference for registries. */
const VECTORS: readonly (readonly [header: string, challenges: readonly unknown[]])[] = [
  // a: a comma inside quotes
  ['Bearer realm="https://r/t",service="s",scope="repository:a/b:pull,push"', [
    {
      scheme: "bearer",
      params: { realm: "https://r/t", service: "s", scope: "repository:a/b:pull,push" },
    },
  ]],
  // b: two scopes in one value
  ['Bearer realm="https://r/t",scope="repository:lib/y:pull,push repository:lib/x:pull"', [
    {
      scheme: "bearer",
      params: {
        realm: "https://r/t",
        scope: "repository:lib/y:pull,push repository:lib/x:pull",
      },
    },
  ]],
  // c: escaped quotes
  ['Basic realm="my, \\"quoted\\" realm"', [
    { scheme: "basic", params: { realm: 'my, "quoted" realm' } },
  ]],
  // d: two challenges with parameters
  ['Basic realm="x", Bearer realm="https://r/t",service="s"', [
    { scheme: "basic", params: { realm: "x" } },
    { scheme: "bearer", params: { realm: "https://r/t", service: "s" } },
  ]],
  // e: a scheme without parameters in front
  ['Negotiate, Basic realm="e"', [
    { scheme: "negotiate", params: {} },
    { scheme: "basic", params: { realm: "e" } },
  ]],
  // f: an error
  ['Bearer realm="https://r/t",error="insufficient_scope"', [
    { scheme: "bearer", params: { realm: "https://r/t", error: "insufficient_scope" } },
  ]],
  // g: lower case
  ['bearer realm="https://r/g"', [{ scheme: "bearer", params: { realm: "https://r/g" } }]],
  // h: commas to spare
  [',, Basic realm="h",,', [{ scheme: "basic", params: { realm: "h" } }]],
  // i: no service
  ['Bearer realm="https://r/i"', [{ scheme: "bearer", params: { realm: "https://r/i" } }]],
  // j: a relative realm, unquoted
  ["Bearer realm=/token", [{ scheme: "bearer", params: { realm: "/token" } }]],
  // k: an unbalanced quote: the realm does not count
  ['Bearer realm="https://r/k', [{ scheme: "bearer", params: {} }]],
  // RFC 9110 §11.6.1
  ['Basic realm="simple", Newauth realm="apps", type=1, title="Login to \\"apps\\""', [
    { scheme: "basic", params: { realm: "simple" } },
    { scheme: "newauth", params: { realm: "apps", type: "1", title: 'Login to "apps"' } },
  ]],
  // of a repeated parameter the first counts
  ['Bearer realm="https://r/1",realm="https://evil/2"', [
    { scheme: "bearer", params: { realm: "https://r/1" } },
  ]],
  // names that objects have by themselves are names
  ['Bearer __proto__="x",constructor=y', [
    { scheme: "bearer", params: Object.fromEntries([["__proto__", "x"], ["constructor", "y"]]) },
  ]],
];

test("parseChallenges() reads the headers of the reference", () => {
  for (const [header, challenges] of VECTORS) {
    assert.deepEqual(parseChallenges(header).map(plain), challenges, header);
  }
});

test("parseChallenges() keeps the opaque text of other schemes apart from parameters", () => {
  const [negotiate, basic] = parseChallenges('Negotiate YWJj+/==, Basic realm="x"');
  assert.equal(negotiate?.token68, "YWJj+/==");
  assert.equal(negotiate?.parameters.size, 0);
  assert.equal(basic?.parameters.get("realm"), "x");
  assert.equal(basic?.token68, undefined);
});

test("parseChallenges() reads header lines that were joined", () => {
  const headers = new Headers();
  headers.append("www-authenticate", 'Bearer realm="https://r/t",service="s"');
  headers.append("www-authenticate", 'Basic realm="x"');
  const schemes = parseChallenges(headers.get("www-authenticate")).map(({ scheme }) => scheme);
  assert.deepEqual(schemes, ["bearer", "basic"]);
});

test("parseChallenges() finds nothing in no header", () => {
  assert.deepEqual(parseChallenges(null), []);
  assert.deepEqual(parseChallenges(""), []);
  assert.deepEqual(parseChallenges('realm="nobody asked"'), []);
});
