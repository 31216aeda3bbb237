import { test } from "node:test";
import assert from "node:assert/strict";
import { digestBytes } from "../../lib/hash/mod.ts";
import { streamOf } from "../../lib/bytes/mod.ts";
import { readTar, type TarEntry } from "../../lib/tar/mod.ts";
import { corpusBytes, corpusJSON, corpusList } from "../support/corpus.ts";

interface ExpectedEntry {
  readonly name: string;
  readonly typeflag: string;
  readonly size: number;
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: string;
  readonly linkname?: string;
  readonly sha256?: string;
}

interface Expected {
  readonly file: string;
  readonly agree: boolean;
  readonly go?: { readonly entries: readonly ExpectedEntry[]; readonly error?: string };
}

async function digestOf(entry: TarEntry): Promise<string> {
  return digestBytes("sha256", await entry.bytes(1 << 27)).slice(7);
}

test("readTar() reads every archive that four other readers agree on as they do", async () => {
  let archives = 0;
  for (const path of await corpusList("expected")) {
    const parts = path.split("/");
    if (!path.endsWith(".tar.json") || parts.length < 3) continue;
    const expected = await corpusJSON<Expected>(path);
    if (!expected.agree || expected.go === undefined || expected.go.error !== undefined) continue;
    archives++;
    // Go lists global pax headers as entries of their own.
    const wanteds = expected.go.entries.filter(({ typeflag }) => typeflag !== "g");
    const bytes = await corpusBytes(expected.file);
    let index = 0;
    for await (const entry of readTar(streamOf(bytes))) {
      const wanted = wanteds[index++];
      const label = `${expected.file}: entry ${index}: ${entry.path}`;
      if (wanted === undefined) assert.fail(`${label} is one too many`);
      assert.equal(entry.path, wanted.name, label);
      assert.equal(entry.mode, parseInt(wanted.mode, 8) & 0o7777, `${label}: mode`);
      assert.equal(entry.uid, wanted.uid, `${label}: uid`);
      assert.equal(entry.gid, wanted.gid, `${label}: gid`);
      assert.equal(Math.floor(entry.mtime), Math.floor(Number(wanted.mtime)), `${label}: mtime`);
      if (entry.type === "file") {
        assert.equal(entry.size, wanted.size, `${label}: size`);
        if (wanted.sha256 !== undefined) {
          assert.equal(await digestOf(entry), wanted.sha256, `${label}: content`);
        }
      }
    }
    assert.equal(index, wanteds.length, `${expected.file}: entries`);
  }
  assert.ok(archives >= 100, `only ${archives} archives were read`);
});

test("readTar() refuses a pax record that holds a NUL, a bad time or no newline", async () => {
  for (const name of ["pax-nul-path", "pax-nul-xattrs", "pax-bad-mtime-file", "pax-bad-hdr-file"]) {
    const bytes = await corpusBytes(`go-archive-tar/${name}.tar`);
    const read = async (): Promise<void> => {
      for await (const entry of readTar(streamOf(bytes))) assert.ok(entry.path !== "");
    };
    await assert.rejects(read, { code: "INVALID_TAR" }, name);
  }
});
