/** Keeping and forgetting credentials: in the file or with its helpers, and never in both. */
import { test } from "node:test";
import assert from "node:assert/strict";
import { InvalidConfigError, LadingError } from "../../lib/model/errors.ts";
import {
  dockerConfigCredentials,
  type DockerConfigFile,
  eraseCredentials,
  type HelperRunner,
  parseDockerConfig,
  storeCredentials,
} from "../../lib/auth/mod.ts";

const BASIC = { kind: "basic", username: "u", password: "CANARY" } as const;

/** A file in memory that counts how often it is written. */
interface MemoryFile extends DockerConfigFile {
  text: string;
  writes: number;
}

function fileOf(text: string): MemoryFile {
  const file: MemoryFile = {
    name: "config.json",
    text,
    writes: 0,
    read: () => Promise.resolve(file.text),
    update(edit: (text: string) => string) {
      const edited = edit(file.text);
      const isChanged = edited !== file.text;
      if (isChanged) file.writes++;
      file.text = edited;
      return Promise.resolve(isChanged);
    },
  };
  return file;
}

/** Helpers that keep secrets as real ones do; those called `broken` fail. */
function helpers() {
  const kept = new Map<string, { readonly Username: string; readonly Secret: string }>();
  const runs: string[] = [];
  const run: HelperRunner = (program, verb, stdin) => {
    runs.push(`${program} ${verb}`);
    const answer = (stdout: string, code = 0) => Promise.resolve({ code, stdout, stderr: "" });
    if (program.endsWith("broken")) return answer("CANARY", 1);
    const key = (server: string) => `${program} ${server}`;
    if (verb === "store") {
      const { ServerURL, ...secret } = JSON.parse(stdin);
      kept.set(key(ServerURL), secret);
      return answer("");
    }
    if (verb === "list") {
      const own = [...kept].filter(([name]) => name.startsWith(`${program} `));
      return answer(
        JSON.stringify(
          Object.fromEntries(own.map(([name, { Username }]) => [name.split(" ")[1], Username])),
        ),
      );
    }
    const found = kept.get(key(stdin));
    if (verb === "erase") kept.delete(key(stdin));
    if (found === undefined) return answer("credentials not found in native keychain\n", 1);
    return answer(JSON.stringify({ ServerURL: stdin, ...found }));
  };
  return { run, runs, kept };
}

const read = (text: string, registry: string, helper?: HelperRunner) =>
  dockerConfigCredentials(parseDockerConfig(text), { helper })({ registry });

test("storeCredentials() keeps credentials in the file where there is no helper", async () => {
  const file = fileOf("");
  assert.deepEqual(await storeCredentials(file, "r.example", BASIC), {
    kind: "file",
    name: "config.json",
  });
  assert.deepEqual(await read(file.text, "r.example"), BASIC);
  await storeCredentials(file, "r.example", BASIC);
  assert.equal(file.writes, 1, "what is there already is not written again");
});

test("storeCredentials() gives them to the helper of the registry, else to that of all", async () => {
  const text = '{"credsStore":"all","credHelpers":{"r.example":"one","https://docker.io":""}}';
  const rows = [
    ["r.example", "docker-credential-one"],
    ["q.example", "docker-credential-all"],
    ["R.example:443", "docker-credential-one"],
  ] as const;
  for (const [registry, name] of rows) {
    const file = fileOf(text);
    const { run, runs } = helpers();
    const place = await storeCredentials(file, registry, BASIC, { helper: run });
    assert.deepEqual(place, { kind: "helper", name });
    assert.deepEqual(runs, [`${name} store`]);
    assert.equal(file.text, text, "the secret is in no file");
    assert.deepEqual(await read(file.text, registry, run), BASIC);
  }
  const file = fileOf(text);
  assert.equal((await storeCredentials(file, "docker.io", BASIC)).kind, "file", "an empty name");
});

test("storeCredentials() takes out of the file what a helper keeps now", async () => {
  const file = fileOf('{"auths":{"r.example":{"auth":"b2xkOm9sZA=="},"x":{}},"credsStore":"all"}');
  const { run } = helpers();
  await storeCredentials(file, "r.example", BASIC, { helper: run });
  assert.equal(file.text, '{"auths":{"x":{}},"credsStore":"all"}');
});

