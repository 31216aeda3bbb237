// The archives on which readers differ: what the rules of lading say about each, and why. The number
// in front of a reason is that of the rule, in the order they are in the table of the reference
// (reliability §2), or "limits" (§3):
//
//   1 no end of archive         8 numbers begin with NUL    15 empty names
//   2 ends in header or body    9 base-256, too large       16 names that are no UTF-8
//   3 malformed pax records    10 global pax headers        17 gzip: zeros behind
//   4 blank lines in pax       11 Sun's X header            18 gzip: garbage behind
//   5 pax size holds           12 several L, K, x           19 gzip: header
//   6 types without content    13 sparse files              20 gzip: CRC and size
//   7 prefix and GNU's mark    14 V, M, D, unknown
import { test } from "node:test";
import assert from "node:assert/strict";
import { concatBytes, streamOf } from "../../lib/bytes/mod.ts";
import { decompress } from "../../lib/compress/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { corpusBytes, corpusJSON } from "../support/corpus.ts";
import { assertAsGo, isUndisputed, type Listing, listings, readListed } from "./listings.ts";

/** What is expected of an archive. */
interface Rule {
  /** What the readers differ on, and what holds here. */
  readonly why: string;
  /** The error; without one the archive is read to its end. */
  readonly code?: string;
  /** The names of the entries; `go` for those of Go where the rest differs; else all as Go has it. */
  readonly names?: readonly string[] | "go";
  /** How many entries are whole before the error; default 0. */
  readonly before?: number;
  /** Whether the end of the archive is missing. */
  readonly truncated?: boolean;
}

const NOT_GO_PREFIX = "7: prefixes count with the mark of POSIX alone, not with that of GNU";
const BAD_PAX = "3: a pax record without a newline or with a bad length is refused";
const BAD_SIZE = "9: a size that is negative or beyond 2^53 - 1 is refused";
const NO_END = "1: without the blocks that end it an archive is read, and marked";
const EMPTY_NAME = "15: a name may be empty: it is the root, and data";
const SPARSE = "13: sparse files are expanded as Go does";

