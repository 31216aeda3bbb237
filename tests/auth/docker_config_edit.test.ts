/** Edits of configuration files: what a login writes, and that nothing else changes. */
import { test } from "node:test";
import assert from "node:assert/strict";
import { InvalidConfigError } from "../../lib/model/errors.ts";
import {
  dockerConfigCredentials,
  eraseFromDockerConfig,
  parseDockerConfig,
  type StorableCredentials,
  storeInDockerConfig,
} from "../../lib/auth/mod.ts";
import { corpusBytes } from "../support/corpus.ts";

const BASIC: StorableCredentials = { kind: "basic", username: "user", password: "pass:word" };
const TOKEN: StorableCredentials = { kind: "identity-token", token: "refresh", username: "user" };
const NEW = "new.example:5000";

async function read(text: string, registry: string, repository?: string) {
  const provider = dockerConfigCredentials(parseDockerConfig(text));
  return await provider({ registry, ...(repository === undefined ? {} : { repository }) });
}

const FILES = [
  ...["credHelpers_config.json", "credsStore_config.json", "legacy_auths_config.json"],
  ...["no_auths_config.json", "valid_auths_config.json", "invalid_auths_entry_config.json"],
];

const oras = async (file: string) =>
  new TextDecoder().decode(
    await corpusBytes(`oras-go/registry/remote/internal/configuration/testdata/${file}`),
  );

test("storeInDockerConfig() writes a new file as docker login does", () => {
  assert.equal(
    storeInDockerConfig("", "r.example", BASIC),
    '{\n\t"auths": {\n\t\t"r.example": {\n\t\t\t"auth": "dXNlcjpwYXNzOndvcmQ="\n\t\t}\n\t}\n}',
  );
  assert.equal(
    storeInDockerConfig(" \n", "r.example", BASIC),
    storeInDockerConfig("", "r.example", BASIC),
  );
});

test("storeInDockerConfig() writes an identity token as docker login does", async () => {
  const text = storeInDockerConfig("{}", "r.example", TOKEN);
  assert.deepEqual(JSON.parse(text), {
    auths: { "r.example": { auth: "dXNlcjo=", identitytoken: "refresh" } },
  });
  assert.deepEqual(await read(text, "r.example"), { kind: "identity-token", token: "refresh" });
  const nameless = storeInDockerConfig("{}", "r.example", { kind: "identity-token", token: "t" });
  assert.deepEqual(JSON.parse(nameless), { auths: { "r.example": { identitytoken: "t" } } });
});

test("storeInDockerConfig() takes away what an older login has left", async () => {
  const token = storeInDockerConfig("{}", "r.example", TOKEN);
  const basic = storeInDockerConfig(token, "r.example", BASIC);
  assert.deepEqual(JSON.parse(basic).auths, { "r.example": { auth: "dXNlcjpwYXNzOndvcmQ=" } });
  const old = '{"auths":{"r.example":{"username":"a","email":"m","password":"b","more":1}}}';
  assert.equal(
    storeInDockerConfig(old, "r.example", BASIC),
    '{"auths":{"r.example":{"email":"m","more":1,"auth":"dXNlcjpwYXNzOndvcmQ="}}}',
  );
  const registryToken = '{"auths":{"r.example":{"registrytoken":"old"}}}';
  const found = await read(storeInDockerConfig(registryToken, "r.example", BASIC), "r.example");
  assert.equal(found.kind, "basic");
});

test("storeInDockerConfig() changes nothing else, to the character", async () => {
  const odd = `\ufeff{ "n": 12345678901234567890, "f" : 1.0e2,"__proto__": {"a":[1, {"auths":{}}]},
    "10": "integer keys keep their place", "esc": "\\u0041\\"}{,", "auths":{"a" : 1 },"9": null }\n\n`;
  for (const text of [odd, ...await Promise.all(FILES.map(oras))]) {
    const stored = storeInDockerConfig(text, NEW, BASIC);
    assert.ok(JSON.parse(stored.replace("\ufeff", "")).auths[NEW].auth, text);
    let same = 0;
    while (text.charAt(same) === stored.charAt(same)) same++;
    // Something was put in at one place, and nothing was taken away.
    assert.ok(stored.endsWith(text.slice(same)), text);
    assert.ok(stored.length > text.length, text);
    const erased = eraseFromDockerConfig(stored, NEW);
    if (/"auths"/.test(text)) assert.equal(erased, text);
    else assert.equal(erased, setAuths(text));
  }
});

