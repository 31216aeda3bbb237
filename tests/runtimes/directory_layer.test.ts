// Layers of directories of a disk: links, modes, and what is no file.
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { FileSystemError } from "../../lib/store/mod.ts";
import { layerFrom } from "../../mod.ts";

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "lading-layer-"));
  try {
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Seen {
  readonly path: string;
  readonly type: string;
  readonly link: string | undefined;
  readonly mode: number;
  readonly mtime: number;
}

async function entriesOf(folder: string, options = {}): Promise<Seen[]> {
  const seen: Seen[] = [];
  for await (const entry of (await layerFrom(folder, options)).entries()) {
    const { path, type, linkPath: link, mode, mtime } = entry;
    seen.push({ path, type, link, mode, mtime });
  }
  return seen;
}

test("a layer of a directory has its files, links and modes, and no times", () =>
  inFolder(async (folder) => {
    mkdirSync(join(folder, "b"), { mode: 0o750 });
    writeFileSync(join(folder, "b", "run"), "#!/bin/sh\n");
    chmodSync(join(folder, "b", "run"), 0o755);
    linkSync(join(folder, "b", "run"), join(folder, "a"));
    symlinkSync("b/run", join(folder, "c"));
    utimesSync(join(folder, "a"), 1000, 2000);
    const entries = await entriesOf(folder, { prefix: "/opt", parents: false });
    const [, ...rest] = entries.map(({ path, type, link }) => [path, type, link].join(" ").trim());
    assert.deepEqual(entries[0]?.path, "opt/a");
    assert.deepEqual(rest, ["opt/b/ directory", "opt/c symlink b/run", "opt/b/run hardlink opt/a"]);
    assert.deepEqual([entries[0]?.mode, entries[1]?.mode], [0o755, 0o750]);
    assert.ok(entries.every(({ mtime }) => mtime === 0));
    const kept = await entriesOf(folder, { mtime: "keep" });
    assert.equal(kept.find(({ path }) => path === "a")?.mtime, 2000);
  }));

test("a layer of a directory with a pipe is refused without waiting on it", () =>
  inFolder(async (folder) => {
    execFileSync("mkfifo", [join(folder, "pipe")]);
    await assert.rejects(layerFrom(folder), FileSystemError);
  }));

test("a layer whose files change after it was made errors when it is read", () =>
  inFolder(async (folder) => {
    writeFileSync(join(folder, "a"), "one");
    const layer = await layerFrom(folder);
    writeFileSync(join(folder, "a"), "two");
    await assert.rejects(async () => {
      for await (const entry of layer.entries()) await entry.text();
    });
  }));
