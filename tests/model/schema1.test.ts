import { test } from "node:test";
import assert from "node:assert/strict";
import {
  encodeBase64Url,
  InvalidManifestError,
  MEDIA_TYPE_DOCKER_SCHEMA1,
  MEDIA_TYPE_DOCKER_SCHEMA1_SIGNED,
  parseManifest,
  parseSchema1,
  schema1Layers,
  type Schema1Manifest,
} from "../../lib/model/mod.ts";
import { digestBytes, manifestDigest } from "../../lib/hash/mod.ts";
import { corpusBytes } from "../support/corpus.ts";

const FOLDER = "containers-image/internal/manifest/testdata";
// tables/manifest-types.json: signed and unsigned are the same manifest.
const PAYLOAD_DIGEST = "sha256:7364fea9d84ee548ab67d4c46c6006289800c98de3fbf8c0a97138dfcc23f000";

const ID = (digit: string): string => digit.repeat(64);
const BLOB = (digit: string): string => `sha256:${ID(digit)}`;

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function manifest(entries: readonly object[]): Schema1Manifest {
  return {
    schemaVersion: 1,
    name: "a/b",
    tag: "c",
    architecture: "amd64",
    fsLayers: entries.map(() => ({ blobSum: BLOB("e") })),
    history: entries.map((entry) => ({ v1Compatibility: JSON.stringify(entry) })),
  };
}

/** Signs as libtrust does, but for the signature itself, which nothing here looks at. */
function signed(text: string, suffix = "", format: object = {}): Uint8Array {
  const length = encode(text).length - 1;
  const header = { formatLength: length, formatTail: encodeBase64Url(encode("}")), ...format };
  const signature = {
    header: { alg: "ES256", jwk: {} },
    signature: "AA",
    protected: encodeBase64Url(encode(JSON.stringify(header))),
  };
  return encode(`${text.slice(0, -1)},"signatures":${JSON.stringify([signature])}${suffix}}`);
}

const TEXT = JSON.stringify(manifest([{ id: ID("1") }]));

test("a signed manifest of schema 1 is what its signed bytes say", async () => {
  const raw = await corpusBytes(`${FOLDER}/v2s1.manifest.json`);
  const parsed = parseSchema1(raw);
  assert.equal(parsed.mediaType, MEDIA_TYPE_DOCKER_SCHEMA1_SIGNED);
  assert.equal(digestBytes("sha256", parsed.payload), PAYLOAD_DIGEST);
  assert.equal(manifestDigest(parsed), PAYLOAD_DIGEST);
  assert.equal(parsed.raw, raw);
  assert.equal(parsed.signatures.length, 1);
  assert.equal(parsed.signatures[0]?.header["alg"], "ES256");
  assert.equal(parsed.value.name, "mitr/busybox");
  const layers = schema1Layers(parsed.value);
  assert.equal(layers.length, 3);
  assert.equal(layers[0]?.parent, undefined);
  assert.equal(layers[2]?.id, "f1b5eb0a1215f663765d509b6cdf3841bc2bcff0922346abb943d1342d469a97");
  assert.equal(layers[2]?.parent, layers[1]?.id);
});

test("an unsigned manifest of schema 1 has the digest of the signed one", async () => {
  const parsed = parseSchema1(await corpusBytes(`${FOLDER}/v2s1-unsigned.manifest.json`));
  assert.equal(parsed.mediaType, MEDIA_TYPE_DOCKER_SCHEMA1);
  assert.deepEqual(parsed.signatures, []);
  assert.equal(manifestDigest(parsed), PAYLOAD_DIGEST);
});

test("a manifest of schema 1 with damaged signatures is refused", async () => {
  const raw = await corpusBytes(`${FOLDER}/v2s1-invalid-signatures.manifest.json`);
  assert.throws(() => parseSchema1(raw), InvalidManifestError);
});

test("fields behind the signed bytes are refused, as additions and as replacements", () => {
  const parsed = parseManifest(signed(TEXT));
  assert.equal(parsed.kind === "schema1" && new TextDecoder().decode(parsed.payload), TEXT);
  const suffixes = [
    ',"fsLayers":[]',
    ',"fsLayer\\u0073":[]',
    ',"annotations":{}',
    `,"config":{}`,
    ',"signatures":[]',
  ];
  for (const suffix of suffixes) {
    assert.throws(() => parseManifest(signed(TEXT, suffix)), InvalidManifestError, suffix);
  }
});