/** The document with an empty `auths` behind what it has. */
function setAuths(text: string): string {
  return storeInDockerConfig(text, NEW, BASIC).replace(/"auths": \{[^}]*\}\s*\}/, '"auths": {}');
}

test("storeInDockerConfig() keeps the indentation and the order of the file", () => {
  const text = '{\n  "b": 1,\n  "auths": {\n    "x": {}\n  },\n  "a": 2\n}\n';
  assert.equal(
    storeInDockerConfig(text, "r.example", { kind: "basic", username: "u", password: "p" }),
    '{\n  "b": 1,\n  "auths": {\n    "x": {},\n    "r.example": {\n      "auth": "dTpw"\n    }\n' +
      '  },\n  "a": 2\n}\n',
  );
});

test("storeInDockerConfig() makes objects of what is null or no entry", async () => {
  for (
    const text of ['{"auths":null}', '{"auths":{"r.example":null}}', '{"auths":{"r.example":1}}']
  ) {
    const stored = storeInDockerConfig(text, "r.example", BASIC);
    assert.equal(stored, '{"auths":{"r.example":{"auth":"dXNlcjpwYXNzOndvcmQ="}}}');
    assert.equal((await read(stored, "r.example")).kind, "basic");
  }
});

test("lesson 13: an entry {} that Docker left beside a helper is filled by a login", async () => {
  const text = '{"auths":{"r.example":{}}}';
  assert.equal((await read(text, "r.example")).kind, "anonymous");
  assert.equal(
    (await read(storeInDockerConfig(text, "r.example", BASIC), "r.example")).kind,
    "basic",
  );
});

test("lesson 14: a login to any name of Docker Hub is found under all of them", async () => {
  const names = [
    ...["docker.io", "index.docker.io", "registry-1.docker.io", "registry.docker.io"],
    "registry.hub.docker.com",
  ];
  for (const name of names) {
    const before = JSON.stringify({
      auths: Object.fromEntries(
        [...names, "https://index.docker.io/v1/"].map((key) => [key, { auth: btoa("old:old") }]),
      ),
    });
    const stored = storeInDockerConfig(before, name, BASIC);
    assert.deepEqual(Object.keys(JSON.parse(stored).auths), ["https://index.docker.io/v1/"]);
    for (const other of names) {
      assert.deepEqual(await read(stored, other), BASIC, `${name} ${other}`);
    }
    assert.equal(eraseFromDockerConfig(stored, name), '{"auths":{}}');
  }
});

test("eraseFromDockerConfig() takes every spelling of a registry, and no other registry", () => {
  const auths = {
    "https://r.example/v1/": { auth: "YTpi" },
    "R.example": { auth: "YTpi" },
    "r.example:5000": { auth: "YTpi" },
    "r.example:443": {},
    "http://r.example": { auth: "YTpi" },
    "r.example/v2/": {},
    "r.example/team": { auth: "YTpi" },
    "r.example.attacker.dev": { auth: "YTpi" },
    "sr.example": { auth: "YTpi" },
  };
  const erased = eraseFromDockerConfig(JSON.stringify({ auths, z: 1 }), "r.example");
  assert.deepEqual(Object.keys(JSON.parse(erased).auths), [
    ...["r.example:5000", "r.example/team", "r.example.attacker.dev", "sr.example"],
  ]);
  assert.match(erased, /,"z":1\}$/);
});

test("eraseFromDockerConfig() leaves a text without the registry as it is", () => {
  for (const text of ["", " ", "{}", '{"auths":{}}', '{"auths":null}', '{"a":{"auths":{"r":1}}}']) {
    assert.equal(eraseFromDockerConfig(text, "r"), text);
  }
});

