// The listings of the corpus: what Go, Python, GNU tar and bsdtar read in each archive.
import assert from "node:assert/strict";
import { streamOf } from "../../lib/bytes/mod.ts";
import { decompress } from "../../lib/compress/mod.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import { isLadingError } from "../../lib/model/errors.ts";
import { readTar, type TarEntry } from "../../lib/tar/mod.ts";
import { corpusBytes, corpusJSON, corpusList } from "../support/corpus.ts";

/** An entry as Go lists it. */
export interface ListedEntry {
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

/** What four readers make of an archive. */
export interface Listing {
  readonly file: string;
  /** Whether all four read the same. */
  readonly agree: boolean;
  readonly go?: { readonly entries: readonly ListedEntry[]; readonly error?: string };
}

/** Every listing of an archive in the corpus, compressed ones included. */
export async function* listings(): AsyncGenerator<Listing> {
  for (const path of await corpusList("expected")) {
    if (path.split("/").length > 2) yield await corpusJSON<Listing>(path);
  }
}

/** Whether four readers say the same, and no error. */
export function isUndisputed({ agree, go }: Listing): boolean {
  return agree && go !== undefined && go.error === undefined;
}

/** What our reader makes of an archive. */
export interface Reading {
  /** The digest of each entry's content, in order. */
  readonly entries: readonly (readonly [TarEntry, string])[];
  /** The code of the error, where it ended with one. */
  readonly code?: string | undefined;
  readonly truncatedTrailer: boolean;
}

/** Reads an archive, decompressed where it is compressed, contents included. */
export async function readListed(file: string): Promise<Reading> {
  const entries: [TarEntry, string][] = [];
  const reader = readTar(decompress(streamOf(await corpusBytes(file))));
  try {
    for (;;) {
      const { done, value } = await reader.next();
      if (done) return { entries, truncatedTrailer: value.truncatedTrailer };
      // Sparse files of gigabytes are not read.
      const isHuge = value.size > 1 << 27;
      entries.push([
        value,
        isHuge ? "" : digestBytes("sha256", await value.bytes(1 << 27)).slice(7),
      ]);
    }
  } catch (error) {
    // An archive must never fail in another way.
    assert.ok(isLadingError(error), `${file}: ${error}`);
    return { entries, code: error.code, truncatedTrailer: false };
  }
}

/** Compares entries with those that Go lists; Go has pax headers for entries of their own. */
export function assertAsGo(reading: Reading, { file, go }: Listing): void {
  assert.equal(reading.code, undefined, file);
  const wanteds = go?.entries.filter(({ typeflag }) => !"gX".includes(typeflag)) ?? [];
  for (const [index, [entry, digest]] of reading.entries.entries()) {
    const wanted = wanteds[index];
    const label = `${file}: entry ${index}: ${entry.path}`;
    if (wanted === undefined) assert.fail(`${label} is one too many`);
    assert.equal(entry.path, wanted.name, label);
    assert.equal(entry.mode, parseInt(wanted.mode, 8) & 0o7777, `${label}: mode`);
    assert.equal(entry.uid, wanted.uid, `${label}: uid`);
    assert.equal(entry.gid, wanted.gid, `${label}: gid`);
    assert.equal(Math.floor(entry.mtime), Math.floor(Number(wanted.mtime)), `${label}: mtime`);
    if (entry.type === "hardlink" || entry.type === "symlink") {
      assert.equal(entry.linkPath, wanted.linkname ?? "", `${label}: link`);
    }
    if (entry.type !== "file") continue;
    assert.equal(entry.size, wanted.size, `${label}: size`);
    if (wanted.sha256 !== undefined && digest !== "") {
      assert.equal(digest, wanted.sha256, `${label}: content`);
    }
  }
  assert.equal(reading.entries.length, wanteds.length, `${file}: entries`);
}
