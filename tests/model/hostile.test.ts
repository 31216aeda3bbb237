import { test } from "node:test";
import assert from "node:assert/strict";
import {
  choosePlatform,
  decodeBase64,
  InvalidConfigError,
  InvalidManifestError,
  InvalidReferenceError,
  isDigest,
  isRegistryHost,
  isRepositoryName,
  isTag,
  LadingError,
  matchReference,
  MAX_CONFIG_BYTES,
  MAX_MANIFEST_BYTES,
  parseAnyReference,
  parseDigest,
  parseImageConfig,
  parseManifest,
  parsePlace,
  parsePlatform,
  parseRawReference,
  parseReference,
  platformMatcher,
} from "../../lib/model/mod.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;
const DESCRIPTOR = `{"mediaType":"a/b","digest":"${DIGEST}","size":1}`;

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function manifestText(more = "", layer = DESCRIPTOR): string {
  return `{"schemaVersion":2,"config":${DESCRIPTOR},"layers":[${layer}]${more}}`;
}

/** A parser that takes quadratic time would need minutes for each of these. */
const LENGTH = 2 ** 20;

const FAMILIES: readonly string[] = [
  ..."aA0-_.:/@[]%+(*\0é".split("").map((character) => character.repeat(LENGTH)),
  ...["a-", "a.", "a__", "a/", "a:", "a@", "-a", "::1", "[:", "]:", "a:1/", "%2", "+a", "A/", "a_-"]
    .map((pair) => pair.repeat(LENGTH / pair.length)),
  `sha256:${"a".repeat(LENGTH)}`,
  `a@sha256:${"f".repeat(LENGTH)}`,
  `${"a+".repeat(LENGTH / 2)}:aa`,
  `windows(${"+a".repeat(LENGTH / 2)}`,
  `${"a".repeat(LENGTH)}!`,
  `${"a/".repeat(LENGTH / 2)}!`,
  `oci:${":".repeat(LENGTH)}`,
];

test("no parser of texts takes quadratic time", () => {
  const parsers: readonly ((text: string) => unknown)[] = [
    parseRawReference,
    parseReference,
    parseAnyReference,
    parseDigest,
    parsePlatform,
    parsePlace,
    isDigest,
    isTag,
    isRegistryHost,
    isRepositoryName,
  ];
  for (const parse of parsers) {
    for (const text of FAMILIES) {
      try {
        parse(text);
      } catch (error) {
        assert.ok(error instanceof LadingError, `${parse.name} ${text.slice(0, 8)}: ${error}`);
        assert.ok(error.message.length < 2000, parse.name);
      }
    }
  }
});

test("no parser of documents takes quadratic time", () => {
  const fill = MAX_MANIFEST_BYTES - 1000;
  const values = [
    `"${"\\\\".repeat(fill / 2)}"`,
    `"${"\\u0061".repeat(Math.floor(fill / 6))}"`,
    `[${"1,".repeat(fill / 2 - 1)}1]`,
    `{${Array.from({ length: 200_000 }, (_, index) => `"${index}":0`).join(",")}}`,
    "[".repeat(fill),
    `"${"{".repeat(fill)}"`,
    '"'.repeat(fill),
  ];
  for (const value of values) {
    const raw = encode(manifestText(`,"x":${value}`));
    try {
      assert.equal(parseManifest(raw).kind, "image");
    } catch (error) {
      assert.ok(error instanceof InvalidManifestError, String(error));
    }
  }
});

test("matchReference() takes time in proportion to pattern times name", () => {
  const reference = parseReference("a".repeat(240));
  assert.equal(matchReference(`${"*a".repeat(230)}b`, reference), false);
  assert.equal(matchReference("*?".repeat(200), reference), true);
});

test("a variant with a huge number makes no huge list", () => {
  const wanted = { os: "linux", architecture: "amd64", variant: `v${2 ** 31}` };
  assert.equal(platformMatcher(wanted).matches({ os: "linux", architecture: "386" }), true);
  assert.equal(choosePlatform([{ platform: { ...wanted, variant: "v1" } }], wanted), undefined);
});

test("references that would change a URL are refused", () => {
  const names = [
    "x/../../_catalog",
    "x/./y",
    "..",
    "a\r\nb",
    "x:a\r\nb",
    "x:a/b",
    "x:a?b",
    "x:a#b",
    "x:%2e",
    "user@host/x",
    "user:password@host/x",
    "http://host/x",
    "host:port/x",
    "host/x\u2028",
    "ｌocalhost/x",
    "host/ｘ",
    "x:é",
    " x",
    "x ",
    "\\\\host\\x",
    "x:",
    "x@",
    `x@${DIGEST}@${DIGEST}`,
  ];
  for (const name of names) {
    const shown = JSON.stringify(name);
    assert.throws(() => parseReference(name), InvalidReferenceError, shown);
    assert.throws(() => parseRawReference(name), InvalidReferenceError, shown);
  }
});

test("manifests with a key twice are refused, at every level", () => {
  const documents = [
    manifestText(',"layers":[]'),
    manifestText(',"l\\u0061yers":[]'),
    manifestText("", `{"mediaType":"a/b","digest":"${DIGEST}","size":1,"digest":"${DIGEST}"}`),
    manifestText(',"annotations":{"a":"1","a":"2"}'),
  ];
  for (const document of documents) {
    assert.throws(() => parseManifest(encode(document)), /appears twice/, document);
  }
  const fine = manifestText(',"annotations":{"a":"1","A":"2","\\"a":"{\\"a\\":1,\\"a\\":2}"}');
  assert.equal(parseManifest(encode(fine)).kind, "image");
});

