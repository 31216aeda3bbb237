import { test } from "node:test";
import assert from "node:assert/strict";
import { KnownParents } from "../../lib/bytes/known_parents.ts";

/** Finds the directory of a path as users do. */
function find(known: KnownParents<string>, path: string): string | undefined {
  return known.get(path, Math.max(path.lastIndexOf("/"), 0));
}

test("remembers directories, the last one and those before it", () => {
  const known = new KnownParents<string>();
  assert.equal(find(known, "a"), undefined);
  known.set("", "root");
  known.set("usr", "usr");
  known.set("usr/bin", "bin");
  for (let round = 0; round < 2; round++) {
    assert.equal(find(known, "usr/bin/env"), "bin");
    assert.equal(find(known, "usr/bin/awk"), "bin");
    assert.equal(find(known, "usr/lib"), "usr");
    assert.equal(find(known, "usr"), "root");
    assert.equal(known.get("usr", 3), "usr");
  }
});

test("takes no path of the same length for a directory", () => {
  const known = new KnownParents<string>();
  known.set("usr/bin", "bin");
  for (const path of ["usr/lib/env", "usr/bin", "usr", "usr/bi/n", "usr/bin/x/y", ""]) {
    assert.equal(find(known, path), undefined, path);
  }
});

test("forgets all at once, and old ones when there are many", () => {
  const known = new KnownParents<string>();
  known.set("a", "a");
  known.clear();
  assert.equal(find(known, "a/b"), undefined);
  for (let number = 0; number < 10_000; number++) known.set(`${number}`, `${number}`);
  assert.equal(find(known, "0/a"), undefined);
  assert.equal(find(known, "9999/a"), "9999");
});