test("storeCredentials() gives identity tokens to helpers as Docker does", async () => {
  const file = fileOf('{"credsStore":"all"}');
  const { run, kept } = helpers();
  const token = { kind: "identity-token", token: "refresh", username: "u" } as const;
  await storeCredentials(file, "docker.io", token, { helper: run });
  assert.deepEqual([...kept], [
    ["docker-credential-all https://index.docker.io/v1/", {
      Username: "<token>",
      Secret: "refresh",
    }],
  ]);
  assert.deepEqual(await read(file.text, "docker.io", run), {
    kind: "identity-token",
    token: "refresh",
  });
});

test("storeCredentials() keeps nothing in the file when the helper fails or cannot be run", async () => {
  const text = '{"auths":{"r.example":{}},"credsStore":"broken"}';
  const file = fileOf(text);
  await assert.rejects(
    storeCredentials(file, "r.example", BASIC, { helper: helpers().run }),
    (error: unknown) =>
      error instanceof LadingError && error.code === "CREDENTIAL_HELPER_FAILED" &&
      !/CANARY/.test(String(error.stack)),
  );
  await assert.rejects(storeCredentials(file, "r.example", BASIC), InvalidConfigError);
  assert.equal(file.text, text);
  assert.equal(file.writes, 0);
});

test("eraseCredentials() tells where there was something", async () => {
  const { run } = helpers();
  const options = { helper: run };
  const file = fileOf('{"credHelpers":{"r.example":"one"}}');
  await storeCredentials(file, "r.example", BASIC, options);
  await storeCredentials(file, "q.example", BASIC, options);
  assert.deepEqual(await eraseCredentials(file, "unknown.example", options), []);
  assert.deepEqual(await eraseCredentials(file, "q.example", options), [
    { kind: "file", name: "config.json" },
  ]);
  assert.deepEqual(await eraseCredentials(file, "r.example", options), [
    { kind: "helper", name: "docker-credential-one" },
  ]);
  assert.deepEqual(await eraseCredentials(file, "r.example", options), []);
  for (const registry of ["r.example", "q.example"]) {
    assert.equal((await read(file.text, registry, run)).kind, "anonymous");
  }
});

test("eraseCredentials() empties the file even when the helper fails, and tells the failure", async () => {
  const file = fileOf('{"auths":{"r.example":{"auth":"dTpw"}},"credsStore":"broken"}');
  await assert.rejects(
    eraseCredentials(file, "r.example", { helper: helpers().run }),
    /Cannot list the credentials of docker-credential-broken/,
  );
  assert.equal(file.text, '{"auths":{},"credsStore":"broken"}');
});

test("whoever aborts reaches the file and the helpers, wherever they are asked", async () => {
  const { signal } = new AbortController();
  const told: (AbortSignal | undefined)[] = [];
  const tell = <Result>(seen: AbortSignal | undefined, result: Result): Promise<Result> => {
    told.push(seen);
    return Promise.resolve(result);
  };
  const file = (text: string): DockerConfigFile => ({
    name: "config.json",
    read: (seen) => tell(seen, text),
    update: (edit, seen) => tell(seen, edit(text) !== text),
  });
  const helper: HelperRunner = (_, verb, __, seen) =>
    tell(seen, {
      code: 0,
      stdout: verb === "list" ? '{"r.example":"u"}' : '{"Username":"u","Secret":"s"}',
      stderr: "",
    });
  const kept = '{"credsStore":"kept"}';
  await storeCredentials(file("{}"), "r.example", BASIC, { signal });
  await storeCredentials(file(kept), "r.example", BASIC, { signal, helper });
  await eraseCredentials(file(kept), "r.example", { signal, helper });
  const provider = dockerConfigCredentials(parseDockerConfig(kept), { helper });
  await provider({ registry: "r.example", signal });
  assert.equal(told.length, 2 + 3 + 4 + 1);
  assert.ok(told.every((seen) => seen === signal));
});
