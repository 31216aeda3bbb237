import { test } from "node:test";
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import * as disk from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UnsafePathError } from "../../lib/model/errors.ts";
import { nodeFileSystem } from "../../lib/runtime/node_file_system.ts";
import { FileSystemError, ociLayout } from "../../lib/store/mod.ts";
import { checkFileSystem } from "../store/file_system_rules.ts";
import { describe, fetched, filesBelow, pushImage, utf8 } from "../store/content.ts";

async function inTemporaryDirectory(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = await disk.mkdtemp(join(tmpdir(), "lading-layout-"));
  try {
    await work(directory);
  } finally {
    await disk.rm(directory, { recursive: true });
  }
}

/** The commands that run a TypeScript file on the runtimes there are. */
function runtimes(): string[][] {
  const found = [
    [
      process.env["LADING_NODE24"] ?? "node_modules/.bin/node",
      "--disable-warning=ExperimentalWarning",
    ],
    [process.env["LADING_DENO"] ?? "node_modules/.bin/deno", "run", "-A", "--no-check"],
    [process.env["LADING_BUN"] ?? "node_modules/.bin/bun"],
  ];
  return found.filter(([program = ""]) => existsSync(program));
}

interface Writer {
  /** Comes when the process has printed something, or has ended. */
  readonly begun: Promise<void>;
  /** Kills the process, at once. */
  kill(): void;
  /** The exit code, and what the process printed. */
  readonly ended: Promise<{ code: number | null; output: string; errors: string }>;
}

