import { test } from "node:test";
import assert from "node:assert/strict";
import {
  armVersion,
  choosePlatform,
  comparePlatforms,
  formatPlatform,
  InvalidPlatformError,
  matchPlatform,
  normalizePlatform,
  parsePlatform,
  type Platform,
  type PlatformMatch,
  platformMatcher,
} from "../../lib/model/mod.ts";
import { corpusJSON } from "../support/corpus.ts";

interface MatchRow {
  platform: string;
  matches: string[];
  doesNotMatch: string[];
}

interface OrderRow {
  platform: string;
  platforms: string[];
  expected: string[];
}

interface Table {
  parse: {
    input: string;
    skippedUpstream: boolean;
    expected: Platform;
    matches: Platform[];
    formatted: string;
  }[];
  invalid: string[];
  only: MatchRow[];
  onlyStrict: MatchRow[];
  onlyOS: MatchRow[];
  order: OrderRow[];
  orderOSFeatures: OrderRow[];
  formatAll: { platform: Platform; expected: string }[];
  cpuVariantFromArch: { input: string; output: string; expectedErr: unknown }[];
  windowsABI: { hostPlatform: Platform; testPlatform: Platform; match: boolean }[];
  windowsCompat: { hostOS: number; ctrOS: number; shouldRun: boolean }[];
}

const TABLE = "tables/platform-containerd.json";

test("parsePlatform() and formatPlatform() agree with containerd", async () => {
  const { parse, invalid } = await corpusJSON<Table>(TABLE);
  for (const row of parse) {
    if (row.skippedUpstream) {
      // Upstream's own tests skip these rows: it refuses wildcards, and so do we.
      assert.throws(() => parsePlatform(row.input), InvalidPlatformError, row.input);
      continue;
    }
    const platform = parsePlatform(row.input);
    assert.deepEqual(platform, row.expected, row.input);
    assert.equal(formatPlatform(platform), row.formatted, row.input);
    const matcher = platformMatcher(platform, "exact");
    for (const match of row.matches) {
      assert.ok(matcher.matches(match), `${row.input} and ${JSON.stringify(match)}`);
    }
  }
  for (const text of invalid) {
    assert.throws(() => parsePlatform(text), InvalidPlatformError, text);
  }
});

test("formatPlatform() escapes what is a mark of the syntax", async () => {
  const { formatAll } = await corpusJSON<Table>(TABLE);
  for (const row of formatAll) {
    assert.equal(formatPlatform(row.platform), row.expected, row.expected);
    assert.deepEqual(parsePlatform(row.expected), row.platform, row.expected);
  }
});

test("platformMatcher() matches as containerd does", async () => {
  const table = await corpusJSON<Table>(TABLE);
  const sections: [PlatformMatch, MatchRow[]][] = [
    ["compatible", table.only],
    ["exact", table.onlyStrict],
    ["os", table.onlyOS],
  ];
  for (const [match, rows] of sections) {
    for (const row of rows) {
      const matcher = platformMatcher(parsePlatform(row.platform), match);
      for (const text of row.matches) {
        assert.ok(matcher.matches(parsePlatform(text)), `${match} ${row.platform}: ${text}`);
      }
      for (const text of row.doesNotMatch) {
        assert.ok(!matcher.matches(parsePlatform(text)), `${match} ${row.platform}: not ${text}`);
      }
    }
  }
});

test("platformMatcher() orders as containerd does", async () => {
  const { order, orderOSFeatures } = await corpusJSON<Table>(TABLE);
  const sections: [PlatformMatch, OrderRow[]][] = [
    ["os", order],
    ["compatible", orderOSFeatures],
    ["exact", orderOSFeatures],
  ];
  for (const [match, rows] of sections) {
    for (const row of rows) {
      const { compare } = platformMatcher(parsePlatform(row.platform), match);
      const sorted = row.platforms.map((text) => parsePlatform(text)).sort(compare);
      assert.deepEqual(sorted.map(formatPlatform), row.expected, `${match} ${row.platform}`);
    }
  }
});

