import assert from "node:assert/strict";
import { test } from "node:test";
import { compilePattern } from "../../lib/engine/_dockerignore_pattern.ts";
import { Dockerignore, parseDockerignore } from "../../lib/engine/dockerignore.ts";
import { InvalidInputError } from "../../lib/model/errors.ts";
import { corpusJSON } from "../support/corpus.ts";

interface MatchTable {
  readonly single: readonly { pattern: string; path: string; match: boolean }[];
  readonly multi: readonly {
    patterns: readonly string[];
    path: string;
    match?: boolean;
    error?: boolean;
  }[];
  readonly goFilepathMatch: readonly {
    pattern: string;
    path: string;
    match: boolean;
    error: string | null;
  }[];
  readonly compiledForms: readonly {
    pattern: string;
    matchType: string;
    regexp: string | null;
  }[];
}

const table = (): Promise<MatchTable> => corpusJSON("tables/dockerignore-match.json");

const isRefused = (error: unknown): boolean =>
  error instanceof InvalidInputError && error.code === "INVALID_PATTERN";

test("Dockerignore matches every single pattern as moby does", async () => {
  for (const { pattern, path, match } of (await table()).single) {
    const found = new Dockerignore([pattern]).isIgnored(path);
    assert.equal(found, match, `${pattern} against ${path}`);
  }
});

test("Dockerignore matches lists of patterns as moby does, the last match wins", async () => {
  for (const { patterns, path, match, error } of (await table()).multi) {
    const name = `${patterns.join(" ")} against ${path}`;
    const match_ = () => new Dockerignore(patterns).isIgnored(path);
    if (error === true) assert.throws(match_, isRefused, name);
    else assert.equal(match_(), match, name);
  }
});

test("Dockerignore takes and refuses the patterns of Go's own tests", async () => {
  for (const { pattern, path, match, error } of (await table()).goFilepathMatch) {
    const name = `${pattern} against ${path}`;
    const match_ = () => new Dockerignore([pattern]).isIgnored(path);
    if (error === null) assert.equal(match_(), match, name);
    else assert.throws(match_, isRefused, name);
  }
});

test("patterns are compiled into the shapes that moby compiles them into", async () => {
  const kinds: Readonly<Record<string, string>> = {
    exactMatch: "exact",
    prefixMatch: "prefix",
    suffixMatch: "suffix",
    regexpMatch: "expression",
  };
  for (const { pattern, matchType, regexp } of (await table()).compiledForms) {
    const compiled = compilePattern(pattern);
    assert.equal(compiled.kind, kinds[matchType], pattern);
    assert.equal(compiled.expression ?? null, regexp, pattern);
  }
});

test("a pattern that only shows at matching that it is none is refused at every match", () => {
  const ignore = new Dockerignore(["[Local-Only]/"]);
  assert.throws(() => ignore.isIgnored("x"), isRefused);
  assert.throws(() => ignore.isIgnored("x"), isRefused);
});

test("parseDockerignore() reads files as Docker does", async () => {
  const { cases } = await corpusJSON<{
    cases: readonly { content: string; expected: readonly string[] }[];
  }>("tables/dockerignore-file.json");
  assert.ok(cases.length > 0);
  for (const { content, expected } of cases) {
    assert.deepEqual(parseDockerignore(content), expected, content);
    assert.deepEqual(parseDockerignore(new TextEncoder().encode(content)), expected, content);
  }
});

test("parseDockerignore() cuts one byte order mark off, and takes lines of Windows", () => {
  const content = "\ufeffa.txt\r\n#comment\r\n #f\r\n\r\nsub\r\n";
  assert.deepEqual(parseDockerignore(content), ["a.txt", "#f", "sub"]);
  assert.deepEqual(parseDockerignore(new TextEncoder().encode(content)), ["a.txt", "#f", "sub"]);
});

test("parseDockerignore() drops lines of white space, and refuses lines that Docker refuses", () => {
  assert.deepEqual(parseDockerignore("  \n\t\n\u00a0\n"), []);
  assert.throws(() => parseDockerignore(`a\n${"b".repeat(70_000)}`), isRefused);
});

