import { test } from "node:test";
import assert from "node:assert/strict";
import { InvalidConfigError } from "../../lib/model/errors.ts";
import {
  basicAuthorization,
  type CredentialProvider,
  dockerConfigCredentials,
  findAuthEntry,
  type HelperRunner,
  hostOfKey,
  parseDockerConfig,
} from "../../lib/auth/mod.ts";
import { corpusBytes, corpusJSON } from "../support/corpus.ts";

interface Entry {
  readonly Auth?: string;
  readonly Username?: string;
  readonly Password?: string;
  readonly IdentityToken?: string;
  readonly RegistryToken?: string;
}

interface OrasRow {
  readonly file: string;
  readonly serverAddress: string;
  readonly want: Entry;
}

interface Table {
  readonly orasValid: readonly OrasRow[];
  readonly orasLegacy: readonly OrasRow[];
  readonly toHostname: readonly { readonly input: string; readonly expected: string }[];
  readonly decodeAuth: readonly {
    readonly auth: string;
    readonly username: string;
    readonly password: string;
    readonly error: boolean;
  }[];
  readonly encodeAuth: readonly {
    readonly username: string;
    readonly password: string;
    readonly auth: string;
  }[];
  readonly ggcrKeychain: readonly {
    readonly name: string;
    readonly config: string;
    readonly target: string;
    readonly error: boolean;
    readonly want: Entry | null;
  }[];
  readonly ggcrAuthJSON: readonly {
    readonly name: string;
    readonly json: string;
    readonly error: string | null;
    readonly want: Entry;
  }[];
}

const table = () => corpusJSON<Table>("tables/docker-config.json");
const FOLDER = "oras-go/registry/remote/internal/configuration/testdata";

async function orasFile(name: string): Promise<string> {
  return new TextDecoder().decode(await corpusBytes(`${FOLDER}/${name}`));
}

/** What lading has of an entry, in oras-go's words; `Auth` is made from user name and password. */
function entryOf(text: string, registry: string): Entry {
  const entry = findAuthEntry(parseDockerConfig(text), registry);
  const { username, password, identityToken, registryToken } = entry ?? {};
  return {
    ...(username === undefined ? {} : { Username: username }),
    ...(password === undefined ? {} : { Password: password }),
    ...(identityToken === undefined ? {} : { IdentityToken: identityToken }),
    ...(registryToken === undefined ? {} : { RegistryToken: registryToken }),
  };
}

/** oras-go's raw entries, as they are meant: `auth` stands for user name and password, and wins. */
function meant({ Auth, ...rest }: Entry): Entry {
  if (Auth === undefined) return rest;
  const [Username = "", Password = ""] = atob(Auth).split(":");
  return { ...rest, Username, Password };
}

const withAuthEntry = (entry: string) => `{"auths":{"r.example":${entry}}}`;

test("findAuthEntry() finds what oras-go finds in a valid file", async () => {
  const { orasValid } = await table();
  for (const { file, serverAddress, want } of orasValid) {
    assert.deepEqual(entryOf(await orasFile(file), serverAddress), meant(want), serverAddress);
  }
  assert.equal(orasValid.length, 9);
});

test("findAuthEntry() finds what oras-go finds under keys that are URLs", async () => {
  const { orasLegacy } = await table();
  for (const { file, serverAddress, want } of orasLegacy) {
    assert.deepEqual(entryOf(await orasFile(file), serverAddress), meant(want), serverAddress);
  }
  assert.equal(orasLegacy.length, 8);
});

test("hostOfKey() finds the host as oras-go does", async () => {
  const { toHostname } = await table();
  for (const { input, expected } of toHostname) assert.equal(hostOfKey(input), expected, input);
  assert.equal(toHostname.length, 8);
});

test("dockerConfigCredentials() decodes auth as oras-go does", async () => {
  const { decodeAuth } = await table();
  for (const { auth, username, password, error } of decodeAuth) {
    const config = parseDockerConfig(withAuthEntry(JSON.stringify({ auth })));
    const found = dockerConfigCredentials(config)({ registry: "r.example" });
    if (error) {
      await assert.rejects(found, InvalidConfigError, auth);
      continue;
    }
    const expected = auth === "" ? { kind: "anonymous" } : { kind: "basic", username, password };
    assert.deepEqual(await found, expected, auth);
  }
  assert.equal(decodeAuth.length, 6);
});

test("basicAuthorization() encodes as oras-go does", async () => {
  const { encodeAuth } = await table();
  for (const { username, password, auth } of encodeAuth) {
    // oras-go has "" for no user name and no password; lading sends no header then.
    const expected = auth === "" ? "Basic Og==" : `Basic ${auth}`;
    assert.equal(basicAuthorization({ kind: "basic", username, password }), expected);
  }
  assert.equal(encodeAuth.length, 4);
});