test("signed lengths and tails have to make a document", () => {
  const formats = [
    { formatLength: 0 },
    { formatLength: -1 },
    { formatLength: 1.5 },
    { formatLength: 1e9 },
    { formatLength: "10" },
    { formatLength: 10 },
    { formatTail: "" },
    { formatTail: "Cn0=" },
    { formatTail: 1 },
  ];
  for (const format of formats) {
    const raw = signed(TEXT, "", format);
    assert.throws(() => parseSchema1(raw), InvalidManifestError, JSON.stringify(format));
  }
});

test("signatures are a list of whole ones, which sign the same bytes", () => {
  const length = encode(TEXT).length - 1;
  const format = { formatLength: length, formatTail: encodeBase64Url(encode("}")) };
  const protect = (value: unknown) => encodeBase64Url(encode(JSON.stringify(value)));
  const good = { header: { alg: "ES256" }, signature: "AA", protected: protect(format) };
  const parse = (signatures: unknown) =>
    parseSchema1(encode(`${TEXT.slice(0, -1)},"signatures":${JSON.stringify(signatures)}}`));
  assert.deepEqual(parse([good, { ...good, signature: "BB", more: 1 }]).signatures, [
    good,
    { ...good, signature: "BB" },
  ]);
  assert.deepEqual(parse(null).signatures, []);
  const other = (change: object) => ({ ...good, protected: protect({ ...format, ...change }) });
  const refused: readonly (readonly [unknown, RegExp])[] = [
    [[], /the signatures are no list/],
    [{}, /the signatures are no list/],
    [good, /the signatures are no list/],
    [[good, null], /a signature is incomplete/],
    [[{ ...good, header: "x" }], /a signature is incomplete/],
    [[{ ...good, signature: 1 }], /a signature is incomplete/],
    [[{ ...good, protected: 1 }], /a signature is incomplete/],
    [[{ ...good, protected: "*" }], /the protected header of a signature is not base64/],
    [[{ ...good, protected: protect([]) }], /a protected header is no JSON object/],
    [[other({ formatLength: "1" })], /no formatLength and formatTail/],
    [[other({ formatTail: 1 })], /no formatLength and formatTail/],
    [[good, other({ formatLength: length - 1 })], /the signatures are for different bytes/],
    [[good, other({ formatTail: "fX0" })], /the signatures are for different bytes/],
    [[other({ formatLength: 0 })], /the signed length is not within the document/],
    [[other({ formatLength: 1.5 })], /the signed length is not within the document/],
    [[other({ formatLength: 1e6 })], /the signed length is not within the document/],
    [[other({ formatTail: "*" })], /the tail of the signed bytes is not base64/],
  ];
  for (const [signatures, reason] of refused) {
    assert.throws(() => parse(signatures), (error: unknown) => {
      assert.ok(error instanceof InvalidManifestError);
      assert.match(error.message, reason, JSON.stringify(signatures));
      return true;
    });
  }
});

test("schema1Layers() lists base first and wants one chain of IDs", () => {
  const chain = [
    { id: ID("3"), parent: ID("2"), throwaway: true },
    { id: ID("2"), parent: ID("1") },
    { id: ID("1") },
  ];
  const layers = schema1Layers(manifest(chain));
  assert.deepEqual(layers.map(({ id }) => id), [ID("1"), ID("2"), ID("3")]);
  assert.deepEqual(layers.map(({ isThrowaway }) => isThrowaway), [false, false, true]);
  const repeated = schema1Layers(manifest([{ id: ID("1") }, { id: ID("1") }]));
  assert.equal(repeated.length, 1);
  const broken: (readonly object[])[] = [
    [{ id: ID("2"), parent: ID("3") }, { id: ID("1") }],
    [{ id: ID("2") }, { id: ID("1") }],
    [{ id: ID("2"), parent: ID("1") }],
    [{ id: ID("1"), parent: ID("2") }, { id: ID("2"), parent: ID("1") }, { id: ID("1") }],
    [{ id: "../../etc" }],
    [{ id: ID("A") }],
    [{}],
    [{ id: ID("1"), parent: 5 }],
  ];
  for (const entries of broken) {
    const refused = manifest(entries);
    assert.throws(() => schema1Layers(refused), InvalidManifestError, JSON.stringify(entries));
  }
  const { fsLayers, history } = manifest(chain);
  const more = [...history, ...manifest([{ id: ID("4") }]).history];
  for (const lists of [{ fsLayers, history: more }, { fsLayers, history: history.slice(1) }]) {
    const refused = { ...manifest(chain), ...lists };
    assert.throws(() => schema1Layers(refused), InvalidManifestError);
  }
});
