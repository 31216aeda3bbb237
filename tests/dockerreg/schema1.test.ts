import { test } from "node:test";
import assert from "node:assert/strict";
import {
  generateSigningKey,
  ManifestV21,
  type SignatureAlgorithm,
  SignatureError,
  type SigningKey,
  signingKey,
  signSchema1,
  verifySchema1,
} from "../../lib/dockerreg/mod.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import {
  decodeBase64Url,
  encodeBase64Url,
  InvalidManifestError,
  isLadingError,
  parseSchema1,
} from "../../lib/model/mod.ts";
import { corpusBytes } from "../support/corpus.ts";
import { RECORDED_SCHEMA1 } from "./recorded_schema1.ts";
import { payloadOf, schema1Document, text, utf8 } from "./schema1_sample.ts";

/** Somebody has changed the layers of this one behind the signature. */
const EDITED = "containers-image/internal/manifest/testdata/v2s1.manifest.json";
const KEY_ID = "YNRO:VKZ6:EZX3:J2HM:5AY6:IEPB:PXJO:BBI2:W23K:KHNJ:VIER:HOH2";

const PAYLOAD = payloadOf(schema1Document());

/** Puts other values into the only signature of a document. */
function withSignature(raw: Uint8Array, edit: (signature: Signature) => Signature): Uint8Array {
  const document = JSON.parse(text(raw));
  const [signature] = document.signatures;
  const start = text(raw).indexOf('"signatures": ');
  const edited = JSON.stringify([edit(signature)]);
  return utf8(`${text(raw).slice(0, start)}"signatures": ${edited}\n}`);
}

interface Signature {
  readonly header: Readonly<Record<string, unknown>>;
  readonly signature: string;
  readonly protected: string;
}

function flipped(base64: string): string {
  const bytes = decodeBase64Url(base64);
  bytes[9] = (bytes[9] ?? 0) ^ 1;
  return encodeBase64Url(bytes);
}

async function reasonOf(raw: Uint8Array): Promise<string> {
  try {
    await verifySchema1(parseSchema1(raw));
    return "none";
  } catch (error) {
    if (error instanceof SignatureError) return error.reason;
    return isLadingError(error) ? error.code : String(error);
  }
}

test("verifySchema1() verifies what a registry has signed", async () => {
  const parsed = parseSchema1(RECORDED_SCHEMA1);
  assert.deepEqual(await verifySchema1(parsed), [
    { keyID: KEY_ID, algorithm: "ES256", time: "2026-11-21T07:56:10Z" },
  ]);
});

test("verifySchema1() refuses a manifest that was edited after it was signed", async () => {
  assert.equal(await reasonOf(await corpusBytes(EDITED)), "invalid");
});

test("verifySchema1() refuses a signature of other bytes, of another key, and none at all", async () => {
  const raw = RECORDED_SCHEMA1;
  const other = await signSchema1(PAYLOAD);
  const jwk = JSON.parse(text(other)).signatures[0].header.jwk;
  const edits: Record<string, (signature: Signature) => Signature> = {
    invalid: (signature) => ({ ...signature, signature: flipped(signature.signature) }),
    "invalid: key": (signature) => ({ ...signature, header: { ...signature.header, jwk } }),
    "invalid: short": (signature) => ({ ...signature, signature: "AAAA" }),
    "invalid: text": (signature) => ({ ...signature, signature: "?" }),
    "key: kid": (signature) => {
      const own = signature.header["jwk"] as Record<string, string>;
      return { ...signature, header: { ...signature.header, jwk: { ...own, kid: "AAAA" } } };
    },
    "key: none": (signature) => ({ ...signature, header: { alg: "ES256" } }),
    "key: curve": (signature) => ({ ...signature, header: { ...signature.header, alg: "ES384" } }),
    "key: kind": (signature) => ({ ...signature, header: { ...signature.header, alg: "RS256" } }),
    "unsupported: none": (signature) => ({
      ...signature,
      header: { ...signature.header, alg: "none" },
    }),
    "unsupported: secret": (signature) => ({
      ...signature,
      header: { ...signature.header, alg: "HS256" },
    }),
    "unsupported: chain": (signature) => ({
      ...signature,
      header: { ...signature.header, x5c: ["MIIB"] },
    }),
  };
  for (const [name, edit] of Object.entries(edits)) {
    assert.equal(await reasonOf(withSignature(raw, edit)), name.split(":")[0], name);
  }
  assert.equal(await reasonOf(withSignature(raw, (signature) => signature)), "none");
});

test("verifySchema1() wants every signature to be good", async () => {
  const raw = await signSchema1(PAYLOAD);
  const document = text(raw);
  const [first] = JSON.parse(document).signatures;
  const start = document.indexOf('"signatures": ');
  const both = (second: Signature) =>
    utf8(`${document.slice(0, start)}"signatures": ${JSON.stringify([first, second])}\n}`);
  assert.equal(await reasonOf(both(first)), "none");
  assert.equal(
    await reasonOf(both({ ...first, signature: flipped(first.signature) })),
    "invalid",
  );
});

test("a changed payload is refused, wherever it is changed", async () => {
  const raw = await signSchema1(PAYLOAD);
  for (const [from, to] of [["acme/app", "evil/app"], ["amd64", "arm64"], ["{\n", "{ "]]) {
    const changed = utf8(text(raw).replace(from ?? "", to ?? ""));
    assert.ok(["invalid", "INVALID_MANIFEST"].includes(await reasonOf(changed)), from);
  }
});

