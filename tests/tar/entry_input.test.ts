import { test } from "node:test";
import assert from "node:assert/strict";
import { readAll, streamOf } from "../../lib/bytes/mod.ts";
import { entryInput } from "../../lib/tar/entry_input.ts";
import { readTar, type TarEntry, type TarInput, writeTar } from "../../lib/tar/mod.ts";

const WINDOWS: ReadonlyMap<string, string> = new Map([
  ["LIBARCHIVE.creationtime", "1700000000.5"],
  ["MSWINDOWS.fileattr", "16"],
  ["MSWINDOWS.rawsd", "AQAAgBQAAAAkAAAAAAAAAAAAAAA="],
]);
const LIMITS = { maxBytes: 1024 * 1024, what: "the archive" };

async function* rewritten(archive: AsyncIterable<TarEntry>): AsyncGenerator<TarInput> {
  for await (const entry of archive) {
    const input = entryInput(entry);
    if (input !== undefined) yield input;
  }
}

test("entryInput() makes what is written again the same to the byte", async () => {
  const entries: readonly TarInput[] = [
    { path: "dir", type: "directory", mode: 0o700, uid: 1, gid: 2, userName: "u", groupName: "g" },
    { path: "dir/größe", mtimeNs: 1_500_000_000n, body: new TextEncoder().encode("hello") },
    { path: "raw", pathBytes: new Uint8Array([0x72, 0xff]), body: new Uint8Array() },
    { path: "x", xattrs: new Map([["user.a", new Uint8Array([1])]]), body: new Uint8Array(3) },
    { path: "Files", type: "directory", pax: WINDOWS },
    { path: "link", type: "symlink", linkPath: "dir/größe" },
    { path: "hard", type: "hardlink", linkPath: "x" },
    { path: "null", type: "character-device", deviceMajor: 1, deviceMinor: 3 },
    { path: "pipe", type: "fifo" },
  ];
  const archive = await readAll(writeTar(entries), LIMITS);
  const again = writeTar(rewritten(readTar(streamOf(archive))));
  assert.deepEqual(await readAll(again, LIMITS), archive);
});

test("entryInput() leaves records behind that say how bytes are to be read, or nothing of use", async () => {
  const pax = new Map([["atime", "1"], ["comment", "made by hand"], ["MSWINDOWS.fileattr", "32"]]);
  const body = new Uint8Array(1);
  for await (const entry of readTar(writeTar([{ path: "a", pax, body }]))) {
    assert.deepEqual([...entry.pax.keys()], ["MSWINDOWS.fileattr", "atime", "comment"]);
    assert.deepEqual([...entryInput(entry)?.pax?.keys() ?? []], ["MSWINDOWS.fileattr"]);
  }
});