test("Windows images run on hosts of the same or a compatible build", async () => {
  const { windowsABI, windowsCompat } = await corpusJSON<Table>(TABLE);
  for (const row of windowsABI) {
    assert.equal(matchPlatform(row.hostPlatform, row.testPlatform), row.match, JSON.stringify(row));
  }
  const windows = (build: number): Platform => ({
    os: "windows",
    architecture: "amd64",
    "os.version": `10.0.${build}.1234`,
  });
  for (const row of windowsCompat) {
    const isMatch = matchPlatform(windows(row.hostOS), windows(row.ctrOS));
    assert.equal(isMatch, row.shouldRun, JSON.stringify(row));
  }
});

test("armVersion() reads machine names", async () => {
  const { cpuVariantFromArch } = await corpusJSON<Table>(TABLE);
  for (const row of cpuVariantFromArch) {
    if (row.expectedErr === null) assert.equal(armVersion(row.input), row.output, row.input);
    else assert.throws(() => armVersion(row.input), InvalidPlatformError, row.input);
  }
});

test("normalizePlatform() changes nothing the second time and keeps unknown fields", () => {
  const texts = ["arm", "armel", "linux/arm/8", "linux/arm64/9.0", "linux/amd64/v1", "i386"];
  for (const text of texts) {
    const once = normalizePlatform(parsePlatform(text));
    assert.deepEqual(normalizePlatform(once), once, text);
    assert.ok(matchPlatform(once, parsePlatform(text)), text);
  }
  const platform = { os: "Linux", architecture: "x86_64", variant: "", features: ["sse4"] };
  const normal = { os: "linux", architecture: "amd64", features: ["sse4"] };
  assert.deepEqual(normalizePlatform(platform), normal);
});

test("comparePlatforms() puts the best variant first", () => {
  const sorted = ["linux/arm/v5", "linux/amd64", "linux/arm/v7", "linux/arm64", "linux/arm/v6"]
    .map((text) => parsePlatform(text)).sort(comparePlatforms(parsePlatform("linux/arm64/v8")));
  assert.deepEqual(sorted.map(formatPlatform), [
    "linux/arm64",
    "linux/arm/v7",
    "linux/arm/v6",
    "linux/arm/v5",
    "linux/amd64",
  ]);
});

test("parsePlatform() takes what is left out from the host", () => {
  const host: Platform = { os: "darwin", architecture: "arm64" };
  assert.equal(formatPlatform(parsePlatform("amd64", host)), "darwin/amd64");
  assert.equal(formatPlatform(parsePlatform("linux", host)), "linux/arm64");
  const pi: Platform = { os: "linux", architecture: "arm", variant: "v6" };
  assert.equal(formatPlatform(parsePlatform("linux", pi)), "linux/arm/v6");
});

test("choosePlatform() never chooses an attestation", () => {
  const attestation = { platform: { os: "unknown", architecture: "unknown" } };
  const annotated = {
    platform: { os: "linux", architecture: "amd64" },
    annotations: { "vnd.docker.reference.type": "attestation-manifest" },
  };
  const image = { platform: { os: "linux", architecture: "amd64" }, annotations: {} };
  const wanted = parsePlatform("linux/amd64");
  assert.equal(choosePlatform([attestation, annotated, {}, image], wanted), image);
  assert.equal(choosePlatform([attestation, annotated, {}], wanted), undefined);
  assert.equal(
    choosePlatform([attestation], { os: "unknown", architecture: "unknown" }),
    undefined,
  );
});

test("choosePlatform() takes the first of equal ones and the newest Windows revision", () => {
  const entry = (platform: string, name: string) => ({ platform: parsePlatform(platform), name });
  const linux = [
    entry("linux/386", "old"),
    entry("linux/amd64", "first"),
    entry("linux/amd64", "second"),
    entry("linux/amd64/v3", "too new"),
  ];
  assert.equal(choosePlatform(linux, parsePlatform("linux/amd64"))?.name, "first");
  assert.equal(choosePlatform(linux, parsePlatform("linux/amd64/v3"))?.name, "too new");
  assert.equal(choosePlatform(linux, parsePlatform("linux/arm64")), undefined);
  const windows = [
    entry("windows(10.0.20348.99)/amd64", "old"),
    entry("windows(10.0.20348.1000)/amd64", "new"),
    entry("windows(10.0.26100.1)/amd64", "too new"),
  ];
  const host = parsePlatform("windows(10.0.20348.5)/amd64");
  assert.equal(choosePlatform(windows, host)?.name, "new");
});
