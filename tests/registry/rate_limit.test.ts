import { test } from "node:test";
import assert from "node:assert/strict";
import { NotFoundError, RateLimitError } from "../../lib/model/errors.ts";
import type { RateLimit } from "../../lib/registry/mod.ts";
import { bench, errorResponse, failure } from "./scripted.ts";

const NOTHING: RateLimit = {
  limit: undefined,
  remaining: undefined,
  windowSeconds: undefined,
  resetSeconds: undefined,
  source: undefined,
};

test("rateLimit() reads what the header of a manifest says, and pulls nothing", async () => {
  const rows: readonly (readonly [Record<string, string>, Partial<RateLimit>])[] = [
    [
      {
        "ratelimit-limit": "100;w=21600",
        "ratelimit-remaining": "76;w=21600",
        "docker-ratelimit-source": "192.0.2.1",
      },
      { limit: 100, remaining: 76, windowSeconds: 21_600, source: "192.0.2.1" },
    ],
    [
      {
        "ratelimit-limit": "10, 10;w=1, 1000;w=3600",
        "ratelimit-remaining": " 0 ",
        "ratelimit-reset": "50",
      },
      { limit: 10, remaining: 0, resetSeconds: 50 },
    ],
    [{ "ratelimit-limit": '100 ; w=60;comment="x"' }, { limit: 100, windowSeconds: 60 }],
    [{ "ratelimit-remaining": "7;w=9" }, { remaining: 7, windowSeconds: 9 }],
    [{ "ratelimit-limit": "many", "ratelimit-remaining": "-1", "ratelimit-reset": "1x" }, {}],
    [{}, {}],
  ];
  for (const [headers, expected] of rows) {
    const b = bench(() => new Response(null, { headers }));
    const limit = await b.clock.run(b.repository.rateLimit("1"));
    assert.deepEqual(limit, { ...NOTHING, ...expected }, JSON.stringify(headers));
    assert.deepEqual(b.transport.seen.map(({ method, path }) => `${method} ${path}`), [
      "HEAD /v2/acme/app/manifests/1",
    ]);
  }
});

test("rateLimit() tells the limit where nothing is left, or fails as a pull does", async () => {
  const headers = { "ratelimit-limit": "100;w=21600", "ratelimit-remaining": "0;w=21600" };
  const spent = bench(() => new Response(null, { status: 429, headers }));
  const limit = await spent.clock.run(spent.repository.rateLimit("1"));
  assert.deepEqual([limit.limit, limit.remaining], [100, 0]);
  assert.equal(spent.transport.seen.length, 1);

  const silent = bench(() => errorResponse(429, "TOOMANYREQUESTS"));
  const limited = await failure(silent.clock.run(silent.repository.rateLimit("1")));
  assert.ok(limited instanceof RateLimitError, String(limited));
  const absent = bench(() => errorResponse(404, "MANIFEST_UNKNOWN"));
  const error = await failure(absent.clock.run(absent.repository.rateLimit("9")));
  assert.ok(error instanceof NotFoundError, String(error));
  assert.match(error.message, /^Cannot ask for the rate limit of "registry\.example\/acme\/app:9"/);
});