test("lesson of schema 1: fields behind the signed bytes never reach anybody", async () => {
  const raw = await signSchema1(PAYLOAD);
  const cut = text(raw).slice(0, text(raw).lastIndexOf("}")).trimEnd();
  for (const extra of ['"fsLayers": []', '"annotations": {}', '"tag": "evil"', '"FSLayers": []']) {
    const attack = utf8(`${cut},\n   ${extra}\n}`);
    assert.doesNotThrow(() => JSON.parse(text(attack)), extra);
    assert.throws(() => new ManifestV21(attack), InvalidManifestError, extra);
  }
});

test("signSchema1() keeps the payload byte for byte, whatever its form", async () => {
  const value = schema1Document();
  const payloads = [
    JSON.stringify(value),
    JSON.stringify(value, null, 3),
    `${JSON.stringify(value, null, 2)}\n`,
    JSON.stringify({ ...value, note: "}é\u2028" }),
  ];
  for (const payload of payloads) {
    const raw = await signSchema1(utf8(payload), { now: 0 });
    const parsed = parseSchema1(raw);
    assert.equal(text(parsed.payload), payload);
    const [signature] = await verifySchema1(parsed);
    assert.equal(signature?.time, "1970-01-01T00:00:00Z");
    assert.match(signature?.keyID ?? "", /^([A-Z2-7]{4}:){11}[A-Z2-7]{4}$/);
  }
  for (const payload of ["", "[]", "{}", "{ }", '{"a":1} x', "1"]) {
    await assert.rejects(signSchema1(utf8(payload)), TypeError, payload);
  }
});

test("keys of every algorithm sign and verify", async () => {
  const algorithms: SignatureAlgorithm[] = ["ES256", "ES384", "ES512", "RS256", "RS384", "RS512"];
  for (const algorithm of algorithms) {
    const key: SigningKey = await generateSigningKey(algorithm);
    assert.equal(key.algorithm, algorithm);
    const parsed = parseSchema1(await signSchema1(PAYLOAD, { key }));
    const [signature] = await verifySchema1(parsed);
    assert.equal(signature?.keyID, key.keyID, algorithm);
    assert.equal(signature?.algorithm, algorithm);
  }
});

test("signingKey() refuses keys that make no such signatures", async () => {
  const pair = await crypto.subtle.generateKey(
    {
      name: "RSA-PSS",
      modulusLength: 2048,
      publicExponent: new Uint8Array([1, 0, 1]),
      hash: "SHA-256",
    },
    true,
    ["sign", "verify"],
  );
  await assert.rejects(signingKey(pair), TypeError);
});

test("ManifestV21 says what its signed bytes say", async () => {
  const raw = RECORDED_SCHEMA1;
  const manifest = new ManifestV21(raw);
  assert.equal(manifest.version, "v2.1");
  assert.equal(manifest.repository, "acme/app");
  assert.equal(manifest.tag, "1");
  assert.equal(manifest.architecture, "amd64");
  assert.equal(manifest.id, "275eb535729b0df0f2448fc267d0a61d379872e90129fbc6d0c6094a5c308176");
  assert.equal(manifest.created, "1970-01-01T00:00:00Z");
  assert.equal(manifest.digest, digestBytes("sha256", manifest.payload));
  assert.equal(manifest.layers.length, 2);
  const [base] = manifest.history;
  assert.equal(base?.version, "v1-compat");
  assert.equal(base?.parent, undefined);
  assert.equal(base?.id, manifest.layers[0]?.id);
  assert.equal(base?.blobSum, manifest.layers[0]?.blobSum);
  assert.equal(await manifest.verify(), true);
  assert.deepEqual(manifest.raw, raw);
});

test("ManifestV21.verify() compares the digest, and has nothing to verify without signatures", async () => {
  const raw = RECORDED_SCHEMA1;
  const { digest } = new ManifestV21(raw);
  assert.equal(await new ManifestV21(raw, { digest }).verify(), true);
  const other = digestBytes("sha256", utf8("other"));
  await assert.rejects(new ManifestV21(raw, { digest: other }).verify(), {
    code: "DIGEST_MISMATCH",
  });
  const unsigned = new ManifestV21(PAYLOAD);
  assert.equal(await unsigned.verify(), undefined);
  const signed = await unsigned.sign();
  assert.equal(await signed.verify(), true);
  assert.equal(signed.digest, unsigned.digest);
});

test("ManifestV21.modify() writes the name into the payload and signs again", async () => {
  const manifest = new ManifestV21(RECORDED_SCHEMA1);
  const key = await generateSigningKey();
  const modified = await manifest.modify({ repository: "acme/app", tag: "2", key });
  assert.equal(modified.repository, "acme/app");
  assert.equal(modified.value.name, "acme/app");
  assert.equal(modified.value.tag, "2");
  assert.notEqual(modified.digest, manifest.digest);
  assert.deepEqual((await modified.signers()).map(({ keyID }) => keyID), [key.keyID]);
  assert.deepEqual(modified.layers, manifest.layers);
  const fields = await manifest.modify({ fields: { architecture: "arm64", note: { a: 1 } } });
  assert.equal(fields.architecture, "arm64");
  assert.equal(fields.tag, "1");
  assert.equal(await fields.verify(), true);
  assert.deepEqual((fields.value as unknown as Record<string, unknown>)["note"], { a: 1 });
  await assert.rejects(manifest.modify({ fields: { fsLayers: [] } }), InvalidManifestError);
  const unsigned = await new ManifestV21(PAYLOAD).modify({ tag: "3" });
  assert.deepEqual(unsigned.signatures, []);
  assert.equal(unsigned.value.tag, "3");
});
