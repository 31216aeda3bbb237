import { test } from "node:test";
import assert from "node:assert/strict";
import { NotFoundError, RateLimitError, RegistryError } from "../../lib/model/errors.ts";
import { backoff, backoffCeiling, isTemporary, retryPolicy } from "../../lib/registry/retry.ts";
import type { RegistryEvent } from "../../lib/registry/mod.ts";
import { corpusJSON } from "../support/corpus.ts";
import { FakeClock, turn } from "./fake_clock.ts";
import {
  answer,
  bench,
  CONFIG,
  errorResponse,
  failure,
  MANIFEST,
  readAllBytes,
  type Script,
} from "./scripted.ts";

interface RetryTable {
  readonly temporary: readonly {
    readonly status: number | null;
    readonly codes: readonly string[];
    readonly retry: boolean;
  }[];
  readonly orasBackoffMs: readonly { readonly attempt: number; readonly ms: number }[];
}

/** Fails with the given statuses, then answers. */
function burst(statuses: readonly number[], headers: Record<string, string> = {}): Script {
  return (request, _, count) => {
    const status = statuses[count - 1];
    return status === undefined
      ? answer(MANIFEST, request)
      : errorResponse(status, "UNKNOWN", headers);
  };
}

function delays(events: readonly RegistryEvent[]): number[] {
  return events.flatMap((event) => event.type === "retry" ? [event.delayMs] : []);
}

test("the table retry-policy: which failures are temporary", async () => {
  const { temporary } = await corpusJSON<RetryTable>("tables/retry-policy.json");
  for (const { status, codes, retry } of temporary) {
    const diagnostics = codes.map((code) => ({ code }));
    const found = isTemporary({ status: status ?? 0, diagnostics });
    assert.equal(found, retry, `${status} ${codes.join(" ")}`);
  }
});

test("the table retry-policy: waits start at 250 ms and double", async () => {
  const { orasBackoffMs } = await corpusJSON<RetryTable>("tables/retry-policy.json");
  for (const { attempt, ms } of orasBackoffMs) {
    assert.equal(backoffCeiling(retryPolicy(), attempt), ms, `attempt ${attempt}`);
  }
  assert.equal(backoffCeiling(retryPolicy(), 20), 20_000);
  assert.equal(backoff(retryPolicy({ random: () => 0 }), 3), 0);
  assert.equal(backoff(retryPolicy({ random: () => 0.25 }), 3), 500);
});

test("F7: a burst of 500, 500, 502, 503, 504 passes", async () => {
  const b = bench(burst([500, 500, 502, 503, 504]));
  const { ms } = await b.clock.measure(() => b.repository.manifest("v1"));
  assert.equal(b.transport.seen.length, 6);
  assert.ok(ms >= 1000 && ms <= 40_000, `${ms} ms`);
  assert.deepEqual(delays(b.events), [125, 250, 500, 1000, 2000]);
});

test("F7: six failures in a row are an error that says so", async () => {
  const b = bench(burst([500, 500, 502, 503, 504, 503, 200]));
  const error = await failure(b.clock.run(b.repository.manifest("v1")));
  assert.ok(error instanceof RegistryError);
  assert.equal(error.status, 503);
  assert.match(error.message, /answered 503 UNKNOWN after 6 attempts/);
  assert.equal(b.transport.seen.length, 6);
});

for (const status of [408, 425, 429, 499, 500, 502, 503, 504, 520, 521, 522, 523, 524]) {
  test(`${status} is repeated`, async () => {
    const b = bench(burst([status]));
    await b.clock.run(b.repository.manifest("v1"));
    assert.equal(b.transport.seen.length, 2);
  });
}

for (const status of [400, 402, 403, 404, 405, 409, 410, 413, 416, 418, 451, 501, 505]) {
  test(`${status} is not repeated`, async () => {
    const b = bench(() => errorResponse(status, "DENIED"));
    await failure(b.clock.run(b.repository.manifest("v1")));
    assert.equal(b.transport.seen.length, 1);
  });
}

