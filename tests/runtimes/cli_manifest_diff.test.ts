import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { unifiedDiff } from "../../lib/cli/_line_diff.ts";
import { lading, withRegistry } from "./lading_main.ts";

const side = (name: string, lines: readonly string[]) => ({ name, lines });

/** Applies a unified diff as patch does, and insists on every line of it. */
function patched(lines: readonly string[], diff: readonly string[]): string[] {
  const result: string[] = [];
  let at = 0;
  for (const line of diff.slice(2)) {
    const head = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@$/.exec(line);
    if (head !== null) {
      const start = Number(head[1]) - (head[2] === "0" ? 0 : 1);
      while (at < start) result.push(lines[at++] ?? "");
      assert.equal(result.length, Number(head[3]) - (head[4] === "0" ? 0 : 1), line);
      continue;
    }
    const [sign, text] = [line.slice(0, 1), line.slice(1)];
    if (sign !== "+") assert.equal(lines[at++], text);
    if (sign !== "-") result.push(text);
  }
  return [...result, ...lines.slice(at)];
}

test("unifiedDiff() writes what diff -u writes", () => {
  const before = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
  const after = ["a", "b", "C", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m"];
  assert.deepEqual(unifiedDiff(side("one", before), side("two", after)), [
    "--- one",
    "+++ two",
    "@@ -1,6 +1,6 @@",
    " a",
    " b",
    "-c",
    "+C",
    " d",
    " e",
    " f",
    "@@ -10,3 +10,4 @@",
    " j",
    " k",
    " l",
    "+m",
  ]);
  const [empty, one] = [side("none", []), side("one", ["x"])];
  assert.deepEqual(unifiedDiff(empty, one).slice(2), ["@@ -0,0 +1 @@", "+x"]);
  assert.deepEqual(unifiedDiff(one, empty).slice(2), ["@@ -1 +0,0 @@", "-x"]);
  assert.deepEqual(unifiedDiff(one, one), []);
});

test("unifiedDiff() makes one text of the other, by the fewest lines", () => {
  let seed = 7;
  const random = (below: number) => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) % below;
  for (let round = 0; round < 300; round++) {
    const letters = 1 + random(5);
    const text = () => Array.from({ length: random(14) }, () => `${random(letters)}`);
    const [before, after] = [text(), text()];
    const diff = unifiedDiff(side("one", before), side("two", after));
    assert.deepEqual(patched(before, diff), after);
    const edits = diff.slice(2).filter((line) => /^[+-]/.test(line)).length;
    const common = longestCommon(before, after);
    assert.equal(edits, before.length + after.length - 2 * common, diff.join("\n"));
  }
});

/** Counts the lines that two texts have in common, in their order, by the plain recurrence. */
function longestCommon(left: readonly string[], right: readonly string[]): number {
  let row: number[] = Array.from({ length: right.length + 1 }, () => 0);
  for (const line of left) {
    const next = [0];
    right.forEach((other, at) => {
      const best = Math.max(row[at + 1] ?? 0, next[at] ?? 0);
      next.push(line === other ? (row[at] ?? 0) + 1 : best);
    });
    row = next;
  }
  return row[right.length] ?? 0;
}

test("unifiedDiff() replaces what has nothing in common, however long", () => {
  const many = (name: string) => Array.from({ length: 5000 }, (_, at) => `${name} ${at}`);
  const [before, after] = [["{", ...many("a"), "}"], ["{", ...many("b"), "}"]];
  const diff = unifiedDiff(side("one", before), side("two", after));
  assert.equal(diff[2], "@@ -1,5002 +1,5002 @@");
  assert.deepEqual(patched(before, diff), after);
});

test("lading manifest diff shows what another manifest says", async () => {
  await withRegistry(async (image, folder) => {
    const amd64 = ["--platform", "linux/amd64"];
    const to = image.replace(/:1$/, ":2");
    const label = ["--annotation", "org.example.note=new", "--to", to];
    assert.equal((await lading("mutate", image, ...amd64, ...label)).code, 0);
    const { code, out, errors } = await lading("manifest", "diff", image, to, ...amd64);
    assert.equal(code, 0, errors);
    const lines = out.trimEnd().split("\n");
    assert.deepEqual(lines.slice(0, 2), [`--- ${image}`, `+++ ${to}`]);
    assert.ok(lines.includes('+    "org.example.note": "new"'), out);
    const pretty = async (name: string) => {
      const manifest = (await lading("manifest", name, ...amd64)).out;
      return JSON.stringify(JSON.parse(manifest), null, 2).split("\n");
    };
    assert.deepEqual(patched(await pretty(image), lines), await pretty(to));
    const same = await lading("manifest", "diff", image, image, "--platform", "all");
    assert.deepEqual([same.code, same.out, same.errors], [0, "", ""]);
    const whole = await lading("manifest", "diff", image, to, "--platform", "all");
    assert.match(whole.out, /^- {2}"manifests": \[$/m);

    const file = join(folder, "manifest.json");
    writeFileSync(file, (await pretty(to)).join("\n"));
    assert.equal((await lading("manifest", "push", image.replace(/:1$/, ":3"), file)).code, 0);
    const indented = await lading("manifest", "diff", to, image.replace(/:1$/, ":3"));
    assert.deepEqual([indented.code, indented.out], [0, ""]);
    assert.match(indented.errors, /the same in other bytes\n$/);
    assert.equal((await lading("manifest", "diff", image, `${to}-none`)).code, 3);
  });
});