test("docker-py's divergences from moby are not copied", async () => {
  const { cases } = await corpusJSON<{
    cases: readonly { patterns: readonly string[]; path: string; buildkit: boolean | "error" }[];
  }>("tables/dockerignore-docker-py.json");
  for (const { patterns, path, buildkit } of cases) {
    const match = () => new Dockerignore(patterns).isIgnored(path);
    if (buildkit === "error") assert.throws(match, isRefused, patterns.join(" "));
    else assert.equal(match(), buildkit, patterns.join(" "));
  }
});

test("the rows in which Docker and docker-py differ are answered as Docker does", () => {
  const rows: readonly (readonly [readonly string[], string, boolean])[] = [
    [["../a.py"], "a.py", false],
    [["readme.md"], "README.md", false],
    [["**/a", "!x/y/a/b/keep"], "x/y/a/b/keep", false],
    [["**/a", "!x/y/a/b/keep"], "x/y/a/other", true],
    [["**/a", "!x/y/a/b/keep"], "x/y/a/b", true],
    [["[^a]1"], "b1", true],
    [["[^a]1"], "a1", false],
    [["[!a]1"], "a1", true],
    [["[!a]1"], "!1", true],
    [["[!a]1"], "b1", false],
    [["a\\*b"], "a*b", true],
    [["a\\*b"], "axb", false],
    [["**.txt"], "x/y/a.txt", true],
    [parseDockerignore(" #f"), "#f", true],
    [parseDockerignore("\ufefff"), "f", true],
    [parseDockerignore("/../b.py"), "b.py", true],
  ];
  for (const [patterns, path, wanted] of rows) {
    assert.equal(new Dockerignore(patterns).isIgnored(path), wanted, `${patterns} ${path}`);
  }
  assert.throws(() => new Dockerignore(["!"]), isRefused);
  assert.throws(() => new Dockerignore(["[a"]), isRefused);
});

test("the oddities of moby's expressions are kept", () => {
  const rows: readonly (readonly [string, string, boolean])[] = [
    ["a\\d", "a7", true],
    ["a\\d", "ad", false],
    ["[[:alpha:]]*", "q7", true],
    ["[[:alpha:]]*", "77", false],
    ["[a?]x", "a]x", true],
    ["[a*]", "aaa]", true],
    ["[^a]1", "/1", true],
    ["x\\pL", "xé", true],
    ["x\\x41", "xA", true],
    ["^a*", "ab", true],
    ["a^b*", "a^b", false],
    ["\\Qa*", "a[^/]*$", true],
    ["a\\.b", "a.b", true],
    ["日本*", "日本語", true],
    ["?", "😀", true],
  ];
  for (const [pattern, path, wanted] of rows) {
    assert.equal(new Dockerignore([pattern]).isIgnored(path), wanted, `${pattern} ${path}`);
  }
  for (const pattern of ["a\\y*", "[[:nope:]]", "a\\é*", "a\\C*", "\\p{Greek}*", "\\8*"]) {
    assert.throws(() => new Dockerignore([pattern]).isIgnored("a"), isRefused, pattern);
  }
});

test("hostile patterns take no longer than their length times that of the path", () => {
  const path = `${"a/".repeat(1500)}${"a".repeat(1000)}`;
  const started = Date.now();
  for (
    const pattern of [
      `${"*a".repeat(60)}b`,
      `${"**/".repeat(60)}*b`,
      `${"a**/*".repeat(40)}b`,
      `${"[a-z]*".repeat(60)}!`,
    ]
  ) {
    const ignore = new Dockerignore([pattern]);
    assert.equal(ignore.judge(path, { isIgnored: false, matched: [] }).isIgnored, false, pattern);
    assert.equal(ignore.isIgnored("a".repeat(3000)), false, pattern);
  }
  assert.ok(Date.now() - started < 10_000, `${Date.now() - started} ms`);
});

test("judge() hands on to what is in a directory what matched it", () => {
  const ignore = new Dockerignore(["**/dir", "!x/dir/keep"]);
  const x = ignore.judge("x");
  const dir = ignore.judge("x/dir", x);
  assert.deepEqual([x.isIgnored, dir.isIgnored], [false, true]);
  assert.equal(ignore.judge("x/dir/other", dir).isIgnored, true);
  assert.equal(ignore.judge("x/dir/keep", dir).isIgnored, false);
  assert.equal(ignore.mayHoldExceptions("x/dir"), true);
  assert.equal(ignore.mayHoldExceptions("dir"), false);
  assert.equal(new Dockerignore(["**", "!*/b.py"]).mayHoldExceptions("foo"), false);
});