test("a connection that fails is tried again, with the same waits", async () => {
  const b = bench((request, _, count) => {
    if (count < 4) throw new TypeError("fetch failed");
    return answer(MANIFEST, request);
  });
  await b.clock.run(b.repository.manifest("v1"));
  assert.deepEqual(delays(b.events), [125, 250, 500]);

  const dead = bench(() => {
    throw new TypeError("fetch failed");
  });
  const error = await failure(dead.clock.run(dead.repository.manifest("v1")));
  assert.ok(error instanceof RegistryError);
  assert.equal(error.status, 0);
  assert.match(error.message, /Cannot pull .* after 6 attempts: fetch failed/);
  assert.equal(dead.transport.seen.length, 6);
});

test("F32: a certificate that is wrong does not get better by itself", async () => {
  const b = bench(() => {
    const cause = Object.assign(new Error("self-signed certificate"), {
      code: "DEPTH_ZERO_SELF_SIGNED_CERT",
    });
    throw new TypeError("fetch failed", { cause });
  });
  const error = await failure(b.clock.run(b.repository.manifest("v1")));
  assert.ok(error instanceof RegistryError);
  assert.equal(b.transport.seen.length, 1);
  assert.match(error.message, /no whole answer of .*: fetch failed: self-signed certificate$/);
});

test("what a transport says is final is not sent again", async () => {
  const b = bench(() => {
    throw Object.assign(new TypeError("fetch failed: refused for good"), { isFinal: true });
  });
  const error = await failure(b.clock.run(b.repository.manifest("v1")));
  assert.ok(error instanceof RegistryError);
  assert.equal(b.transport.seen.length, 1);
  assert.match(error.message, /^Cannot pull .*: fetch failed: refused for good$/);
});

test("an error without an answer says what was attempted", async () => {
  const b = bench(() => {
    throw Object.assign(new TypeError("fetch failed"), { isFinal: true });
  });
  const { repository } = b;
  const pushing = { isPushedNext: true };
  const target = MANIFEST.descriptor;
  const attempts: readonly (readonly [verb: string, work: () => Promise<unknown>])[] = [
    ["pull", () => repository.manifest("v1")],
    ["resolve", () => repository.resolve("v1")],
    ["push", () => repository.resolve("v1", pushing)],
    ["look for", () => repository.exists(target)],
    ["look for", () => repository.untag("v1")],
  ];
  for (const [verb, work] of attempts) {
    const { message } = await failure(b.clock.run(work())) as Error;
    assert.ok(message.startsWith(`Cannot ${verb} "registry.example/`), message);
  }
});

test("F32: what the runtimes say of certificates is known, and hosts with such names are not it", async () => {
  const failures: readonly (readonly [said: string, code: string, isFinal: boolean])[] = [
    ["certificate has expired", "CERT_HAS_EXPIRED", true],
    ["unable to verify the first certificate", "UNABLE_TO_VERIFY_LEAF_SIGNATURE", true],
    ["Hostname/IP does not match certificate's altnames", "ERR_TLS_CERT_ALTNAME_INVALID", true],
    ["error sending request: invalid peer certificate: UnknownIssuer", "", true],
    ["received fatal alert: CertificateUnknown", "", true],
    ["TLS peer's certificate is not trusted; reason = self signed certificate", "", true],
    ["getaddrinfo EAI_AGAIN registry.concert.example", "EAI_AGAIN", false],
    ["error sending request for url (https://r.test/v2/acme/certs/manifests/1): reset", "", false],
    ["getaddrinfo EAI_AGAIN certificate.example", "EAI_AGAIN", false],
    ["read ECONNRESET (https://r.test/v2/certificate/app/manifests/1)", "ECONNRESET", false],
  ];
  for (const [said, code, isFinal] of failures) {
    const b = bench((request, _, count) => {
      if (count > 1) return answer(MANIFEST, request);
      throw new TypeError("fetch failed", { cause: Object.assign(new Error(said), { code }) });
    });
    const work = b.clock.run(b.repository.manifest("v1"));
    if (isFinal) await failure(work);
    else await work;
    assert.equal(b.transport.seen.length, isFinal ? 1 : 2, said);
  }
});