test("eraseFromDockerConfig() leaves no secret in objects that stand twice", () => {
  const text = '{"auths":{"r":{"auth":"U0VDUkVU"},"r":{"auth":"U0VDUkVU"}},"auths":{"r":{"auth":' +
    '"U0VDUkVU"},"x":{},"r":{}}}';
  assert.equal(eraseFromDockerConfig(text, "r"), '{"auths":{},"auths":{"x":{}}}');
  const stored = storeInDockerConfig(text, "r", BASIC);
  assert.doesNotMatch(stored, /U0VDUkVU/);
  assert.equal(JSON.parse(stored).auths.r.auth, "dXNlcjpwYXNzOndvcmQ=");
});

test("edits take names that objects have by themselves as registries", async () => {
  for (const name of ["__proto__", "constructor", "toString"]) {
    const stored = storeInDockerConfig("{}", name, BASIC);
    assert.deepEqual(await read(stored, name), BASIC, name);
    assert.deepEqual(JSON.parse(eraseFromDockerConfig(stored, name)), { auths: {} });
  }
});

test("edits keep any user name and password", async () => {
  for (
    const [username, password] of [["\u00fc", "\u{1f511}\u00e9"], ["u", ':"\\{}'], ["a b", " p "]]
  ) {
    const credentials = {
      kind: "basic",
      username: username ?? "",
      password: password ?? "",
    } as const;
    assert.deepEqual(await read(storeInDockerConfig("{}", "r", credentials), "r"), credentials);
  }
});

test("edits refuse a text that is no configuration, and repeat none of it", () => {
  for (const text of ["CANARY", '{"auths":["CANARY"]}', '{"auths":{},}', "[]", '{"a":"CANARY"']) {
    for (
      const edit of [
        () => storeInDockerConfig(text, "r", BASIC, "the file"),
        () => eraseFromDockerConfig(text, "r", "the file"),
      ]
    ) {
      assert.throws(edit, (error: unknown) => {
        assert.ok(error instanceof InvalidConfigError);
        assert.match(error.message, /^Cannot read the file: /);
        assert.doesNotMatch(`${error.stack}${JSON.stringify(error)}`, /CANARY|pass/);
        return true;
      });
    }
  }
});

test("edits make valid JSON of any valid JSON", () => {
  // A linear congruential generator with a fixed seed: the same documents each time.
  let state = 20_261;
  const next = (limit: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 16) % limit;
  };
  const keys = ["auths", "r", "https://r/v1/", "x", "auth", "a\\b", 'q"', "{", "}", ",", ""];
  const make = (depth: number): unknown => {
    const kind = next(depth > 3 ? 4 : 6);
    if (kind < 4) return [null, -1.5e-7, 'te"xt\\', true][kind];
    if (kind === 4) return Array.from({ length: next(3) }, () => make(depth + 1));
    return Object.fromEntries(
      Array.from({ length: next(4) }, () => [keys[next(keys.length)], make(depth + 1)]),
    );
  };
  for (let i = 0; i < 2_000; i++) {
    const auths = Object.fromEntries([[keys[next(keys.length)], make(1)], ["x", make(1)]]);
    const before = { a: make(1), auths, z: make(1) };
    const text = JSON.stringify(before, null, [0, 1, 4, "\t"][next(4)]);
    const stored: { r?: { auth: string } } =
      JSON.parse(storeInDockerConfig(text, "r", BASIC)).auths;
    assert.equal(stored.r?.auth, "dXNlcjpwYXNzOndvcmQ=", text);
    delete stored.r;
    const rest = JSON.parse(eraseFromDockerConfig(text, "r"));
    const expected = { ...before, auths: { ...auths } };
    for (const key of ["r", "https://r/v1/"]) Reflect.deleteProperty(expected.auths, key);
    assert.deepEqual(rest, expected, text);
    assert.deepEqual(stored, expected.auths, text);
  }
});
