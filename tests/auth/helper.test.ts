import { test } from "node:test";
import assert from "node:assert/strict";
import { InvalidConfigError, LadingError } from "../../lib/model/errors.ts";
import { askHelper, helperCredentials, type HelperOutput } from "../../lib/auth/mod.ts";

function runner(output: Partial<HelperOutput>) {
  const runs: unknown[][] = [];
  const run = (program: string, verb: string, stdin: string): Promise<HelperOutput> => {
    runs.push([program, verb, stdin]);
    return Promise.resolve({ code: 0, stdout: "", stderr: "", ...output });
  };
  return Object.assign(run, { runs });
}

const reply = (Username: unknown, Secret: unknown) =>
  runner({ stdout: JSON.stringify({ ServerURL: "r.example", Username, Secret }) });

test("askHelper() speaks the protocol of Docker's helpers", async () => {
  const run = reply("user", "secret");
  assert.deepEqual(await askHelper(run, "osxkeychain", "r.example:5000"), {
    kind: "basic",
    username: "user",
    password: "secret",
  });
  assert.deepEqual(run.runs, [["docker-credential-osxkeychain", "get", "r.example:5000"]]);
});

test("askHelper() asks for Docker Hub under the name that Docker logs in with", async () => {
  for (const registry of ["docker.io", "index.docker.io", "registry-1.docker.io"]) {
    const run = reply("user", "secret");
    await helperCredentials(run, "pass")({ registry });
    assert.deepEqual(run.runs, [["docker-credential-pass", "get", "https://index.docker.io/v1/"]]);
  }
});

test("askHelper() takes the user name <token> as the sign of an identity token", async () => {
  assert.deepEqual(await askHelper(reply("<token>", "refresh"), "acr", "r.example"), {
    kind: "identity-token",
    token: "refresh",
  });
});

test("askHelper() gives anonymous credentials when the helper has none", async () => {
  const text = "credentials not found in native keychain";
  const outputs = [{ code: 1, stdout: `${text}\n` }, { code: 1, stderr: `error: ${text}` }];
  for (const output of outputs) {
    assert.deepEqual(await askHelper(runner(output), "pass", "r.example"), { kind: "anonymous" });
  }
  assert.deepEqual(await askHelper(reply("", ""), "pass", "r.example"), { kind: "anonymous" });
});

test("askHelper() fails when the helper fails, and repeats nothing of what it wrote", async () => {
  const outputs: readonly Partial<HelperOutput>[] = [
    { code: 1 },
    { code: 1, stdout: "CANARY", stderr: "CANARY" },
    { code: 127, stderr: "CANARY" },
    { code: 0, stdout: "CANARY" },
    { code: 0, stdout: "credentials not found in native keychain CANARY" },
    { code: 0, stdout: '{"Username":"u","Secret":"CANARY"' },
    { code: 0, stdout: '{"Username":"u","Secret":{"a":"CANARY"}}' },
    { code: 0, stdout: '{"Secret":"CANARY"}' },
    { code: 0, stdout: '["CANARY"]' },
    { code: 0, stdout: "null" },
    { code: 0, stdout: "" },
    { code: 0, stdout: `{"Username":"u","Secret":"${"x".repeat(64 * 1024)}"}` },
  ];
  for (const output of outputs) {
    await assert.rejects(askHelper(runner(output), "pass", "r.example"), (error: unknown) => {
      assert.ok(error instanceof LadingError);
      assert.equal(error.code, "CREDENTIAL_HELPER_FAILED");
      assert.match(
        error.message,
        /^Cannot get credentials for r\.example from docker-credential-pass/,
      );
      assert.doesNotMatch(`${error.stack}${JSON.stringify(error)}${error.cause}`, /CANARY/);
      return true;
    });
  }
});

test("askHelper() fails when the helper cannot be run", async () => {
  const cause = new Error("ENOENT");
  await assert.rejects(
    askHelper(() => Promise.reject(cause), "pass", "r.example"),
    (error: unknown) => error instanceof LadingError && error.cause === cause,
  );
});

test("askHelper() runs nothing by a name that could be another program", async () => {
  const names = [
    ...["", "a/b", "../../x", "a\\b", "a b", "a;b", "a\nb", "a\0b", "$(x)", "\u00e4", "a:b"],
    "x".repeat(65),
  ];
  for (const name of names) {
    const run = reply("user", "secret");
    await assert.rejects(askHelper(run, name, "r.example"), InvalidConfigError, name);
    assert.equal(run.runs.length, 0, name);
  }
  await askHelper(reply("u", "s"), "x".repeat(64), "r.example");
});

test("askHelper() asks for nothing that is more than one line", async () => {
  for (const registry of ["a\nb", "a\rb", "r.example\nhttps://index.docker.io/v1/", "a\0"]) {
    const run = reply("user", "secret");
    await assert.rejects(askHelper(run, "pass", registry), TypeError);
    assert.equal(run.runs.length, 0);
  }
});

test("askHelper() ends with the signal's reason", async () => {
  const reason = new Error("enough");
  const run = reply("user", "secret");
  await assert.rejects(
    askHelper(run, "pass", "r.example", AbortSignal.abort(reason)),
    (error: unknown) => error === reason,
  );
  assert.equal(run.runs.length, 0);
});
