import { test } from "node:test";
import assert from "node:assert/strict";
import {
  createAuthenticator,
  staticCredentials,
  StoredTokenCache,
  type Token,
  type TokenKey,
} from "../../lib/auth/mod.ts";

const KEY: TokenKey = {
  registry: "https://r.example",
  realm: "https://auth.example/token",
  service: "r.example",
  identity: "",
  scopes: ["repository:app:pull"],
};
const MINE: TokenKey = { ...KEY, identity: '["basic","me","canary-password"]' };
const MORE: TokenKey = { ...MINE, scopes: ["repository:app:push,pull"] };

const token = (value: string, expiresIn = 300): Token => ({ value, expiresIn });
const get = (value: string) => () => Promise.resolve(token(value));

test("StoredTokenCache goes on with the tokens of another process, for their owners only", async () => {
  let now = 1_000_000;
  const options = { now: () => now };
  const first = new StoredTokenCache(undefined, options);
  await first.obtain(KEY, get("nobody"));
  await first.obtain(
    MORE,
    () => Promise.resolve({ ...token("mine", 100), refreshToken: "canary-refresh" }),
  );
  const text = JSON.stringify(first.state());
  assert.doesNotMatch(text, /canary|basic|auth\.example/);
  assert.equal(first.state().tokens.length, 2);

  const second = new StoredTokenCache(JSON.parse(text), options);
  assert.equal(second.get(MINE), undefined, "nobody has asked for it");
  assert.equal((await second.obtain(MINE, get("new"))).value, "mine", "more serves for less");
  assert.equal(second.get(MINE)?.value, "mine");
  for (const field of ["registry", "realm", "service", "identity"]) {
    assert.equal((await second.obtain({ ...MINE, [field]: "other" }, get(field))).value, field);
  }
  assert.equal((await second.obtain(KEY, get("new"))).value, "nobody");
  second.drop(MORE, token("mine"));
  assert.equal((await second.obtain(MORE, get("new"))).value, "new", "a refused one is gone");
  assert.doesNotMatch(JSON.stringify(second.state()), /"mine"/);

  const late = new StoredTokenCache(JSON.parse(text), options);
  now += 100_000;
  assert.equal((await late.obtain(MINE, get("new"))).value, "new", "it has ended meanwhile");
  assert.equal((await late.obtain(KEY, get("new"))).value, "nobody");
  late.clear();
  assert.deepEqual(late.state(), { version: 1, tokens: [] });
});

test("StoredTokenCache ignores a state that is none, and tokens that are none", async () => {
  const cache = new StoredTokenCache();
  await cache.obtain(KEY, get("good"));
  const good = cache.state();
  const [stored] = good.tokens;
  const bad: readonly unknown[] = [
    null,
    5,
    { ...stored, value: "two lines\r\nx-evil: 1" },
    { ...stored, value: 5 },
    { ...stored, scopes: [5] },
    { ...stored, scopes: "all" },
    { ...stored, owner: null },
    { ...stored, endsAt: "tomorrow" },
    { ...stored, value: "far", endsAt: 1e300 },
    { ...stored, value: "none", endsAt: NaN },
  ];
  const states: readonly unknown[] = [
    { version: 1, tokens: bad },
    { version: 1, tokens: { 0: stored, length: 1 } },
    { version: 1, tokens: "tokens" },
    { version: 1 },
    { ...good, version: 2 },
    null,
  ];
  const read = (state: unknown) => new StoredTokenCache(JSON.parse(JSON.stringify(state)));
  for (const state of states) {
    const { value } = await read(state).obtain(KEY, get("new"));
    assert.equal(value, "new", JSON.stringify(state));
  }
  const mixed = read({ ...good, tokens: [...bad, stored] });
  assert.equal((await mixed.obtain(KEY, get("new"))).value, "good");
});

test("a stored token that the registry does not take any more is replaced", async () => {
  let valid = "t1";
  const asked: string[] = [];
  const transport = (request: Request): Promise<Response> => {
    const url = new URL(request.url);
    if (url.host === "auth.example") {
      asked.push(valid);
      return Promise.resolve(Response.json({ token: valid, expires_in: 300 }));
    }
    const isGood = request.headers.get("authorization") === `Bearer ${valid}`;
    const headers = {
      "www-authenticate": 'Bearer realm="https://auth.example/token",service="r.example"',
    };
    return Promise.resolve(new Response(null, isGood ? {} : { status: 401, headers }));
  };
  const send = async (tokens: StoredTokenCache): Promise<number> => {
    const credentials = staticCredentials("r.example", {
      kind: "basic",
      username: "me",
      password: "secret",
    });
    const origin = "https://r.example";
    const auth = createAuthenticator({
      ...{ transport, origin, registry: "r.example", credentials, tokens },
    });
    const scopes = ["repository:app:pull"];
    return (await auth.send(() => new Request(`${origin}/v2/app/tags/list`), { scopes })).status;
  };
  const first = new StoredTokenCache();
  assert.equal(await send(first), 200);
  const second = new StoredTokenCache(JSON.parse(JSON.stringify(first.state())));
  assert.equal(await send(second), 200);
  assert.deepEqual(asked, ["t1"], "the token server was asked once");
  valid = "t2";
  const third = new StoredTokenCache(JSON.parse(JSON.stringify(second.state())));
  assert.equal(await send(third), 200);
  assert.deepEqual(asked, ["t1", "t2"]);
  assert.deepEqual(third.state().tokens.map(({ value }) => value), ["t2"]);
});

test("StoredTokenCache forgets tokens that have ended, and the oldest of too many", async () => {
  let now = 1_000_000;
  const cache = new StoredTokenCache(undefined, { now: () => now });
  await cache.obtain(KEY, get("first"));
  now += 300_000;
  await cache.obtain(MINE, get("second"));
  now -= 300_000;
  assert.deepEqual(cache.state().tokens.map(({ value }) => value), ["second"], "gone for good");
  for (let i = 0; i < 300; i++) {
    await cache.obtain({ ...KEY, scopes: [`repository:app${i}:pull`] }, get(`token${i}`));
  }
  const kept = cache.state().tokens.map(({ value }) => value);
  assert.equal(kept.length, 256);
  assert.deepEqual([kept[0], kept.at(-1)], ["token44", "token299"]);
});