function startWriter(runtime: readonly string[], ...args: string[]): Writer {
  const [program = "", ...before] = runtime;
  const child = spawn(program, [...before, "tests/runtimes/layout_writer.ts", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  let errors = "";
  child.stdout.on("data", (chunk) => output += chunk);
  child.stderr.on("data", (chunk) => errors += chunk);
  return {
    begun: new Promise((resolve) => {
      child.stdout.once("data", () => resolve());
      child.once("close", () => resolve());
    }),
    kill: () => void child.kill("SIGKILL"),
    ended: new Promise((resolve) => {
      child.on("close", (code) => resolve({ code, output, errors }));
    }),
  };
}

/** Proves all visible blobs and gives the names of `index.json`. */
async function checkLayout(directory: string): Promise<string[]> {
  const blobs = await disk.readdir(join(directory, "blobs/sha256"));
  for (const name of blobs.filter((name) => !name.startsWith("."))) {
    const bytes = new Uint8Array(await disk.readFile(join(directory, "blobs/sha256", name)));
    assert.equal(describe(bytes).digest, `sha256:${name}`);
  }
  const names: string[] = [];
  const layout = ociLayout(nodeFileSystem(), directory);
  for await (const { reference = "", descriptor } of layout.roots()) {
    names.push(reference);
    assert.equal((await fetched(layout, descriptor)).byteLength, descriptor.size);
  }
  return names.sort();
}

for (const [rule, check] of checkFileSystem) {
  test(`nodeFileSystem() ${rule}`, () =>
    inTemporaryDirectory((directory) => check(nodeFileSystem(), join(directory, "some/where"))));
}

test("nodeFileSystem() refuses a pipe without waiting for a writer", () =>
  inTemporaryDirectory(async (directory) => {
    const path = join(directory, "pipe");
    const child = spawn("mkfifo", [path]);
    await new Promise((resolve) => child.on("close", resolve));
    const opening = nodeFileSystem().open(path);
    await assert.rejects(
      opening,
      (error) => error instanceof FileSystemError && error.reason === "not-file",
    );
  }));

test("ociLayout() on a disk keeps all tags of 8 processes on all runtimes at the same time", () =>
  inTemporaryDirectory(async (directory) => {
    const available = runtimes();
    assert.ok(available.length > 0, "there is a runtime to start");
    const layout = join(directory, "layout");
    const writers = Array.from({ length: 8 }, (_, i) => {
      return startWriter(available[i % available.length] ?? [], "tags", layout, String(i));
    });
    for (const { ended } of writers) {
      const { code, errors } = await ended;
      assert.equal(code, 0, errors);
    }
    const expected = writers.flatMap((_, i) => {
      return Array.from({ length: 8 }, (_, j) => `writer${i}-tag${j}`);
    });
    assert.deepEqual(await checkLayout(layout), expected.sort());
    const extra = (await filesBelow(nodeFileSystem(), layout)).filter((path) => {
      return !/\/(oci-layout|index\.json|blobs\/sha256\/[0-9a-f]{64})$/.test(path);
    });
    assert.deepEqual(extra, []);
  }));

test("ociLayout() on a disk is consistent after writers were killed at any moment", () =>
  inTemporaryDirectory(async (directory) => {
    const available = runtimes();
    const layout = join(directory, "layout");
    const promised = new Set<string>();
    let killed = 0;
    for (let round = 0; round < 6; round++) {
      const writers = [0, 1].map((i) => {
        const runtime = available[(round + i) % available.length] ?? [];
        return startWriter(runtime, "forever", layout, String(round * 2 + i));
      });
      // From before the first file up to many images, however long the processes take to start.
      if (round > 2) await writers[0]?.begun;
      await new Promise((resolve) => setTimeout(resolve, 20 + round * 107));
      for (const writer of writers) writer.kill();
      for (const { ended } of writers) {
        const { code, output, errors } = await ended;
        if (code === null || code > 128) killed++;
        assert.equal(errors, "", "no writer failed by itself");
        for (const name of output.split("\n").slice(0, -1)) promised.add(name);
      }
      if (existsSync(join(layout, "oci-layout"))) {
        const names = await checkLayout(layout);
        for (const name of promised) assert.ok(names.includes(name), `${name} was promised`);
      }
    }
    assert.equal(killed, 12);
    assert.ok(promised.size > 0, "something was written");
    const survivor = ociLayout(nodeFileSystem(), layout, { lockStaleAfterMs: 300 });
    await survivor.tag(await pushImage(survivor, 1), "after");
    assert.ok((await checkLayout(layout)).includes("after"));
  }));

test("ociLayout() on a disk refuses a blob that is a symbolic link", () =>
  inTemporaryDirectory(async (directory) => {
    const layout = ociLayout(nodeFileSystem(), join(directory, "x"));
    const secret = utf8("root:x:0:0");
    await disk.writeFile(join(directory, "passwd"), secret);
    const path = join(directory, "x/blobs/sha256", describe(secret).digest.slice(7));
    await disk.mkdir(join(path, ".."), { recursive: true });
    await disk.symlink(join(directory, "passwd"), path);
    await assert.rejects(layout.fetch(describe(secret)), UnsafePathError);
    assert.equal(await layout.exists(describe(secret)), false);
    await layout.push(describe(secret), secret);
    assert.equal((await disk.lstat(path)).isSymbolicLink(), false);
    assert.deepEqual(await fetched(layout, describe(secret)), secret);
  }));

test("ociLayout() on a disk that takes no more leaves nothing behind", () =>
  inTemporaryDirectory(async (directory) => {
    const path = join(directory, "x");
    const layout = ociLayout(nodeFileSystem(), path);
    await layout.tag(await pushImage(layout, 1), "a");
    const before = await filesBelow(nodeFileSystem(), directory);
    // A limit on the size of files is the full disk that needs no disk of its own.
    const limited = `trap '' XFSZ; ulimit -f 64; exec "$0" "$@"`;
    const writer = startWriter(["sh", "-c", limited, ...runtimes()[0] ?? []], "large", path);
    const { output, errors } = await writer.ended;
    assert.equal(output, "no-space false\n", errors);
    assert.deepEqual(await filesBelow(nodeFileSystem(), directory), before);
    await pushImage(layout, 2);
    assert.deepEqual(await checkLayout(path), ["a"]);
  }));

test("a directory below one that takes none is refused, and soon", async () => {
  const fs = nodeFileSystem();
  await assert.rejects(fs.makeDirectory("/proc/lading/a/b", { recursive: true }), FileSystemError);
  const content = utf8("abc");
  const layout = ociLayout(fs, "/proc/lading");
  await assert.rejects(layout.push(describe(content), content), FileSystemError);
});

test("directories are made with those that lead there, and may be there", () =>
  inTemporaryDirectory(async (directory) => {
    const fs = nodeFileSystem();
    for (const path of [directory, "/", `${directory}/a//b/`, `${directory}/a/b/c`]) {
      await fs.makeDirectory(path, { recursive: true });
      assert.equal((await fs.stat(path))?.type, "directory", path);
    }
    await disk.writeFile(join(directory, "file"), "");
    for (const path of [`${directory}/file`, `${directory}/file/below/it`]) {
      await assert.rejects(fs.makeDirectory(path, { recursive: true }), FileSystemError);
    }
  }));