test("an error without an answer says what the runtime hides in causes", async () => {
  const causes: readonly (readonly [cause: Error, said: RegExp])[] = [
    [Object.assign(new AggregateError([]), { code: "ECONNREFUSED" }), /failed: ECONNREFUSED$/],
    [new Error("connect: fetch failed"), /failed: connect: fetch failed$/],
    [new Error("failed"), /fetch failed$/],
    [new Error("GET https://me:canary@cdn.test/a?sig=canary"), /: GET https:\/\/cdn\.test\/a$/],
  ];
  for (const [cause, said] of causes) {
    const b = bench(() => {
      throw new TypeError("fetch failed", { cause });
    }, { retry: { retries: 1 } });
    const error = await failure(b.clock.run(b.repository.manifest("v1")));
    assert.ok(error instanceof RegistryError);
    assert.match(error.message, said);
    const [retry] = b.events;
    assert.ok(retry?.type === "retry");
    assert.match(retry.reason, said);
  }
});

async function waitAfter(retryAfter: (clock: FakeClock) => string, status = 429): Promise<number> {
  const clock = new FakeClock();
  const script = burst([status], { "retry-after": retryAfter(clock) });
  const { repository } = bench(script, { clock, retry: { random: () => 0.999 } });
  return (await clock.measure(() => repository.manifest("v1"))).ms;
}

test("F8: Retry-After in seconds is kept", async () => {
  for (const status of [429, 503]) {
    const ms = await waitAfter(() => "2", status);
    assert.ok(ms >= 2000 && ms < 2600, `${ms} ms`);
  }
});

test("F8: Retry-After as a date is kept", async () => {
  const ms = await waitAfter((clock) => new Date(clock.now() + 3000).toUTCString());
  assert.ok(ms >= 2000 && ms < 4000, `${ms} ms`);
});

test("F8: a Retry-After that is past, or none, leaves the usual wait", async () => {
  const past = await waitAfter((clock) => new Date(clock.now() - 3000).toUTCString());
  assert.ok(past < 250, `${past} ms`);
  for (const text of ["soon", "-5", "1e9", "2.5", "0", "", "Jan 2099", "2099-01-01T00:00:00Z"]) {
    const ms = await waitAfter(() => text);
    assert.ok(ms < 250, `${text}: ${ms} ms`);
  }
});

test("F8 and lesson 65: a Retry-After of a day is an error at once, which says how long", async () => {
  const b = bench(() => errorResponse(429, "TOOMANYREQUESTS", { "retry-after": "100000" }));
  const { ms, result } = await b.clock.measure(() => failure(b.repository.manifest("v1")));
  assert.equal(ms, 0);
  assert.ok(result instanceof RateLimitError);
  assert.equal(result.retryAfter, 100_000_000);
  assert.match(result.message, /429 TOOMANYREQUESTS.*try again in 100000 s/);
  assert.equal(b.transport.seen.length, 1);
});

test("lesson 64: the quota of Docker Hub is not worth waiting for", async () => {
  const scripts: Script[] = [
    () => errorResponse(429, "TOOMANYREQUESTS", {}, "You have reached your pull rate limit."),
    () => errorResponse(429, "TOOMANYREQUESTS", { "ratelimit-remaining": "0;w=21600" }),
  ];
  for (const script of scripts) {
    const b = bench(script, { host: "docker.io", name: "alpine" });
    const { ms, result } = await b.clock.measure(() => failure(b.repository.manifest("3.20")));
    assert.ok(result instanceof RateLimitError);
    assert.equal(ms, 0);
    assert.equal(b.transport.seen.length, 1);
  }
});