const RULES: Readonly<Record<string, Rule>> = {
  "cpython/testtar.tar": {
    why: "10, 11: global records and Sun's X header hold for the entries behind them",
    names: "go",
  },
  "go-archive-tar/gnu-incremental.tar": { why: NO_END, truncated: true },
  "go-archive-tar/gnu-multi-hdrs.tar": {
    why: "12: the last of several long names holds",
    truncated: true,
  },
  "go-archive-tar/hdr-only.tar": { why: "6: links, devices and directories have no content" },
  "go-archive-tar/invalid-go17.tar": { why: NOT_GO_PREFIX, names: ["foo"] },
  "go-archive-tar/issue10968.tar": { why: BAD_SIZE, code: "INVALID_TAR" },
  "go-archive-tar/issue11169.tar": { why: BAD_PAX, code: "INVALID_TAR" },
  "go-archive-tar/issue12435.tar": { why: BAD_SIZE, code: "INVALID_TAR" },
  "go-archive-tar/neg-size.tar": { why: BAD_SIZE, code: "INVALID_TAR" },
  "go-archive-tar/nil-uid.tar": { why: "8: numbers may begin with NULs", truncated: true },
  "go-archive-tar/pax-bad-hdr-file.tar": { why: BAD_PAX, code: "INVALID_TAR" },
  "go-archive-tar/pax-bad-hdr-large.tar.bz2": {
    why: "limits: layers are gzip or zstd, by their magic",
    code: "UNSUPPORTED_MEDIA_TYPE",
  },
  "go-archive-tar/pax-bad-mtime-file.tar": { why: "3: a bad time is refused", code: "INVALID_TAR" },
  "go-archive-tar/pax-global-records.tar": {
    why: "10: global records hold for the entries behind them, until they are taken back",
    names: ["global1", "file2", "file3", "file4"],
  },
  "go-archive-tar/pax-multi-hdrs.tar": {
    why: "12: the last of several headers holds",
    truncated: true,
  },
  "go-archive-tar/pax-nil-sparse-data.tar": { why: SPARSE },
  "go-archive-tar/pax-nil-sparse-hole.tar": { why: SPARSE },
  "go-archive-tar/pax-nul-path.tar": {
    why: "3: a path with a NUL is refused",
    code: "INVALID_TAR",
  },
  "go-archive-tar/pax-nul-xattrs.tar": {
    why: "3: a key with a NUL is refused",
    code: "INVALID_TAR",
  },
  "go-archive-tar/pax-path-hdr.tar": {
    why: "1: metadata without an entry is no entry",
    truncated: true,
  },
  "go-archive-tar/pax-sparse-big.tar": { why: SPARSE },
  "go-archive-tar/writer-big-long.tar": {
    why: "2: it ends in a body",
    code: "INVALID_TAR",
    before: 1,
  },
  "go-archive-tar/writer-big.tar": { why: "2: it ends in a body", code: "INVALID_TAR", before: 1 },
  "layer-breakouts/13-SymlinkEmptyFilename.tar": { why: EMPTY_NAME },
  "libarchive/test_compat_gzip_2.tgz": {
    why: "18: what follows the last gzip member is refused unless it is zeros",
    code: "CORRUPT_STREAM",
    before: 6,
  },
  "libarchive/test_compat_plexus_archiver_tar.tar": {
    why: "1: one block of zeros is no end: some readers stop there and others go on",
    code: "INVALID_TAR",
    before: 1,
  },
  "libarchive/test_compat_solaris_tar_acl.tar": {
    why: "14: unknown types are reported, with their content",
  },
  "libarchive/test_compat_tar_directory_1.tar": {
    why: "6: directories have no content, in V7 too",
  },
  "libarchive/test_compat_zstd_2.tar.zst": {
    why: "none: skippable frames of zstd are skipped",
    names: ["f1", "f2", "f3", "d1/f1", "d1/f2", "d1/f3"],
  },
  "libarchive/test_pax_filename_encoding.tar": { why: "16: bytes that are no UTF-8 are kept" },
  "libarchive/test_read_format_gtar_redundant_L.tar": {
    why: "12: the last of several long names holds",
  },
  "libarchive/test_read_format_gtar_sparse_1_17_posix10_modified.tar": {
    why: "13: a sparse map that is no list of numbers is refused",
    code: "INVALID_TAR",
  },
  "libarchive/test_read_format_gtar_sparse_skip_entry.tar": {
    why: "13: a sparse map has to account for the whole content",
    code: "INVALID_TAR",
  },
  "libarchive/test_read_format_tar_V_negative_size.tar": { why: BAD_SIZE, code: "INVALID_TAR" },
  "libarchive/test_read_format_tar_acl_oob_read.tar": {
    why: BAD_PAX,
    code: "INVALID_TAR",
    before: 1,
  },
  "libarchive/test_read_format_tar_empty_filename.tar": { why: EMPTY_NAME },
  "libarchive/test_read_format_tar_empty_pax.tar": { why: "10: a pax header may be empty" },
  "libarchive/test_read_format_tar_empty_with_gnulabel.tar": {
    why: "14: labels of volumes are reported",
  },
  "libarchive/test_read_format_tar_invalid_pax_size.tar": { why: BAD_PAX, code: "INVALID_TAR" },
  "libarchive/test_read_format_tar_pax_g_large.tar": {
    why: "limits: pax headers have at most 1 MiB",
    code: "LIMIT_EXCEEDED",
  },
  "libarchive/test_read_format_tar_pax_large_attr.tar.gz": {
    why: "limits: pax headers have at most 1 MiB",
    code: "LIMIT_EXCEEDED",
  },
  "libarchive/test_read_format_tar_pax_timestamps.tar": {
    why: "3: a bad time is refused",
    code: "INVALID_TAR",
  },
  "libarchive/test_read_format_tar_timestamp_overflow.tar": {
    why: "8: numbers may begin with NULs",
    truncated: true,
  },
  "libarchive/test_read_pax_empty_val_no_nl.tar": { why: BAD_PAX, code: "INVALID_TAR" },
  "made-by-docker-cli/context-dockerfile-outside.tar": { why: NO_END, truncated: true },
  "made-by-gnu-tar/catted-needs-ignore-zeros.tar": {
    why: "14: labels are reported; two blocks of zeros are the end",
  },
  "made-by-gnu-tar/concatenated.tar": { why: "14: labels of volumes are reported" },
  "made-by-gnu-tar/incremental-gnu.tar": { why: "14: dumped directories are directories" },
  "made-by-gnu-tar/label-gnu.tar": { why: "14: labels of volumes are reported" },
  "made-by-gnu-tar/multivol-1.tar": { why: "2: it ends in a body", code: "INVALID_TAR" },
  "made-by-gnu-tar/multivol-2.tar": { why: "2: it ends in a body", code: "INVALID_TAR" },
  "made-by-gnu-tar/names-posix.tar": { why: "16: names are data, whatever bytes they have" },
  "skopeo/systemtest/testdata/docker-two-images.tar.xz": {
    why: "limits: layers are gzip or zstd, by their magic",
    code: "UNSUPPORTED_MEDIA_TYPE",
  },
  "tar-stream/fixtures/gnu-incremental.tar": { why: NOT_GO_PREFIX },
  "tar-stream/fixtures/incomplete.tar": { why: NO_END, truncated: true },
};

