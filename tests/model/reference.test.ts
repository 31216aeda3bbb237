import { test } from "node:test";
import assert from "node:assert/strict";
import {
  familiarName,
  familiarReference,
  fetchReference,
  formatRawReference,
  formatReference,
  InvalidReferenceError,
  isImageID,
  isRegistryHost,
  isRepositoryName,
  isTag,
  matchReference,
  parseAnyReference,
  parseRawReference,
  parseReference,
  type RawReference,
  withDefaultTag,
} from "../../lib/model/mod.ts";
import { corpusJSON } from "../support/corpus.ts";

interface ParseTable {
  parse: {
    input: string;
    error: string | null;
    name: string | null;
    domain: string | null;
    tag: string | null;
    digest: string | null;
    note?: string;
  }[];
  parseNamed: { input: string; error: string | null; domain: string; path: string }[];
  withNameFails: { input: string; error: string }[];
  domainAndPath: { input: string; domain: string; path: string }[];
  withTag: { combined: string; name: string; tag: string; digest: string }[];
  withDigest: { combined: string; name: string; tag: string; digest: string }[];
}

interface NormalizeTable {
  validNames: string[];
  invalidNames: string[];
  validRemoteNames: string[];
  invalidRemoteNames: string[];
  repositoryInfo: {
    ambiguousName: string;
    domain: string;
    familiarName: string;
    fullName: string;
    remoteName: string;
  }[];
  parseAny: { input: string; equivalent: string; isBareDigest: boolean }[];
  splitHostname: { input: string; domain: string; path: string }[];
  familiarMatch: { pattern: string; reference: string; expected: boolean }[];
  parseDockerRef: { input: string; expected: string }[];
}

interface Row {
  input: string;
  match: boolean;
  subs?: string[] | null;
}

interface RegexpTable {
  domain: Row[];
  fullName: Row[];
  reference: Row[];
  identifier: Row[];
}

const PARSE = "tables/reference-parse.json";
const NORMALIZE = "tables/reference-normalize.json";
const REGEXP = "tables/reference-regexp.json";

/** The reason of the refusal, or `undefined` when the text is taken. */
function reasonOf(parse: () => unknown): string | undefined {
  try {
    parse();
    return undefined;
  } catch (error) {
    assert.ok(error instanceof InvalidReferenceError, String(error));
    return error.message.slice(error.message.lastIndexOf(": ") + 2);
  }
}

function rawOrUndefined(text: string): RawReference | undefined {
  try {
    return parseRawReference(text);
  } catch {
    return undefined;
  }
}

test("parseRawReference() agrees with distribution/reference, reasons included", async () => {
  const { parse } = await corpusJSON<ParseTable>(PARSE);
  for (const row of parse) {
    // The row says so itself: upstream refuses sha512 only when its code is not linked in.
    const isLinkDependent = row.input.includes("@sha512:") && row.note !== undefined;
    if (isLinkDependent) {
      assert.equal(parseRawReference(row.input).name, "validname", row.input);
      continue;
    }
    if (row.error !== null) {
      assert.equal(reasonOf(() => parseRawReference(row.input)), row.error, row.input);
      continue;
    }
    const raw = parseRawReference(row.input);
    assert.equal(raw.name, row.name, row.input);
    assert.equal(raw.domain ?? null, row.domain, row.input);
    assert.equal(raw.tag ?? null, row.tag, row.input);
    assert.equal(raw.digest ?? null, row.digest, row.input);
    assert.equal(formatRawReference(raw), row.input, row.input);
  }
});

test("a name is canonical when it is its own canonical form", async () => {
  const { parseNamed } = await corpusJSON<ParseTable>(PARSE);
  for (const row of parseNamed) {
    const reference = parseReference(row.input);
    assert.equal(formatReference(reference) === row.input, row.error === null, row.input);
    if (row.error !== null) continue;
    assert.equal(reference.registry, row.domain, row.input);
    assert.equal(reference.repository, row.path, row.input);
  }
});

test("a name alone has neither tag nor digest and at most 255 characters", async () => {
  const { withNameFails, domainAndPath } = await corpusJSON<ParseTable>(PARSE);
  for (const { input } of withNameFails) {
    const raw = rawOrUndefined(input);
    assert.ok(raw?.tag !== undefined || raw === undefined, input);
  }
  for (const row of domainAndPath) {
    const raw = parseRawReference(row.input);
    assert.equal(raw.domain ?? "", row.domain, row.input);
    assert.equal(raw.path, row.path, row.input);
  }
});

test("formatRawReference() puts name, tag and digest together", async () => {
  const { withTag, withDigest } = await corpusJSON<ParseTable>(PARSE);
  for (const row of [...withTag, ...withDigest]) {
    const tag = row.tag === "" ? undefined : row.tag;
    const digest = row.digest === "" ? undefined : row.digest;
    assert.equal(formatRawReference({ name: row.name, tag, digest }), row.combined, row.combined);
  }
});

test("parseReference() takes the names that Docker takes, and no others", async () => {
  const table = await corpusJSON<NormalizeTable>(NORMALIZE);
  for (const name of [...table.validNames, ...table.validRemoteNames]) {
    assert.equal(reasonOf(() => parseReference(name)), undefined, name);
  }
  for (const name of [...table.invalidNames, ...table.invalidRemoteNames]) {
    assert.notEqual(reasonOf(() => parseReference(name)), undefined, name);
  }
  for (const name of table.validRemoteNames) assert.ok(isRepositoryName(name), name);
});

