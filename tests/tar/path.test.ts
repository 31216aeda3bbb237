import { test } from "node:test";
import assert from "node:assert/strict";
import { MAX_PATH_DEPTH, MAX_PATH_LENGTH, sanitizePath } from "../../lib/tar/mod.ts";

/** Raw name -> the path; by the rules of any system, then by those of POSIX. */
const SAFE: readonly (readonly [string, string, string?])[] = [
  ["a", "a"],
  ["./a//b/", "a/b"],
  ["/etc/passwd", "etc/passwd"],
  ["////", ""],
  ["", ""],
  [".", ""],
  ["./", ""],
  ["a/./b", "a/b"],
  ["...", "..."],
  ["..a/b..", "..a/b.."],
  [" ..", " .."],
  ["a/b:c", "a/b:c"],
  ["%2e%2e/x", "%2e%2e/x"],
  ["line\nbreak", "line\nbreak"],
  ["\u202e", "\u202e"],
];
const UNSAFE_ANYWHERE = [
  "..",
  "../x",
  "/../x",
  "a/../../x",
  "a/..",
  "a/../b",
  "./..",
  "..//",
  "a\0b",
  "\0",
];
/** Refused where Windows counts; names like any other by the rules of POSIX. */
const UNSAFE_ON_WINDOWS = [
  "C:\\x",
  "C:x",
  "c:/x",
  "\\\\?\\x",
  "a\\..\\..\\x",
  "..\\x",
  "usr/lib/systemd/system/system-systemd\\x2dcryptsetup.slice",
];

test("sanitizePath() keeps a name below the root", () => {
  for (const [raw, path] of SAFE) {
    assert.equal(sanitizePath(raw), path, JSON.stringify(raw));
    assert.equal(sanitizePath(raw, { system: "posix" }), path, `posix: ${JSON.stringify(raw)}`);
  }
});

/** The rules, part by part. */
function byParts(raw: string, system: "any" | "posix"): string | undefined {
  const parts = raw.split("/").filter((part) => part !== "" && part !== ".");
  if (raw.includes("\0") || parts.includes("..")) return undefined;
  const isWindows = raw.includes("\\") || /^[A-Za-z]:/.test(parts[0] ?? "");
  return system === "any" && isWindows ? undefined : parts.join("/");
}

test("sanitizePath() judges every short name as its parts are judged", () => {
  const letters = ["a", ".", "/", "\\", ":", "\0"];
  let names = [""];
  for (let length = 1; length <= 6; length++) {
    names = names.flatMap((name) => letters.map((letter) => name + letter));
    for (const raw of names) {
      for (const system of ["any", "posix"] as const) {
        const expected = byParts(raw, system);
        const message = `${system}: ${JSON.stringify(raw)}`;
        if (expected !== undefined) assert.equal(sanitizePath(raw, { system }), expected, message);
        else assert.throws(() => sanitizePath(raw, { system }), { code: "UNSAFE_PATH" }, message);
      }
    }
  }
});

test("sanitizePath() refuses a name that leads out, whatever the system", () => {
  for (const raw of UNSAFE_ANYWHERE) {
    for (const system of [undefined, "any", "posix"] as const) {
      const sanitize = (): string => sanitizePath(raw, { system });
      assert.throws(sanitize, { code: "UNSAFE_PATH", path: raw }, `${system}: ${raw}`);
    }
  }
});

test("sanitizePath() refuses what leads out on Windows only, unless POSIX is meant", () => {
  for (const raw of UNSAFE_ON_WINDOWS) {
    assert.throws(() => sanitizePath(raw), { code: "UNSAFE_PATH", path: raw }, raw);
    assert.equal(sanitizePath(raw, { system: "posix" }), raw);
  }
});

test("sanitizePath() takes paths up to its limits and none beyond", () => {
  const longest = "x".repeat(MAX_PATH_LENGTH);
  assert.equal(sanitizePath(longest), longest);
  assert.equal(sanitizePath("é".repeat(MAX_PATH_LENGTH / 2)).length, MAX_PATH_LENGTH / 2);
  assert.equal(sanitizePath("😀".repeat(MAX_PATH_LENGTH / 4)).length, MAX_PATH_LENGTH / 2);
  const deepest = Array(MAX_PATH_DEPTH).fill("a").join("/");
  assert.equal(sanitizePath(deepest), deepest);
  const beyond = [
    `${longest}x`,
    longest.repeat(10),
    "é".repeat(MAX_PATH_LENGTH / 2 + 1),
    "€".repeat(MAX_PATH_LENGTH / 3 + 1),
    "😀".repeat(MAX_PATH_LENGTH / 4 + 1),
    `${deepest}/a`,
    "a/".repeat(MAX_PATH_DEPTH * 10),
  ];
  for (const raw of beyond) {
    const name = `${raw.slice(0, 8)}… (${raw.length})`;
    assert.throws(() => sanitizePath(raw), { code: "LIMIT_EXCEEDED" }, name);
  }
});

test("sanitizePath() says what it refuses without repeating all of it", () => {
  assert.throws(() => sanitizePath(`../${"x".repeat(4000)}`), (error: Error) => {
    return /^Cannot use the path "\.\.\/x+": it leads upwards/.test(error.message) &&
      error.message.length < 400;
  });
});
