// Logins to a real registry, with htpasswd and with tokens, and what other programs find afterwards.
import { test } from "node:test";
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AuthenticationError, isLadingError } from "../../lib/model/errors.ts";
import { copy } from "../../lib/ops/mod.ts";
import { Registry } from "../../lib/registry/mod.ts";
import { dockerConfigCredentials, parseDockerConfig } from "../../lib/auth/mod.ts";
import { hostTransport } from "../../lib/runtime/host_transport.ts";
import { login, type LoginOptions, logout } from "../../lib/runtime/login.ts";
import { memoryStore } from "../../lib/store/mod.ts";
import { randomImage } from "../../lib/testing/mod.ts";
import { withDockerRegistry } from "../support/docker_registry.ts";
import { inScratch, missing, mustRun, run } from "../support/program.ts";
import { startTokenServer, type TokenUser } from "../support/token_server.ts";

const PASSWORD = "canary-pass:w\u00f6rd";
const WHO = { username: "acme", password: PASSWORD } as const;

/** What a call fails with; no secret may be in it. */
async function failure(call: Promise<unknown>): Promise<unknown> {
  const error = await call.then(() => undefined, (error: unknown) => error);
  assert.ok(isLadingError(error), String(error));
  const texts = [error.message, error.stack, JSON.stringify(error), String(error.cause)].join("\n");
  assert.doesNotMatch(texts, /canary|Y2FuYXJ5|eyJ/);
  return error;
}

/** A registry that knows one user by its htpasswd file (bcrypt), and a configuration. */
async function withPassword(
  work: (bench: { readonly host: string; readonly config: string }) => Promise<void>,
): Promise<void> {
  await inScratch(async (folder) => {
    const path = join(folder, "htpasswd");
    const { stdout } = await mustRun("htpasswd", ["-nbB", WHO.username, PASSWORD]);
    writeFileSync(path, stdout);
    await withDockerRegistry(
      folder,
      (host) => work({ host, config: join(folder, "config.json") }),
      { htpasswd: { realm: 'a "quoted", realm', path } },
    );
  });
}

const basic = missing("docker-registry", "htpasswd", "skopeo");

test(
  "a login to a real registry with htpasswd serves lading and skopeo",
  { skip: basic },
  () =>
    withPassword(async ({ host, config }) => {
      const result = await login(host, { ...WHO, config });
      assert.equal(result.isProven, true);
      assert.deepEqual(result.place, { kind: "file", name: config });
      const credentials = dockerConfigCredentials(
        parseDockerConfig(readFileSync(config, "utf8"), config),
      );
      const registry = new Registry(host, { transport: hostTransport(), credentials });
      const image = await randomImage("login");
      await image.pushTo(registry.repository("acme/app"), "1");
      const inspect = [
        ...["inspect", "--raw", "--tls-verify=false", "--authfile", config],
        `docker://${host}/acme/app:1`,
      ];
      assert.equal((await mustRun("skopeo", inspect)).code, 0);
      assert.equal((await logout(host, { config })).places.length, 1);
      assert.equal((await logout(host, { config })).places.length, 0);
      assert.notEqual((await run("skopeo", inspect)).code, 0);
    }),
);

test(
  "skopeo and lading read and remove each other's logins",
  { skip: basic },
  () =>
    withPassword(async ({ host, config }) => {
      const skopeo = (...args: string[]) =>
        mustRun("skopeo", [...args, "--authfile", config, host]);
      await skopeo("login", "--tls-verify=false", "-u", WHO.username, "-p", PASSWORD);
      const text = readFileSync(config, "utf8");
      await login(host, { ...WHO, config });
      assert.equal(readFileSync(config, "utf8"), text, "it is the same login, to the character");
      await skopeo("logout");
      assert.equal((await logout(host, { config })).places.length, 0);
      await login(host, { ...WHO, config });
      await skopeo("logout");
      await skopeo("login", "--tls-verify=false", "-u", WHO.username, "-p", PASSWORD);
      assert.equal((await logout(host, { config })).places.length, 1);
      assert.notEqual((await run("skopeo", ["logout", "--authfile", config, host])).code, 0);
    }),
);

test(
  "a wrong password at a real registry is an AuthenticationError",
  { skip: basic },
  () =>
    withPassword(async ({ host, config }) => {
      await login(host, { ...WHO, config });
      const before = readFileSync(config, "utf8");
      const wrong: readonly LoginOptions[] = [
        { username: "acme", password: "canary-wrong", config },
        { username: "nobody", password: PASSWORD, config },
        { identityToken: "canary-token", config },
      ];
      for (const options of wrong) {
        assert.ok(await failure(login(host, options)) instanceof AuthenticationError);
        assert.equal(readFileSync(config, "utf8"), before);
      }
    }),
);

const USERS: ReadonlyMap<string, TokenUser> = new Map([
  ["acme", {
    password: "canary-password",
    identityToken: "canary-identity",
    actions: ["pull", "push"],
  }],
]);

test(
  "logins by password and by identity token at a real registry with tokens",
  { skip: missing("docker-registry", "openssl") },
  () =>
    inScratch(async (folder) => {
      const tokens = await startTokenServer(folder, "ES256", USERS);
      const config = join(folder, "config.json");
      const more = { config, allowedRealms: [tokens.origin] };
      try {
        await withDockerRegistry(folder, async (host) => {
          const identities = [
            { username: "acme", password: "canary-password" },
            { identityToken: "canary-identity" },
          ] as const;
          for (const identity of identities) {
            assert.equal((await login(host, { ...identity, ...more })).isProven, true);
            const credentials = dockerConfigCredentials(
              parseDockerConfig(readFileSync(config, "utf8")),
            );
            const registry = new Registry(host, { credentials, ...more });
            const image = await randomImage("tokens");
            await image.pushTo(registry.repository("acme/app"), "1");
            await copy(registry.repository("acme/app"), "1", memoryStore());
          }
          const before = readFileSync(config, "utf8");
          const wrong = [
            { username: "acme", password: "canary-wrong" },
            { identityToken: "canary-old" },
          ] as const;
          for (const identity of wrong) {
            const error = await failure(login(host, { ...identity, ...more }));
            assert.ok(error instanceof AuthenticationError, String(error));
            assert.equal(readFileSync(config, "utf8"), before);
          }
          const untrusted = login(host, { ...identities[0], config });
          assert.match(String(await failure(untrusted)), /not trusted/);
        }, tokens.auth);
      } finally {
        await tokens.close();
      }
    }),
);