async function check(listing: Listing, rule: Rule): Promise<void> {
  const { code, names, before = 0, truncated = false, why } = rule;
  const label = `${listing.file}: ${why}`;
  const reading = await readListed(listing.file);
  assert.equal(reading.code, code, label);
  assert.equal(reading.truncatedTrailer, truncated, label);
  if (code !== undefined) return assert.equal(reading.entries.length, before, label);
  if (names === undefined) return assertAsGo(reading, listing);
  const found = reading.entries.map(([{ path }]) => path);
  assert.deepEqual(found, names === "go" ? goNames(listing) : names, label);
}

function goNames({ go }: Listing): string[] {
  return go?.entries.filter(({ typeflag }) => !"gX".includes(typeflag)).map(({ name }) => name) ??
    [];
}

test("readTar() holds to its rules on every archive that readers differ on", async () => {
  const left = new Set(Object.keys(RULES));
  for await (const listing of listings()) {
    const rule = RULES[listing.file];
    if (rule === undefined) {
      assert.ok(isUndisputed(listing), `${listing.file} has no rule, and readers differ on it`);
      continue;
    }
    await check(listing, rule);
    left.delete(listing.file);
  }
  assert.deepEqual([...left], [], "every rule has its archive");
});

const LOWER = [
  ". 0",
  "dir/ 0",
  "dir/a.txt 2",
  "dir/sub/ 0",
  "dir/sub/b.txt 2",
  "link 0",
  "one.txt 4",
];
const UPPER = ["dir/ 0", "dir/new.txt 4", "dir/.wh.sub 0", ".wh.one.txt 0"];

/** Archives that nobody has listed, most of them layers; each with what GNU tar lists in it. */
const UNLISTED: Readonly<Record<string, readonly string[]>> = {
  "context-compress.tar.gz": ["Dockerfile 13", "a.txt 7", "sub/ 0", "sub/b.txt 7"],
  "1c51fc286aa95d9413226599576bafa38490b1e292375c90de095855b64caea6": ["true 124"],
  // The two layers of one image: by umoci, and by skopeo as zstd and zstd:chunked.
  "c34fa2127b74eab4406130a0dc1330d96d5a014eab376bf7403fdaceb4f12b5a": LOWER,
  "4bfd706235a90b557f7fc19298ca9dab2964160ea4ccd227a203db7c8a960d35": LOWER,
  "c62d0f867fc5a697aafbb370e2b02db188336f5e0be01128855027974903a796": LOWER,
  "9c9220cd9b08563ddc18397c08933b7314a40c14a0c878c00909d2508a259361": UPPER,
  "978480d5352294a6e2c1039e7dabe2e8455be08bae2070ca4b09016ad2c7c524": UPPER,
  "350277ffb4d89a017878d838744c2295064a69b0e48b638e6909282437bd95fa": UPPER,
  "160d823fdc48e62f97ba62df31e55424f8f5eb6b679c865eec6e59adfe304710": ["issue 28"],
  "492b89b9dd3cda4596f94916d17f6901455fb8bd7f4c5a2a90df8d39c90f48a0": ["test 5"],
  "dc52c6e48a1d51a96047b059f16889bc889c4b4c28f3b36b3f93187f62fc0b2b": [
    "./ 0",
    "./bar 4",
    "./foo 4",
  ],
  "321460fa87fd42433950b42d04b7aff249f4ed960d43404a9f699886906cc9d3": [
    "./ 0",
    "./bat 4",
    "./baz 4",
  ],
};

/** Whether a file is an archive: by its name, or by the mark in its first header. */
async function isArchive(file: string): Promise<boolean> {
  if (/\.(?:tar|tgz|taz|tbz|txz|pax|tar\.\w+)$/.test(file)) return true;
  const reader = decompress(streamOf(await corpusBytes(file))).getReader();
  try {
    let begin: Bytes = new Uint8Array();
    while (begin.length < 512) {
      const { done, value } = await reader.read();
      if (done) break;
      begin = concatBytes([begin, value]);
    }
    return new TextDecoder().decode(begin.subarray(257, 262)) === "ustar";
  } catch {
    // What cannot be decompressed is no archive, unless its name says so.
    return false;
  } finally {
    await reader.cancel().catch(() => {});
  }
}

test("no archive of the corpus is left out: it has a listing, or a row of its own", async () => {
  const listed = new Set<string>();
  for await (const { file } of listings()) listed.add(file);
  const rows = new Set(Object.keys(UNLISTED));
  let archives = 0;
  for (const { file } of await corpusJSON<readonly { readonly file: string }[]>("manifest.json")) {
    if (/^(?:expected|tables)\//.test(file) || !await isArchive(file)) continue;
    archives++;
    if (listed.has(file)) continue;
    const row = file.split("/").at(-1) ?? "";
    const { code, entries } = await readListed(file);
    assert.equal(code, undefined, file);
    assert.deepEqual(entries.map(([{ path, size }]) => `${path} ${size}`), UNLISTED[row], file);
    rows.delete(row);
  }
  assert.deepEqual([...rows], [], "every row has its archive");
  assert.ok(archives > 250, `${archives} archives`);
});
