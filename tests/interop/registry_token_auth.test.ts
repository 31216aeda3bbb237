// docker-registry with token authentication: who may do what, and for how long.
import { test } from "node:test";
import assert from "node:assert/strict";
import { AuthenticationError, AuthorizationError, isLadingError } from "../../lib/model/errors.ts";
import { copy } from "../../lib/ops/mod.ts";
import {
  type Credentials,
  Registry,
  type RegistryOptions,
  type Repository,
  staticCredentials,
} from "../../lib/registry/mod.ts";
import { memoryStore } from "../../lib/store/mod.ts";
import { randomImage } from "../../lib/testing/mod.ts";
import { withDockerRegistry } from "../support/docker_registry.ts";
import { inScratch, missing } from "../support/program.ts";
import { startTokenServer, type TokenServer, type TokenUser } from "../support/token_server.ts";

const skip = missing("docker-registry", "openssl");

const REPOSITORY = "acme/app";

/** How long distribution 2.8 takes a token for good after its end. */
const LEEWAY_SECONDS = 60;

const USERS: ReadonlyMap<string, TokenUser> = new Map([
  ["writer", {
    password: "canary-writer-password",
    identityToken: "canary-identity-token",
    actions: ["pull", "push"],
  }],
  ["reader", { password: "canary-reader-password", actions: ["pull"] }],
]);

function basic(username: string, password = USERS.get(username)?.password ?? ""): Credentials {
  return { kind: "basic", username, password };
}

interface Bench {
  readonly tokens: TokenServer;
  /** The requests that went out, as `METHOD path -> status`. */
  readonly sent: string[];
  /** Opens the repository as somebody. */
  open(credentials?: Credentials, options?: RegistryOptions): Repository;
}

async function withBench(
  work: (bench: Bench) => Promise<void>,
  algorithm: "ES256" | "RS256" = "ES256",
): Promise<void> {
  await inScratch(async (folder) => {
    const tokens = await startTokenServer(folder, algorithm, USERS);
    const sent: string[] = [];
    try {
      await withDockerRegistry(folder, async (host) => {
        const open = (credentials?: Credentials, options: RegistryOptions = {}): Repository =>
          new Registry(host, {
            allowedRealms: [tokens.origin],
            retry: { retries: 0 },
            transport: async (request) => {
              const response = await fetch(request);
              sent.push(`${request.method} ${new URL(request.url).pathname} -> ${response.status}`);
              return response;
            },
            ...credentials === undefined
              ? {}
              : { credentials: staticCredentials(host, credentials) },
            ...options,
          }).repository(REPOSITORY);
        await work({ tokens, sent, open });
      }, tokens.auth);
    } finally {
      await tokens.close();
    }
  });
}

/** What a call fails with; no secret may be in it. */
async function failure(call: Promise<unknown>): Promise<unknown> {
  const error = await call.then(() => undefined, (error: unknown) => error);
  assert.ok(isLadingError(error), String(error));
  const texts = [error.message, error.stack, JSON.stringify(error), String(error.cause)];
  assert.doesNotMatch(texts.join("\n"), /canary|eyJ/);
  for (const username of [...USERS.keys(), "nobody"]) {
    for (const password of ["canary-wrong", USERS.get(username)?.password ?? ""]) {
      assert.ok(!texts.join("\n").includes(btoa(`${username}:${password}`)), texts.join("\n"));
    }
  }
  return error;
}

const refusals = (sent: readonly string[]) => sent.filter((line) => line.endsWith("401")).length;

for (const algorithm of ["ES256", "RS256"] as const) {
  test(`an image is pushed and pulled with ${algorithm} tokens, each for what it needs`, {
    skip,
  }, () =>
    withBench(async ({ tokens, sent, open }) => {
      const image = await randomImage("tokens");
      await image.pushTo(open(basic("writer")), "1");
      assert.equal(refusals(sent), 1, sent.join("\n"));
      assert.deepEqual(
        tokens.issued.map(({ user, scopes }) => [user, ...scopes].join(" ")),
        [`writer repository:${REPOSITORY}:pull,push`],
      );
      tokens.issued.length = 0;
      const store = memoryStore();
      await copy(open(basic("reader")), "1", store);
      assert.equal((await store.resolve("1")).digest, image.descriptor.digest);
      assert.deepEqual(
        tokens.issued.map(({ user, scopes }) => [user, ...scopes].join(" ")),
        [`reader repository:${REPOSITORY}:pull`],
      );
    }, algorithm));
}

test(
  "anonymous access is refused, with what is missing",
  { skip },
  () =>
    withBench(async ({ tokens, sent, open }) => {
      await (await randomImage("private")).pushTo(open(basic("writer")), "1");
      sent.length = 0;
      tokens.issued.length = 0;
      const error = await failure(open().manifest("1"));
      assert.ok(error instanceof AuthenticationError);
      assert.match(error.message, /credentials are needed/);
      assert.equal(error.status, 401);
      assert.match(error.challenge ?? "", /^Bearer realm=.*service="registry\.test"/);
      // One token for nobody was asked for, and nothing more was tried.
      assert.deepEqual(tokens.issued.map(({ user, status }) => [user, status]), [["", 200]]);
      assert.equal(sent.filter((line) => line.includes("/manifests/")).length, 2, sent.join("\n"));
    }),
);

