import { test } from "node:test";
import assert from "node:assert/strict";
import {
  digestAlgorithm,
  formatDigest,
  InvalidDigestError,
  isDigest,
  parseDigest,
} from "../../lib/model/mod.ts";
import { corpusJSON } from "../support/corpus.ts";

interface Table {
  cases: {
    input: string;
    algorithm: string | null;
    encoded: string | null;
    error: string | null;
  }[];
  ggcrGood: string[];
  ggcrBad: string[];
}

test("parseDigest() and digestAlgorithm() agree with go-digest", async () => {
  const { cases } = await corpusJSON<Table>("tables/digest-parse.json");
  for (const row of cases) {
    // go-digest takes unknown algorithms apart, and says that it cannot verify them.
    const isParsed = row.error === null || row.error === "ErrDigestUnsupported";
    assert.equal(isDigest(row.input), isParsed, row.input);
    if (!isParsed) {
      const reason = row.error === "ErrDigestInvalidLength" ? /length/ : /format/;
      assert.throws(() => parseDigest(row.input), reason);
      continue;
    }
    const { algorithm, encoded } = parseDigest(row.input);
    assert.equal(`${algorithm}:${encoded}`, row.input);
    if (row.algorithm !== null) assert.equal(algorithm, row.algorithm, row.input);
    if (row.encoded !== null) assert.equal(encoded, row.encoded, row.input);
    if (row.error !== null) {
      assert.throws(() => digestAlgorithm(row.input), /unsupported digest algorithm/);
    }
  }
});

test("digestAlgorithm() agrees with go-containerregistry", async () => {
  const { ggcrGood, ggcrBad } = await corpusJSON<Table>("tables/digest-parse.json");
  for (const text of ggcrGood) assert.equal(digestAlgorithm(text), "sha256", text);
  for (const text of ggcrBad) assert.throws(() => digestAlgorithm(text), InvalidDigestError, text);
});

test("digestAlgorithm() lets nothing through that could lead out of a directory", () => {
  const hex = "a".repeat(64);
  const texts = [
    "sha256:../../../../etc/passwd",
    `sha256:${"A".repeat(64)}`,
    `sha256:${hex.slice(1)}`,
    `sha256:${hex}a`,
    `sha256-${hex}`,
    `sha256:${hex.slice(1)}\n`,
    `sha256:${"١".repeat(64)}`,
    `SHA256:${hex}`,
    ` sha256:${hex}`,
    `sha512:${hex}`,
    `sha384:${"a".repeat(96)}`,
    "..:a",
    "a/b:c",
  ];
  for (const text of texts) assert.throws(() => digestAlgorithm(text), InvalidDigestError, text);
});

test("formatDigest() wants the number of bytes of the algorithm", () => {
  assert.equal(formatDigest("sha256", new Uint8Array(32)), `sha256:${"0".repeat(64)}`);
  assert.equal(formatDigest("sha512", new Uint8Array(64).fill(255)), `sha512:${"f".repeat(128)}`);
  assert.throws(() => formatDigest("sha256", new Uint8Array(64)), RangeError);
});
