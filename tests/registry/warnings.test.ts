import { test } from "node:test";
import assert from "node:assert/strict";
import { parseWarnings } from "../../lib/registry/warnings.ts";
import { corpusJSON } from "../support/corpus.ts";
import { answer, bench, MANIFEST } from "./scripted.ts";

interface WarningTable {
  readonly cases: readonly {
    readonly name: string;
    readonly header: string;
    readonly text: string | null;
  }[];
}

test("the table warning-header", async () => {
  const { cases } = await corpusJSON<WarningTable>("tables/warning-header.json");
  for (const { name, header, text } of cases) {
    assert.deepEqual(parseWarnings(header), text === null ? [] : [text], name);
  }
});

test("several warnings in one header, with commas and quotes inside", () => {
  assert.deepEqual(
    parseWarnings('299 - "first, with a comma", 199 - "not this", 299 - "a \\"quoted\\" one"'),
    ["first, with a comma", 'a "quoted" one'],
  );
});

test("no more than 4,096 characters of warnings are taken", () => {
  const long = "x".repeat(4000);
  assert.deepEqual(parseWarnings(`299 - "${long}", 299 - "${long}"`), [long]);
});

test("a Warning header is read in time that grows with its length", () => {
  const start = Date.now();
  parseWarnings(`299 - "${'\\"'.repeat(500_000)}`);
  parseWarnings(",".repeat(1_000_000));
  assert.ok(Date.now() - start < 10_000);
});

test("each warning of a registry is reported once, and never fails a call", async () => {
  const b = bench((request) => answer(MANIFEST, request, { warning: '299 - "old version"' }));
  await b.clock.run(b.repository.manifest("v1"));
  await b.clock.run(b.repository.manifest("v1"));
  assert.deepEqual(b.events, [
    { type: "warning", registry: "registry.example", text: "old version" },
  ]);
});