test(
  "a wrong password is a typed error that does not repeat it",
  { skip },
  () =>
    withBench(async ({ tokens, sent, open }) => {
      for (
        const credentials of [basic("reader", "canary-wrong"), basic("nobody", "canary-wrong")]
      ) {
        const repository = open(credentials);
        for (const call of [() => repository.manifest("1"), () => repository.resolve("1")]) {
          const error = await failure(call());
          assert.ok(error instanceof AuthenticationError, String(error));
          assert.match(error.message, /401/);
          assert.match(error.message, /Cannot get a token for 127\.0\.0\.1:\d+ from 127\.0\.0\.1/);
        }
      }
      // Never as nobody instead.
      assert.deepEqual(new Set(tokens.issued.map(({ status }) => status)), new Set([401]));
      assert.ok(sent.every((line) => line.endsWith("401")), sent.join("\n"));
    }),
);

test("who may only read cannot write", { skip }, () =>
  withBench(async ({ open }) => {
    const image = await randomImage("read-only");
    const error = await failure(image.pushTo(open(basic("reader")), "1"));
    assert.ok(
      error instanceof AuthenticationError || error instanceof AuthorizationError,
      String(error),
    );
    await image.pushTo(open(basic("writer")), "1");
    assert.equal(
      (await open(basic("reader")).resolve("1")).digest,
      image.descriptor.digest,
    );
  }));

test("a token that the registry no longer takes is replaced, in the middle of a pull", {
  skip,
}, () =>
  withBench(async ({ tokens, sent, open }) => {
    const image = await randomImage("expiry");
    await image.pushTo(open(basic("writer")), "1");
    const reader = open(basic("reader"));
    // The server promises five minutes; for the registry the token ends in two seconds.
    tokens.lifetimeSeconds = 2 - LEEWAY_SECONDS;
    const { parsed } = await reader.manifest("1");
    assert.equal(parsed.kind, "image");
    await new Promise((resolve) => setTimeout(resolve, 3500));
    tokens.lifetimeSeconds = 300;
    tokens.issued.length = 0;
    sent.length = 0;
    const store = memoryStore();
    await copy(reader, "1", store);
    assert.equal((await store.resolve("1")).digest, image.descriptor.digest);
    assert.equal(refusals(sent), 1, sent.join("\n"));
    assert.deepEqual(tokens.issued.map(({ user, status }) => [user, status]), [["reader", 200]]);
  }));

test(
  "a token that is good for nobody is not asked for again and again",
  { skip },
  () =>
    withBench(async ({ tokens, open }) => {
      tokens.lifetimeSeconds = -10 * LEEWAY_SECONDS;
      const error = await failure(open(basic("reader")).manifest("1"));
      assert.ok(error instanceof AuthenticationError, String(error));
      assert.match(error.message, /refuses the token/);
      assert.equal(tokens.issued.length, 1);
    }),
);

test(
  "a token is renewed before its end by the clock, without a refusal",
  { skip },
  () =>
    withBench(async ({ tokens, sent, open }) => {
      await (await randomImage("clock")).pushTo(open(basic("writer")), "1");
      let passedMs = 0;
      const reader = open(basic("reader"), {
        clock: {
          now: () => Date.now() + passedMs,
          setTimer(ms, callback) {
            const timer = setTimeout(callback, ms);
            return () => clearTimeout(timer);
          },
        },
      });
      await reader.manifest("1");
      sent.length = 0;
      tokens.issued.length = 0;
      passedMs = 296_000;
      await reader.manifest("1");
      assert.equal(tokens.issued.length, 1);
      assert.equal(refusals(sent), 0, sent.join("\n"));
    }),
);

test(
  "an identity token is exchanged by POST",
  { skip },
  () =>
    withBench(async ({ tokens, open }) => {
      const image = await randomImage("identity");
      const token = USERS.get("writer")?.identityToken ?? "";
      await image.pushTo(open({ kind: "identity-token", token }), "1");
      assert.deepEqual(tokens.issued.map(({ method, user }) => `${method} ${user}`), [
        "POST writer",
      ]);
    }),
);

test("C2: a token server elsewhere on loopback is not told anything unless it is allowed", {
  skip,
}, () =>
  withBench(async ({ tokens, open }) => {
    const error = await failure(open(basic("reader"), { allowedRealms: [] }).manifest("1"));
    assert.ok(error instanceof AuthenticationError);
    assert.match(error.message, /its token server is not trusted/);
    assert.deepEqual(tokens.issued, []);
  }));