test("keys that Go takes for a known one are refused", () => {
  const documents = [
    manifestText(',"Layers":[]'),
    manifestText(',"LAYER\u017f":[]'),
    manifestText(',"MediaType":"application/vnd.oci.image.index.v1+json"'),
    manifestText("", `{"mediaType":"a/b","digest":"${DIGEST}","size":1,"\u017fize":2}`),
    manifestText("", `{"mediaType":"a/b","digest":"${DIGEST}","size":1,"Digest":"x"}`),
  ];
  for (const document of documents) {
    assert.throws(() => parseManifest(encode(document)), /can be read as/, document);
  }
});

test("documents have at most 100 levels", () => {
  const nested = (levels: number): Uint8Array =>
    encode(manifestText(`,"x":${"[".repeat(levels)}${"]".repeat(levels)}`));
  assert.equal(parseManifest(nested(99)).kind, "image");
  assert.throws(() => parseManifest(nested(100)), /deeper than 100 levels/);
  assert.throws(() => parseManifest(nested(1_000_000)), /deeper than 100 levels/);
});

test("documents have at most 4 and 8 MiB", () => {
  const padded = (length: number): Uint8Array => encode(manifestText().padEnd(length, " "));
  assert.equal(parseManifest(padded(MAX_MANIFEST_BYTES)).raw.length, MAX_MANIFEST_BYTES);
  assert.throws(() => parseManifest(padded(MAX_MANIFEST_BYTES + 1)), InvalidManifestError);
  const config = `{"os":"a","architecture":"b","rootfs":{"type":"layers","diff_ids":[]}}`;
  assert.equal(parseImageConfig(encode(config.padEnd(MAX_CONFIG_BYTES, " "))).value.os, "a");
  const larger = encode(config.padEnd(MAX_CONFIG_BYTES + 1, " "));
  assert.throws(() => parseImageConfig(larger), InvalidConfigError);
});

test("bytes that are no JSON object are refused", () => {
  const documents = ["", " ", "null", "1", '"a"', "[]", "{", "{}}", '{"a"', "\ufeff{}", "{} {}"];
  for (const document of documents) {
    assert.throws(() => parseManifest(encode(document)), InvalidManifestError, document);
    assert.throws(() => parseImageConfig(encode(document)), InvalidConfigError, document);
  }
  const invalid = Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d);
  assert.throws(() => parseManifest(invalid), /not UTF-8/);
});

test("sizes are whole numbers that a double holds", () => {
  for (const size of ["-1", "1.5", "1e400", "9007199254740992", '"1"', "null", "[]"]) {
    const layer = `{"mediaType":"a/b","digest":"${DIGEST}","size":${size}}`;
    assert.throws(() => parseManifest(encode(manifestText("", layer))), InvalidManifestError, size);
  }
  const most = `{"mediaType":"a/b","digest":"${DIGEST}","size":9007199254740991}`;
  assert.equal(parseManifest(encode(manifestText("", most))).kind, "image");
});

test("values of wrong types are refused where they are acted upon", () => {
  const fields = [
    '"config":[]',
    '"config":[{}]',
    '"layers":{}',
    '"layers":[[]]',
    '"layers":[null]',
    '"layers":null',
    '"subject":"x"',
    '"annotations":[]',
    '"annotations":{"a":1}',
    '"annotations":{"constructor":1}',
    '"annotations":{"__proto__":{}}',
    '"mediaType":5',
    '"schemaVersion":3',
  ];
  for (const field of fields) {
    const name = field.slice(1, field.indexOf('"', 1));
    const parts = [
      '"schemaVersion":2',
      `"config":${DESCRIPTOR}`,
      `"layers":[${DESCRIPTOR}]`,
    ].filter((part) => !part.startsWith(`"${name}"`));
    const document = `{${[...parts, field].join(",")}}`;
    assert.throws(() => parseManifest(encode(document)), InvalidManifestError, document);
  }
});

test("annotations named like members of objects are data", () => {
  const annotations = '{"__proto__":"a","constructor":"b","toString":"c"}';
  const parsed = parseManifest(encode(manifestText(`,"annotations":${annotations}`)));
  assert.ok(parsed.kind === "image");
  const map = parsed.value.annotations ?? {};
  assert.equal(JSON.stringify(map), annotations);
  assert.equal(map["__proto__"], "a");
  assert.equal(map["hasOwnProperty"], undefined);
  assert.equal(({} as Record<string, unknown>)["a"], undefined);
});

test("a __proto__ field of a document does not stand in for missing ones", () => {
  const document = `{"__proto__":${manifestText()},"schemaVersion":2}`;
  assert.throws(() => parseManifest(encode(document)), InvalidManifestError);
  const layer = `{"__proto__":${DESCRIPTOR},"size":1}`;
  assert.throws(() => parseManifest(encode(manifestText("", layer))), InvalidManifestError);
});

test("decodeBase64() refuses a long text that is wrong at its end", () => {
  assert.throws(() => decodeBase64(`${"A".repeat(LENGTH - 1)}!`), TypeError);
});