test("references have a familiar and a canonical form", async () => {
  const { repositoryInfo, splitHostname } = await corpusJSON<NormalizeTable>(NORMALIZE);
  for (const row of repositoryInfo) {
    for (const input of [row.ambiguousName, row.familiarName, row.fullName]) {
      if (input === "") continue;
      const reference = parseReference(input);
      assert.equal(reference.registry, row.domain, input);
      assert.equal(reference.repository, row.remoteName, input);
      assert.equal(familiarName(reference), row.familiarName, input);
      assert.equal(formatReference(reference), row.fullName, input);
    }
  }
  for (const row of splitHostname) {
    const reference = parseReference(row.input);
    assert.equal(reference.registry, row.domain, row.input);
    assert.equal(reference.repository, row.path, row.input);
  }
});

test("parseAnyReference() takes image IDs and digests as well", async () => {
  const { parseAny } = await corpusJSON<NormalizeTable>(NORMALIZE);
  for (const row of parseAny) {
    const reference = parseAnyReference(row.input);
    const isReference = "registry" in reference;
    assert.equal(!isReference, row.isBareDigest, row.input);
    const text = isReference ? formatReference(reference) : reference.digest;
    assert.equal(text, row.equivalent, row.input);
  }
});

test("fetchReference() drops the tag beside a digest and adds latest", async () => {
  const { parseDockerRef } = await corpusJSON<NormalizeTable>(NORMALIZE);
  for (const row of parseDockerRef) {
    const reference = fetchReference(parseReference(row.input));
    assert.equal(formatReference(reference), row.expected, row.input);
  }
});

test("matchReference() matches familiar forms with shell patterns", async () => {
  const { familiarMatch } = await corpusJSON<NormalizeTable>(NORMALIZE);
  for (const row of familiarMatch) {
    const isMatch = matchReference(row.pattern, parseReference(row.reference));
    assert.equal(isMatch, row.expected, `${row.pattern} against ${row.reference}`);
  }
  const alpine = parseReference("alpine:3.20");
  for (const pattern of ["alp?ne", "*:3.[0-9]0", "[^b]lpine", "al\\pine", "***ne"]) {
    assert.ok(matchReference(pattern, alpine), pattern);
  }
  for (const pattern of ["alp", "", "a?", "[^a]*", "library/*"]) {
    assert.ok(!matchReference(pattern, alpine), pattern);
  }
  for (const pattern of ["[", "[]", "[a", "[a-", "a\\", "[-a]", "*".repeat(513)]) {
    assert.throws(() => matchReference(pattern, alpine), InvalidReferenceError, pattern);
  }
});

test("the parts of the grammar agree with distribution/reference", async () => {
  const table = await corpusJSON<RegexpTable>(REGEXP);
  for (const row of table.domain) assert.equal(isRegistryHost(row.input), row.match, row.input);
  for (const row of table.identifier) assert.equal(isImageID(row.input), row.match, row.input);
  for (const row of table.fullName) {
    const raw = rawOrUndefined(row.input);
    const isName = raw !== undefined && raw.tag === undefined && raw.digest === undefined;
    assert.equal(isName, row.match, row.input);
    if (!isName || !row.subs) continue;
    assert.deepEqual([raw.domain ?? "", raw.path], row.subs, row.input);
  }
  for (const row of table.reference) {
    const raw = rawOrUndefined(row.input);
    assert.equal(raw !== undefined, row.match, row.input);
    if (raw === undefined) continue;
    assert.deepEqual([raw.name, raw.tag ?? "", raw.digest ?? ""], row.subs, row.input);
  }
});

test("withDefaultTag() leaves references alone that name an image", () => {
  const digest = `sha256:${"a".repeat(64)}`;
  const expected = [
    ["alpine", "alpine:latest"],
    ["alpine:3", "alpine:3"],
    [`alpine@${digest}`, `alpine@${digest}`],
    [`alpine:3@${digest}`, `alpine:3@${digest}`],
  ];
  for (const [input = "", output] of expected) {
    assert.equal(familiarReference(withDefaultTag(parseReference(input))), output);
  }
});

test("formatting and parsing again gives the same reference", () => {
  const digest = `@sha512:${"0f".repeat(64)}`;
  for (const registry of ["", "localhost/", "[::1]:5000/", "Host/", "a.b:1/", "docker.io/"]) {
    for (const name of ["x", "library/x", "library/x/y", "a__b/c.d--e"]) {
      for (const suffix of ["", ":T_1.-", digest, `:t${digest}`]) {
        const input = registry + name + suffix;
        const reference = parseReference(input);
        assert.deepEqual(parseReference(formatReference(reference)), reference, input);
        assert.deepEqual(parseReference(familiarReference(reference)), reference, input);
      }
    }
  }
});

test("digests that cannot be verified are refused in references", () => {
  const sha384 = `sha384:${"a".repeat(96)}`;
  assert.equal(reasonOf(() => parseReference(`x@${sha384}`)), "unsupported digest algorithm");
  const upper = `x@sha256:${"A".repeat(64)}`;
  assert.equal(reasonOf(() => parseReference(upper)), "invalid checksum digest format");
});

test("isTag() takes at most 128 characters", () => {
  for (const tag of ["latest", "_", "A.b-c_1", "x".repeat(128)]) assert.ok(isTag(tag), tag);
  for (const tag of ["", ".x", "-x", "a+b", "a/b", "a\r\nb", "é", "x".repeat(129)]) {
    assert.ok(!isTag(tag), JSON.stringify(tag));
  }
});

test("errors of references carry the input, cut to 256 characters", () => {
  try {
    parseReference("/".repeat(1000));
    assert.fail("taken");
  } catch (error) {
    assert.ok(error instanceof InvalidReferenceError);
    assert.equal(error.code, "INVALID_REFERENCE");
    assert.equal(error.input.length, 257);
    assert.ok(error.message.length < 400);
  }
});
