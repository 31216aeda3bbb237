import { test } from "node:test";
import assert from "node:assert/strict";
import { createAuthenticator, staticCredentials, TokenCache } from "../../lib/auth/mod.ts";
import { type Script, scripted, unauthorized } from "./scripted.ts";

const REQUESTS = 1_000;
const HOSTS = ["a.example", "b.example"] as const;

/** Both registries send their clients to the same token server, and say that they are the same. */
const CHALLENGE = 'Bearer realm="https://auth.example/token",service="shared"';

for (const users of [["one", "one"], ["one", "another"]] as const) {
  test(`C3: tokens of ${users.join(" and ")} never change sides in ${REQUESTS} requests`, async () => {
    let now = 0;
    let issued = 0;
    const owners = new Map<string, Set<string>>();
    const askers = new Map<string, string | null>();
    const registry: Script = (request, { authorization }) => {
      if (authorization === null) return unauthorized(CHALLENGE);
      const seen = owners.get(authorization) ?? new Set();
      owners.set(authorization, seen.add(new URL(request.url).host));
      // Now and then a token is refused before its end.
      return authorization.endsWith("7")
        ? unauthorized(`${CHALLENGE},error="invalid_token"`)
        : new Response("ok");
    };
    const transport = scripted({
      "a.example": registry,
      "b.example": registry,
      "auth.example": (_, { authorization }) => {
        const token = `token-${++issued}`;
        askers.set(`Bearer ${token}`, authorization);
        return Response.json({ token, expires_in: 60 });
      },
    });
    const tokens = new TokenCache({ now: () => now });
    const sides = HOSTS.map((host, side) =>
      createAuthenticator({
        transport,
        origin: `https://${host}`,
        registry: host,
        credentials: staticCredentials(host, {
          kind: "basic",
          username: users[side] ?? "",
          password: `password of ${users[side]}`,
        }),
        tokens,
        now: () => now,
      })
    );
    for (let i = 0; i < REQUESTS; i += 10) {
      now += 1_000;
      await Promise.all(Array.from({ length: 10 }, async (_, offset) => {
        const side = (i + offset) % 2;
        const url = `https://${HOSTS[side]}/v2/app/tags/list?n=${i + offset}`;
        const send = sides[side]?.send(() => new Request(url), {
          scopes: ["repository:app:pull"],
        });
        // A fresh token that is refused is final.
        const answer = await send?.catch(() => undefined);
        assert.ok(answer === undefined || answer.status === 200);
      }));
    }
    assert.ok(issued >= 4, `${issued} tokens`);
    for (const [token, hosts] of owners) {
      assert.equal(hosts.size, 1, `${token} was sent to ${[...hosts].join(" and ")}`);
      const [host] = hosts;
      const user = users[HOSTS.findIndex((name) => name === host)];
      const basic = `Basic ${btoa(`${user}:password of ${user}`)}`;
      assert.equal(askers.get(token), basic, `${token} is of somebody else`);
    }
  });
}