test("dockerConfigCredentials() finds what go-containerregistry finds", async () => {
  const { ggcrKeychain } = await table();
  for (const { name, config, target, error, want } of ggcrKeychain) {
    const [registry = "", ...path] = target.split("/");
    const repository = path.join("/");
    const find = async () => {
      const provider = dockerConfigCredentials(parseDockerConfig(config), {
        helper: () => Promise.reject(new Error("no program")),
      });
      return await provider({ registry, ...(repository === "" ? {} : { repository }) });
    };
    if (error) {
      await assert.rejects(find(), InvalidConfigError, name);
      continue;
    }
    const expected = want === null
      ? { kind: "anonymous" }
      : { kind: "basic", username: want.Username, password: want.Password };
    assert.deepEqual(await find(), expected, name);
  }
  assert.equal(ggcrKeychain.length, 8);
});

test("findAuthEntry() reads entries as go-containerregistry does", async () => {
  const { ggcrAuthJSON } = await table();
  for (const { name, json, error, want } of ggcrAuthJSON) {
    const read = () => entryOf(withAuthEntry(json), "r.example");
    if (error === null) assert.deepEqual(read(), meant(want), name);
    else assert.throws(read, InvalidConfigError, name);
  }
  assert.equal(ggcrAuthJSON.length, 7);
});

async function find(text: string, registry: string, repository?: string, helper?: HelperRunner) {
  const provider = dockerConfigCredentials(parseDockerConfig(text), { helper });
  return await provider({ registry, ...(repository === undefined ? {} : { repository }) });
}

test("dockerConfigCredentials() prefers a registry token, then an identity token", async () => {
  const registry = "registry4.example.com";
  const text = await orasFile("valid_auths_config.json");
  assert.deepEqual(await find(text, registry), { kind: "registry-token", token: "registry_token" });
  const docker = withAuthEntry('{"auth":"dXNlcjo=","identitytoken":"id"}');
  assert.deepEqual(await find(docker, "r.example"), { kind: "identity-token", token: "id" });
});

test("dockerConfigCredentials() keeps colons in passwords and drops NUL bytes behind them", async () => {
  for (
    const [pair, password] of [["u:a:b:c", "a:b:c"], ["u:p\0\0\0", "p"], ["u:\u00fc", "\u00fc"]]
  ) {
    const bytes = new TextEncoder().encode(pair);
    const auth = btoa(String.fromCharCode(...bytes));
    assert.deepEqual(await find(withAuthEntry(JSON.stringify({ auth })), "r.example"), {
      kind: "basic",
      username: "u",
      password,
    });
  }
  const unpadded = withAuthEntry('{"auth":"dXNlcjpwYXM"}');
  assert.equal((await find(unpadded, "r.example")).kind, "basic");
});

test("dockerConfigCredentials() lets the key with the longest path win", async () => {
  const auth = (name: string) => ({ username: name, password: "p" });
  const text = JSON.stringify({
    auths: {
      "r.example:5000": auth("host"),
      "r.example:5000/a": auth("a"),
      "r.example:5000/a/b": auth("b"),
      "r.example:5000/a/bc/": auth("bc"),
      "r.example": auth("other port"),
      "docker.io/library": auth("library"),
    },
  });
  const rows: readonly (readonly [registry: string, repository: string | undefined, string])[] = [
    ["r.example:5000", undefined, "host"],
    ["r.example:5000", "x", "host"],
    ["r.example:5000", "a", "a"],
    ["r.example:5000", "ab", "host"],
    ["r.example:5000", "a/x", "a"],
    ["r.example:5000", "a/b", "b"],
    ["r.example:5000", "a/b/c", "b"],
    ["r.example:5000", "a/bc/d", "bc"],
    ["r.example:5000", "a/bcd", "a"],
    ["r.example", "a/b", "other port"],
    ["docker.io", "library/alpine", "library"],
  ];
  for (const [registry, repository, username] of rows) {
    const found = await find(text, registry, repository);
    assert.deepEqual(
      found,
      { kind: "basic", username, password: "p" },
      `${registry}/${repository}`,
    );
  }
  assert.equal((await find(text, "docker.io", "user/app")).kind, "anonymous");
});

test("dockerConfigCredentials() compares hosts in any case and without the default port", async () => {
  const text = '{"auths":{"GHCR.io":{"auth":"dTpw"},"q.example:443":{"auth":"dTpw"}}}';
  for (const registry of ["ghcr.io", "ghcr.io:443", "q.example", "q.example:443"]) {
    assert.equal((await find(text, registry)).kind, "basic", registry);
  }
  for (const registry of ["ghcr.io:80", "ghcr.io.example", "hcr.io", "example"]) {
    assert.equal((await find(text, registry)).kind, "anonymous", registry);
  }
});

function helperOf(known: Readonly<Record<string, string>>) {
  const asked: string[] = [];
  const helper: HelperRunner = (program, verb, stdin) => {
    asked.push(`${program} ${verb} ${stdin}`);
    const secret = known[stdin];
    const stdout = secret === undefined
      ? "credentials not found in native keychain\n"
      : JSON.stringify({ ServerURL: stdin, Username: "u", Secret: secret });
    return Promise.resolve({ code: secret === undefined ? 1 : 0, stdout, stderr: "" });
  };
  return { helper, asked };
}

