import { test } from "node:test";
import assert from "node:assert/strict";
import {
  type Credentials,
  dockerConfigCredentials,
  MAX_CONFIG_LENGTH,
  parseLegacyDockerConfig,
} from "../../lib/auth/mod.ts";
import { InvalidConfigError } from "../../lib/model/errors.ts";

function find(text: string, registry = "docker.io"): Promise<Credentials> {
  return dockerConfigCredentials(parseLegacyDockerConfig(text))({ registry });
}

const KNOWN = { kind: "basic", username: "user", password: "secret" } as const;
const AUTH = btoa("user:secret");
const NOBODY = { kind: "anonymous" } as const;

test("parseLegacyDockerConfig() reads entries that have nothing around them", async () => {
  const text = JSON.stringify({
    "https://index.docker.io/v1/": { auth: AUTH, email: "user@acme.dev" },
    "r.test": { auth: btoa("u:p:with:colons") },
    $schema: "text",
    broken: ["list"],
  });
  for (const spelling of [text, `\ufeff${text}\n`]) {
    assert.deepEqual(await find(spelling), KNOWN);
    assert.deepEqual(await find(spelling, "index.docker.io"), KNOWN);
    assert.deepEqual(await find(spelling, "r.test"), {
      kind: "basic",
      username: "u",
      password: "p:with:colons",
    });
    assert.deepEqual(await find(spelling, "broken"), NOBODY);
    assert.deepEqual(await find(spelling, "other.test"), NOBODY);
  }
});

test("parseLegacyDockerConfig() reads two lines as credentials of Docker Hub", async () => {
  for (const text of [`auth = ${AUTH}\nemail = a@b\n`, `auth=${AUTH}\r\nemail=a@b`]) {
    assert.deepEqual(await find(text), KNOWN);
    assert.deepEqual(await find(text, "r.test"), NOBODY);
  }
});

test("parseLegacyDockerConfig() takes an empty file for an empty configuration", async () => {
  for (const text of ["", " \n", "{}"]) assert.deepEqual(await find(text), NOBODY);
});

test("parseLegacyDockerConfig() names helpers for nobody, and takes __proto__ as data", async () => {
  const text =
    `{"credsStore":"evil","credHelpers":{"r.test":"evil"},"__proto__":{"auth":"${AUTH}"}}`;
  const config = parseLegacyDockerConfig(text);
  assert.equal(config.credsStore, undefined);
  assert.equal(config.credHelpers.size, 0);
  assert.deepEqual(await find(text, "r.test"), NOBODY);
  assert.equal(({} as { auth?: unknown }).auth, undefined);
});

test("parseLegacyDockerConfig() refuses what is no such file, without its secrets", () => {
  for (const text of ["SECRET", "[]", '"SECRET"', "auth = ", "email = SECRET", "auth = ü:SECRET"]) {
    assert.throws(
      () => parseLegacyDockerConfig(text, "old"),
      (error: unknown) =>
        error instanceof InvalidConfigError && error.message.startsWith("Cannot read old: ") &&
        !`${error.message}${error.input}`.includes("SECRET"),
      text,
    );
  }
  assert.throws(
    () => parseLegacyDockerConfig(" ".repeat(MAX_CONFIG_LENGTH + 1)),
    InvalidConfigError,
  );
});
