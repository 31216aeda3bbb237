// The archives on which readers differ: what the rules of lading say about each, and why.
import { test } from "node:test";
import assert from "node:assert/strict";
import { assertAsGo, isUndisputed, type Listing, listings, readListed } from "./listings.ts";

/** What is expected of an archive. */
interface Rule {
  /** What the readers differ on, and what holds here. */
  readonly why: string;
  /** The error; without one the archive is read to its end. */
  readonly code?: string;
  /** The names of the entries; without them those that Go lists. */
  readonly names?: readonly string[];
  /** How many entries are whole before the error; default 0. */
  readonly before?: number;
  /** Whether the end of the archive is missing. */
  readonly truncated?: boolean;
}

const NOT_GO_PREFIX = "prefixes count with the mark of POSIX alone, not with that of GNU";
const BAD_PAX = "a pax record without a newline or with a bad length is refused";
const BAD_SIZE = "a size that is negative or beyond 2^53 - 1 is refused";
const NO_END = "without the blocks that end it an archive is read, and marked";
const EMPTY_NAME = "a name may be empty: it is the root, and data";
const SPARSE = "sparse files are expanded as Go does";
const AS_GO = "read as Go does";

const RULES: Readonly<Record<string, Rule>> = {
  "cpython/testtar.tar": {
    why: "Sun's X header is a pax header, and V7 directories have no content",
    names: [
      ...["conttype", "regtype", "dirtype/", "dirtype-with-size/", "lnktype", "symtype", "blktype"],
      ...["chrtype", "fifotype", "sparse", "umlauts-\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD"],
    ].map((name) => `ustar/${name}`),
  },
  "go-archive-tar/gnu-incremental.tar": { why: NO_END, truncated: true },
  "go-archive-tar/gnu-multi-hdrs.tar": {
    why: "the last of several long names holds",
    truncated: true,
  },
  "go-archive-tar/hdr-only.tar": { why: "links, devices and directories have no content" },
  "go-archive-tar/invalid-go17.tar": { why: NOT_GO_PREFIX, names: ["foo"] },
  "go-archive-tar/issue10968.tar": { why: BAD_SIZE, code: "INVALID_TAR" },
  "go-archive-tar/issue11169.tar": { why: BAD_PAX, code: "INVALID_TAR" },
  "go-archive-tar/issue12435.tar": { why: BAD_SIZE, code: "INVALID_TAR" },
  "go-archive-tar/neg-size.tar": { why: BAD_SIZE, code: "INVALID_TAR" },
  "go-archive-tar/nil-uid.tar": { why: "numbers may begin with NULs", truncated: true },
  "go-archive-tar/pax-bad-hdr-file.tar": { why: BAD_PAX, code: "INVALID_TAR" },
  "go-archive-tar/pax-bad-hdr-large.tar.bz2": {
    why: "layers are gzip or zstd, by their magic",
    code: "UNSUPPORTED_MEDIA_TYPE",
  },
  "go-archive-tar/pax-bad-mtime-file.tar": { why: "a bad time is refused", code: "INVALID_TAR" },
  "go-archive-tar/pax-global-records.tar": {
    why: "global records hold for the entries behind them, until they are taken back",
    names: ["global1", "file2", "file3", "file4"],
  },
  "go-archive-tar/pax-multi-hdrs.tar": {
    why: "the last of several headers holds",
    truncated: true,
  },
  "go-archive-tar/pax-nil-sparse-data.tar": { why: SPARSE },
  "go-archive-tar/pax-nil-sparse-hole.tar": { why: SPARSE },
  "go-archive-tar/pax-nul-path.tar": { why: "a path with a NUL is refused", code: "INVALID_TAR" },
  "go-archive-tar/pax-nul-xattrs.tar": { why: "a key with a NUL is refused", code: "INVALID_TAR" },
  "go-archive-tar/pax-path-hdr.tar": {
    why: "metadata without an entry is no entry",
    truncated: true,
  },
  "go-archive-tar/pax-sparse-big.tar": { why: SPARSE },
  "go-archive-tar/writer-big-long.tar": {
    why: "it ends in a body",
    code: "INVALID_TAR",
    before: 1,
  },
  "go-archive-tar/writer-big.tar": { why: "it ends in a body", code: "INVALID_TAR", before: 1 },
  "layer-breakouts/13-SymlinkEmptyFilename.tar": { why: EMPTY_NAME },
  "libarchive/test_compat_gzip_2.tgz": {
    why: "what follows the last gzip member is refused unless it is zeros",
    code: "CORRUPT_STREAM",
    before: 6,
  },
  "libarchive/test_compat_plexus_archiver_tar.tar": {
    why: "one block of zeros is no end: some readers stop there and others go on",
    code: "INVALID_TAR",
    before: 1,
  },
  "libarchive/test_compat_solaris_tar_acl.tar": {
    why: "unknown types are reported, with their content",
  },
  "libarchive/test_compat_tar_directory_1.tar": { why: "directories have no content, in V7 too" },
  "libarchive/test_compat_zstd_2.tar.zst": {
    why: "skippable frames of zstd are skipped",
    names: ["f1", "f2", "f3", "d1/f1", "d1/f2", "d1/f3"],
  },
  "libarchive/test_pax_filename_encoding.tar": { why: "bytes that are no UTF-8 are kept" },
  "libarchive/test_read_format_gtar_redundant_L.tar": {
    why: "the last of several long names holds",
  },
  "libarchive/test_read_format_gtar_sparse_1_17_posix10_modified.tar": {
    why: "a sparse map that is no list of numbers is refused",
    code: "INVALID_TAR",
  },
  "libarchive/test_read_format_gtar_sparse_skip_entry.tar": {
    why: "a sparse map has to account for the whole content",
    code: "INVALID_TAR",
  },
  "libarchive/test_read_format_tar_V_negative_size.tar": { why: BAD_SIZE, code: "INVALID_TAR" },
  "libarchive/test_read_format_tar_acl_oob_read.tar": {
    why: BAD_PAX,
    code: "INVALID_TAR",
    before: 1,
  },
  "libarchive/test_read_format_tar_empty_filename.tar": { why: EMPTY_NAME },
  "libarchive/test_read_format_tar_empty_pax.tar": { why: "a pax header may be empty" },
  "libarchive/test_read_format_tar_empty_with_gnulabel.tar": {
    why: "labels of volumes are reported",
  },
  "libarchive/test_read_format_tar_invalid_pax_size.tar": { why: BAD_PAX, code: "INVALID_TAR" },
  "libarchive/test_read_format_tar_pax_g_large.tar": {
    why: "pax headers have at most 1 MiB",
    code: "LIMIT_EXCEEDED",
  },
  "libarchive/test_read_format_tar_pax_large_attr.tar.gz": {
    why: "pax headers have at most 1 MiB",
    code: "LIMIT_EXCEEDED",
  },
  "libarchive/test_read_format_tar_pax_timestamps.tar": {
    why: "a bad time is refused",
    code: "INVALID_TAR",
  },
  "libarchive/test_read_format_tar_timestamp_overflow.tar": {
    why: "numbers may begin with NULs",
    truncated: true,
  },
  "libarchive/test_read_pax_empty_val_no_nl.tar": { why: BAD_PAX, code: "INVALID_TAR" },
  "made-by-docker-cli/context-dockerfile-outside.tar": { why: NO_END, truncated: true },
  "made-by-gnu-tar/catted-needs-ignore-zeros.tar": { why: "two blocks of zeros are the end" },
  "made-by-gnu-tar/concatenated.tar": { why: AS_GO },
  "made-by-gnu-tar/incremental-gnu.tar": { why: "dumped directories are directories" },
  "made-by-gnu-tar/label-gnu.tar": { why: "labels of volumes are reported" },
  "made-by-gnu-tar/multivol-1.tar": { why: "it ends in a body", code: "INVALID_TAR" },
  "made-by-gnu-tar/multivol-2.tar": { why: "it ends in a body", code: "INVALID_TAR" },
  "made-by-gnu-tar/names-posix.tar": { why: "names are data, whatever bytes they have" },
  "skopeo/systemtest/testdata/docker-two-images.tar.xz": {
    why: "layers are gzip or zstd, by their magic",
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
  assert.deepEqual(found.slice(0, names.length), names, label);
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
