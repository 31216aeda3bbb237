import { test } from "node:test";
import assert from "node:assert/strict";
import { InvalidConfigError, LadingError } from "../../lib/model/errors.ts";
import {
  askHelper,
  eraseFromHelper,
  helperCredentials,
  type HelperOutput,
  listHelper,
  storeInHelper,
} from "../../lib/auth/mod.ts";

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
  for (const [username, password] of [["", "p"], ["u", ""]] as const) {
    const expected = { kind: "basic", username, password };
    assert.deepEqual(await askHelper(reply(username, password), "pass", "r.example"), expected);
  }
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

test("storeInHelper() gives Docker's helpers the secret on their input", async () => {
  const run = runner({});
  await storeInHelper(run, "pass", "r.example:5000", {
    kind: "basic",
    username: "u",
    password: '"p\\',
  });
  await storeInHelper(run, "pass", "docker.io", { kind: "identity-token", token: "refresh" });
  assert.deepEqual(run.runs, [
    [
      "docker-credential-pass",
      "store",
      '{"ServerURL":"r.example:5000","Username":"u","Secret":"\\"p\\\\"}',
    ],
    [
      "docker-credential-pass",
      "store",
      '{"ServerURL":"https://index.docker.io/v1/","Username":"<token>","Secret":"refresh"}',
    ],
  ]);
});

test("storeInHelper() fails when the helper fails, and repeats nothing of what it wrote", async () => {
  const credentials = { kind: "basic", username: "u", password: "CANARY" } as const;
  const runners = [
    runner({ code: 1, stdout: "CANARY", stderr: "CANARY" }),
    () => Promise.reject(new Error("ENOENT")),
  ];
  for (const run of runners) {
    await assert.rejects(storeInHelper(run, "pass", "r.example", credentials), (error: unknown) => {
      assert.ok(error instanceof LadingError);
      assert.equal(error.code, "CREDENTIAL_HELPER_FAILED");
      assert.match(error.message, /^Cannot store the credentials for r\.example with docker-cred/);
      assert.doesNotMatch(`${error.stack}${JSON.stringify(error)}${error.cause}`, /CANARY/);
      return true;
    });
  }
});

test("listHelper() reads the servers and the user names", async () => {
  const list = (stdout: string, code = 0) => listHelper(runner({ stdout, code }), "pass");
  assert.deepEqual(
    await list('{"r.example":"u","https://index.docker.io/v1/":"<token>"}\n'),
    new Map([["r.example", "u"], ["https://index.docker.io/v1/", "<token>"]]),
  );
  assert.equal((await list("\n")).size, 0);
  assert.equal((await list("{}")).size, 0);
  assert.deepEqual(await list('{"r.example":5,"s.example":"u"}'), new Map([["s.example", "u"]]));
  const wrong = [
    ["CANARY", 0, /its answer is no JSON/],
    ["[]", 0, /its answer is no list/],
    ["null", 0, /its answer is no list/],
    ["CANARY", 1, /it failed with exit code 1;/],
  ] as const;
  for (const [stdout, code, message] of wrong) {
    await assert.rejects(list(stdout, code), (error: unknown) => {
      assert.ok(error instanceof LadingError && error.code === "CREDENTIAL_HELPER_FAILED");
      assert.match(error.message, message);
      assert.doesNotMatch(String(error.stack), /CANARY/);
      return true;
    });
  }
});

test("eraseFromHelper() erases a registry under every spelling that the helper lists", async () => {
  const runs: string[] = [];
  const helper = (_: string, verb: string, stdin: string): Promise<HelperOutput> => {
    runs.push(`${verb} ${stdin}`);
    const stdout = JSON.stringify({
      "https://index.docker.io/v1/": "u",
      "https://index.docker.io/v1/access-token": "u",
      "docker.io": "u",
      "docker.io.attacker.dev": "u",
      "r.example": "u",
    });
    return Promise.resolve({ code: 0, stdout: verb === "list" ? stdout : "", stderr: "" });
  };
  assert.equal(await eraseFromHelper(helper, "pass", "registry-1.docker.io"), true);
  assert.deepEqual(runs, [
    ...["list ", "erase https://index.docker.io/v1/"],
    ...["erase https://index.docker.io/v1/access-token", "erase docker.io"],
  ]);
  runs.length = 0;
  assert.equal(await eraseFromHelper(helper, "pass", "unknown.example"), false);
  assert.deepEqual(runs, ["list "]);
});

test("eraseFromHelper() fails when the helper does not erase", async () => {
  const helper = (_: string, verb: string): Promise<HelperOutput> =>
    Promise.resolve({ code: verb === "list" ? 0 : 1, stdout: '{"r.example":"u"}', stderr: "" });
  await assert.rejects(
    eraseFromHelper(helper, "pass", "r.example"),
    /Cannot erase the credentials for r\.example from docker-credential-pass: .*exit code 1/,
  );
});

test("eraseFromHelper() fails when the helper does not list", async () => {
  const helper = () => Promise.resolve({ code: 1, stdout: '{"r.example":"u"}', stderr: "" });
  await assert.rejects(eraseFromHelper(helper, "pass", "r.example"), /exit code 1/);
});

test("no verb runs anything by a name that could be another program", async () => {
  const credentials = { kind: "basic", username: "u", password: "p" } as const;
  for (const name of ["", "a/b", "../../x", "a b", "$(x)"]) {
    const run = runner({ stdout: "{}" });
    await assert.rejects(storeInHelper(run, name, "r", credentials), InvalidConfigError);
    await assert.rejects(listHelper(run, name), InvalidConfigError);
    await assert.rejects(eraseFromHelper(run, name, "r"), InvalidConfigError);
    assert.equal(run.runs.length, 0, name);
  }
});