test("lesson 65: 429 to the end is a RateLimitError with its Retry-After", async () => {
  const b = bench(() => errorResponse(429, "TOOMANYREQUESTS", { "retry-after": "1" }));
  const error = await failure(b.clock.run(b.repository.manifest("v1")));
  assert.ok(error instanceof RateLimitError);
  assert.equal(error.retryAfter, 1000);
  assert.equal(b.transport.seen.length, 6);
});

test("lesson 66: a PUT of a manifest that meets 429 is repeated with its body", async () => {
  const bodies: number[] = [];
  const b = bench(async (request, _, count) => {
    bodies.push((await request.arrayBuffer()).byteLength);
    return count === 1
      ? errorResponse(429, "TOOMANYREQUESTS")
      : new Response(null, { status: 201 });
  });
  await b.clock.run(b.repository.push(MANIFEST.descriptor, MANIFEST.raw));
  assert.deepEqual(bodies, [MANIFEST.raw.byteLength, MANIFEST.raw.byteLength]);
});

test("a pause that the registry asks for holds for its other requests too", async () => {
  const starts: number[] = [];
  const clock = new FakeClock();
  const b = bench((request, seen) => {
    starts.push(clock.now());
    const isFirst = starts.length === 1;
    if (isFirst) return errorResponse(503, "UNAVAILABLE", { "retry-after": "7" });
    return answer(seen.path.includes("/blobs/") ? CONFIG : MANIFEST, request);
  }, { clock });
  const start = clock.now();
  const first = b.repository.manifest("v1");
  for (let i = 0; i < 5; i++) await turn();
  const second = b.repository.fetch(CONFIG.descriptor).then(readAllBytes);
  await clock.run(Promise.all([first, second]));
  assert.equal(starts.length, 3);
  for (const at of starts.slice(1)) assert.ok(at - start >= 7000, `${at - start}`);
});

test("an abort ends a wait at once, with its own reason", async () => {
  const b = bench(() => errorResponse(503, "UNAVAILABLE", { "retry-after": "100" }));
  const controller = new AbortController();
  const reason = new Error("never mind");
  const promise = failure(b.repository.manifest("v1", { signal: controller.signal }));
  await new Promise((resolve) => setTimeout(resolve, 10));
  controller.abort(reason);
  assert.equal(await promise, reason);
  assert.equal(b.clock.pending, 0);
  assert.equal(b.transport.seen.length, 1);
});

test("a signal that has aborted before sends nothing", async () => {
  const b = bench(() => undefined);
  const signal = AbortSignal.abort("no");
  const calls: (() => Promise<unknown>)[] = [
    () => b.repository.resolve("v1", { signal }),
    () => b.repository.manifest("v1", { signal }),
    () => b.repository.fetch(CONFIG.descriptor, { signal }),
    () => b.repository.exists(CONFIG.descriptor, { signal }),
    () => b.repository.push(CONFIG.descriptor, CONFIG.raw, { signal }),
    () => b.repository.push(MANIFEST.descriptor, MANIFEST.raw, { signal }),
    () => b.repository.tags({ signal }).next(),
    () => b.registry.ping({ signal }),
  ];
  for (const call of calls) assert.equal(await failure(call()), "no");
  assert.equal(b.transport.seen.length, 0);
});

test("lesson 43: a repository that is missing is not waited for", async () => {
  const b = bench(() => errorResponse(404, "NAME_UNKNOWN"));
  const error = await failure(b.clock.run(b.repository.push(CONFIG.descriptor, CONFIG.raw)));
  assert.ok(error instanceof NotFoundError);
  assert.match(error.message, /create the repository first/);
  assert.equal(b.transport.seen.length, 1);
});

test("options that make no sense are refused", () => {
  for (const retry of [{ retries: -1 }, { baseMs: NaN }, { maxMs: -5 }, { maxRetryAfterMs: -1 }]) {
    assert.throws(() => retryPolicy(retry), RangeError);
  }
});
