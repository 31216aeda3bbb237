import assert from "node:assert/strict";
import { test } from "node:test";
import type { BuildFileInfo, BuildFiles } from "../../lib/engine/build_files.ts";
import { readAll } from "../../lib/bytes/read_all.ts";
import { streamOf } from "../../lib/bytes/stream_from.ts";
import { InvalidInputError } from "../../lib/model/errors.ts";
import { memoryFileSystem } from "../../lib/store/memory_file_system.ts";
import { corpusBytes, corpusJSON } from "../support/corpus.ts";
import { open, sent, streamed, writeFile } from "./contexts.ts";

interface CLICase {
  readonly case: string;
  readonly dockerignore: string | null;
  readonly sent: readonly { name: string; type: string; linkname: string }[] | null;
  readonly modes?: readonly string[];
  readonly query?: string;
}

const TYPES: Readonly<Record<string, string>> = {
  file: "0",
  hardlink: "1",
  symlink: "2",
  directory: "5",
  fifo: "6",
};

/** The directory of a case, and what the file system cannot tell of it. */
async function caseTree(row: CLICase): Promise<BuildFiles> {
  const fs = memoryFileSystem();
  await writeFile(fs, "ctx/a.txt", "a");
  await writeFile(fs, "ctx/sub/b.txt", "b");
  const isOutside = row.case.includes("outside the context by -f");
  if (row.case.includes("Dockerfile is a symlink")) {
    await writeFile(fs, "tmp/D", "FROM scratch\n");
    await fs.symlink("/tmp/D", "ctx/Dockerfile");
  } else {
    await writeFile(fs, "ctx/Dockerfile", "FROM scratch\n");
  }
  if (isOutside) await writeFile(fs, "outside/D", "FROM scratch\nLABEL a=b\n");
  if (row.dockerignore !== null) await writeFile(fs, "ctx/.dockerignore", row.dockerignore);
  for (const { name, type, linkname } of row.sent ?? []) {
    const exists = await fs.stat(`ctx/${name}`, { followLinks: false }) !== undefined;
    if (exists || name.startsWith(".docker") && type === "0") continue;
    if (type === "2") await fs.symlink(linkname, `ctx/${name}`);
    else if (type === "1") await fs.link(`ctx/${linkname}`, `ctx/${name}`);
    // It is ignored by the command's old builder, whatever it says.
    else await writeFile(fs, `ctx/${name}`, name.endsWith("x.dockerignore") ? "sub\n" : name);
  }
  if (row.case.includes(".dockerignore is a symlink")) {
    const [target = ""] = row.sent?.flatMap(({ linkname }) => linkname === "" ? [] : linkname) ??
      [];
    await writeFile(fs, target.slice(1), "a.txt\n");
  }
  if (row.case.includes(".dockerignore is a directory")) {
    await fs.makeDirectory("ctx/.dockerignore");
  }
  if (row.case.includes("setuid")) await fs.setAttributes("ctx/a.txt", { mode: 0o4751 });
  if (row.case.includes("no read permission")) await fs.setAttributes("ctx/a.txt", { mode: 0 });
  if (row.case.includes("fifo")) await writeFile(fs, "ctx/socket", "");
  return {
    open: (path, options) => fs.open(path, options),
    readDirectory: (path) => fs.readDirectory(path),
    readLink: (path) => fs.readLink(path),
    async stat(path, options): Promise<BuildFileInfo | undefined> {
      const info = await fs.stat(path, options);
      if (info === undefined) return undefined;
      if (/ctx\/(?:fifo|socket)$/.test(path)) {
        return { ...info, type: "other", isPipe: path.endsWith("fifo") };
      }
      const isLinked = /ctx\/(?:a|hard)\.txt$/.test(path) && row.case === "hard link";
      return isLinked ? { ...info, identity: "7" } : info;
    },
  };
}

test("contexts are what the docker command packs: links, pipes, modes, odd .dockerignore files", async () => {
  const { cases } = await corpusJSON<{ cases: readonly CLICase[] }>(
    "tables/build-context-docker-cli.json",
  );
  assert.equal(cases.length, 19);
  for (const row of cases) {
    const files = await caseTree(row);
    const dockerfile = row.case.includes("outside the context by -f")
      ? "../outside/D"
      : row.case.includes("-f Dockerfile.x")
      ? "Dockerfile.x"
      : undefined;
    const packing = open("ctx", files, { dockerfile, gzip: row.case === "--compress" });
    if (row.sent === null) {
      await assert.rejects(packing, InvalidInputError, row.case);
      continue;
    }
    const opened = await packing;
    const found = await sent(opened);
    const hidden = /\.dockerfile\.[0-9a-f]{20}/g;
    const shown = found.map(({ name, type, linkname }) => ({
      name: name.replace(hidden, ".dockerfile.X"),
      type: TYPES[type],
      linkname,
    }));
    const wanted = row.sent.map((entry) => ({
      ...entry,
      name: entry.name.replace(hidden, ".dockerfile.X"),
    }));
    assert.deepEqual(shown, wanted, row.case);
    assert.deepEqual([...new Set(found.map(({ uid }) => uid))], [0], row.case);
    const modes = new Set(
      found.filter(({ type }) => type !== "symlink").map(({ mode }) => mode.toString(8)),
    );
    for (const mode of row.modes ?? []) {
      assert.ok(mode === "777" || modes.has(mode), `${row.case}: ${mode}`);
    }
    const name = new URLSearchParams(row.query?.split("?")[1]).get("dockerfile") ?? "";
    assert.equal(
      opened.dockerfile?.replace(hidden, "X"),
      name.replace(hidden, "X"),
      row.case,
    );
  }
});

test("archives of the docker command itself pass as they are", async () => {
  const raw = await corpusBytes("made-by-docker-cli/context-compress.tar.gz");
  const opened = await open(raw);
  assert.equal(opened.body, raw);
  assert.equal(opened.dockerfile, undefined);
  const streamed_ = await open(streamOf(raw));
  assert.deepEqual(await readAll(streamed(streamed_), { maxBytes: 1e6 }), raw);
});