test("dockerConfigCredentials() asks the helper of the registry, then that of all, then auths", async () => {
  const helpers = await orasFile("credHelpers_config.json");
  const one = helperOf({ "registry1.example.com": "from helper" });
  assert.deepEqual(await find(helpers, "registry1.example.com", undefined, one.helper), {
    kind: "basic",
    username: "u",
    password: "from helper",
  });
  assert.deepEqual(one.asked, ["docker-credential-registry1-helper get registry1.example.com"]);
  assert.deepEqual(
    await find(helpers, "registry1.example.com", undefined, helperOf({}).helper),
    { kind: "basic", username: "username", password: "password" },
    "a helper that knows nothing leaves it to auths",
  );
  const three = helperOf({});
  await find(helpers, "registry3.example.com", undefined, three.helper);
  assert.deepEqual(three.asked, [], "an empty name is no helper");
  const store = await orasFile("credsStore_config.json");
  const all = helperOf({ "https://index.docker.io/v1/": "hub" });
  assert.equal((await find(store, "docker.io", "library/alpine", all.helper)).kind, "basic");
  assert.equal((await find(store, "test.example.com", undefined, all.helper)).kind, "anonymous");
  assert.deepEqual(all.asked, [
    "docker-credential-teststore get https://index.docker.io/v1/",
    "docker-credential-test-helper get test.example.com",
  ]);
});

test("dockerConfigCredentials() falls back to nothing when a helper fails", async () => {
  const text = '{"auths":{"r.example":{"auth":"dTpw"}},"credsStore":"broken"}';
  const helper: HelperRunner = () => Promise.resolve({ code: 1, stdout: "locked", stderr: "" });
  await assert.rejects(find(text, "r.example", undefined, helper), /exit code 1/);
  await assert.rejects(find(text, "r.example"), InvalidConfigError, "no helper can be run");
});

test("parseDockerConfig() takes an empty file for an empty configuration", async () => {
  for (const file of ["empty.json", "whitespace.json", "no_auths_config.json"]) {
    assert.equal(parseDockerConfig(await orasFile(file)).auths.size, 0, file);
  }
  assert.equal(
    (await find('\ufeff{"auths":null,"credsStore":null}', "r.example")).kind,
    "anonymous",
  );
});

test("parseDockerConfig() refuses malformed files", async () => {
  const texts = [
    ...[await orasFile("bad_config"), await orasFile("invalid_auths_config.json")],
    ...["[]", "null", "1", '"text"', "{", '{"auths":[]}', '{"auths":{},}', '{"credsStore":1}'],
    ...['{"credHelpers":"x"}', '{"credHelpers":{"a":1}}', `{"a":"${"x".repeat(4 << 20)}"}`],
  ];
  for (const text of texts) {
    assert.throws(() => parseDockerConfig(text), InvalidConfigError, text.slice(0, 40));
  }
});

test("dockerConfigCredentials() refuses a broken entry, and only for its registry", async () => {
  const text = await orasFile("invalid_auths_entry_config.json");
  for (const name of ["registry1", "registry2", "registry3"]) {
    await assert.rejects(find(text, `${name}.example.com`), InvalidConfigError, name);
  }
  assert.equal((await find(text, "registry4.example.com")).kind, "anonymous");
});

test("dockerConfigCredentials() takes names that objects have by themselves as hosts", async () => {
  const names = ["__proto__", "constructor", "toString", "hasOwnProperty"];
  for (const name of names) {
    assert.equal((await find('{"auths":{}}', name)).kind, "anonymous", name);
    const text = `{"auths":{"${name}":{"auth":"dTpw"}},"credHelpers":{"__proto__":""}}`;
    assert.equal((await find(text, name)).kind, "basic", name);
  }
  const entry = withAuthEntry('{"__proto__":{"username":"u","password":"p"}}');
  assert.equal((await find(entry, "r.example")).kind, "anonymous");
});

test("errors about a configuration hold none of its secrets", async () => {
  const texts = [
    '{"auths":{"r.example":{"auth":"Q0FOQVJZ"}}}',
    '{"auths":{"r.example":{"auth":"CANARY CANARY"}}}',
    '{"auths":{"r.example":"CANARY"}}',
    '{"auths":{"r.example":{"password":["CANARY"]}}}',
    '{"auths":{"r.example":{"password":"CANARY"',
    '{"auths":"CANARY"}',
  ];
  for (const text of texts) {
    const provider: CredentialProvider = async (request) =>
      await dockerConfigCredentials(parseDockerConfig(text))(request);
    await assert.rejects(provider({ registry: "r.example" }), (error: unknown) => {
      assert.ok(error instanceof InvalidConfigError, text);
      const shown = [error.message, error.stack, error.input, JSON.stringify(error), error.cause];
      assert.doesNotMatch(shown.join("\n"), /CANARY|Q0FOQVJZ/, text);
      return true;
    });
  }
});
