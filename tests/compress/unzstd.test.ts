import { test } from "node:test";
import assert from "node:assert/strict";
import { concatBytes, streamOf } from "../../lib/bytes/mod.ts";
import { unzstd } from "../../lib/compress/mod.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { decodeHex, isLadingError } from "../../lib/model/mod.ts";
import { corpusBytes } from "../support/corpus.ts";
import { drain, observed, settle } from "./_streams.ts";

/** zstd files of the corpus: length and SHA-256 of the content, by the zstd command. */
const FILES: Readonly<Record<string, readonly [length: number, sha256: string]>> = {
  "ggcr/crane/testdata/content.tar.zst": [
    10240,
    "3610aa5267a210147ba6ca02cdd87610dfc08522de9c5f5015edd8ee14853fd8",
  ],
  "containers-image/copy/fixtures/Hello.zst": [
    5,
    "185f8db32271fe25f561a6fc938b2e264306ec304eda518007d1764826381969",
  ],
  "made-by-umoci-skopeo/skopeo-oci-zstd/blobs/sha256/978480d5352294a6e2c1039e7dabe2e8455be08bae2070ca4b09016ad2c7c524":
    [
      3584,
      "a02b014bc1c45049a5910c3eb6774f39f4b88624a77a69ef38446e0b2a695caf",
    ],
  "made-by-umoci-skopeo/skopeo-oci-zstd/blobs/sha256/4bfd706235a90b557f7fc19298ca9dab2964160ea4ccd227a203db7c8a960d35":
    [
      6144,
      "503c72175cb0f6eb1b0804a5e26aa76976f716f6268be74e8d97cb303bf5258d",
    ],
  "made-by-umoci-skopeo/skopeo-oci-zstd-chunked/blobs/sha256/c62d0f867fc5a697aafbb370e2b02db188336f5e0be01128855027974903a796":
    [
      6144,
      "503c72175cb0f6eb1b0804a5e26aa76976f716f6268be74e8d97cb303bf5258d",
    ],
  "made-by-umoci-skopeo/skopeo-oci-zstd-chunked/blobs/sha256/350277ffb4d89a017878d838744c2295064a69b0e48b638e6909282437bd95fa":
    [
      3584,
      "a02b014bc1c45049a5910c3eb6774f39f4b88624a77a69ef38446e0b2a695caf",
    ],
  "libarchive/test_compat_zstd_2.tar.zst": [
    7168,
    "7565705704f8f736e966783ba96277df8a37a921031a97d5a63a479d5baf1f49",
  ],
  "libarchive/test_compat_zstd_1.tar.zst": [
    7168,
    "7565705704f8f736e966783ba96277df8a37a921031a97d5a63a479d5baf1f49",
  ],
};

/** A frame of raw and RLE blocks, without checksum, with a window of 1 KiB. */
const HELLO = decodeHex("28b52ffd0000290000" + "68656c6c6f");

test("unzstd() decompresses the zstd files of the corpus, however they are cut", async () => {
  for (const [file, [length, sha256]] of Object.entries(FILES)) {
    const input = await corpusBytes(file);
    for (const size of [1, 7, 100, 1 << 20]) {
      const { bytes, error } = await drain(unzstd(observed(input, size).stream));
      assert.equal(error, undefined, `${file}, cut ${size}`);
      assert.equal(bytes.length, length, `${file}, cut ${size}`);
      assert.equal(digestBytes("sha256", bytes), `sha256:${sha256}`, `${file}, cut ${size}`);
    }
  }
});

test("unzstd() reads many frames, and skips those that are to be skipped", async () => {
  const skippable = decodeHex("5f2a4d18" + "03000000" + "aabbcc");
  const input = concatBytes([skippable, HELLO, skippable, skippable, HELLO, HELLO, skippable]);
  for (const size of [1, 5, 1000]) {
    const { bytes, error } = await drain(unzstd(observed(input, size).stream));
    assert.equal(error, undefined);
    assert.equal(new TextDecoder().decode(bytes), "hellohellohello");
  }
  const many = concatBytes(Array.from({ length: 20_000 }, () => HELLO));
  assert.equal((await drain(unzstd(streamOf(many)))).bytes.length, 100_000);
  const onlySkipped = await drain(unzstd(streamOf(skippable)));
  assert.deepEqual([onlySkipped.bytes.length, onlySkipped.error], [0, undefined]);
});

test("unzstd() refuses a stream that is cut short anywhere", async () => {
  for (const file of Object.keys(FILES)) {
    const input = await corpusBytes(file);
    if (input.length > 600) continue;
    const ends = frameEnds(file);
    for (let length = 0; length < input.length; length++) {
      if (ends.includes(length)) continue;
      const { error } = await drain(unzstd(observed(input.subarray(0, length), 64).stream));
      assert.equal(error?.name, "CorruptStreamError", `${file} cut to ${length} bytes`);
    }
  }
});

/** Where a cut leaves whole frames. */
function frameEnds(file: string): readonly number[] {
  return FRAME_ENDS[file] ?? [];
}

const FRAME_ENDS: Readonly<Record<string, readonly number[]>> = {
  "made-by-umoci-skopeo/skopeo-oci-zstd-chunked/blobs/sha256/350277ffb4d89a017878d838744c2295064a69b0e48b638e6909282437bd95fa":
    [117, 134, 243, 509],
  "libarchive/test_compat_zstd_2.tar.zst": [12],
  "libarchive/test_compat_zstd_1.tar.zst": [113, 233, 245],
};

test("unzstd() never gives a damaged file with a checksum as good", async () => {
  const file = "libarchive/test_compat_zstd_1.tar.zst";
  const input = await corpusBytes(file);
  const [length, sha256] = FILES[file] ?? assert.fail();
  let refused = 0;
  for (let bit = 0; bit < input.length * 8; bit += 3) {
    const damaged = input.slice();
    damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ 1 << (bit & 7);
    const { bytes, error } = await drain(unzstd(streamOf(damaged), { maxOutputBytes: 1e6 }));
    if (error === undefined) {
      // A skippable frame may change inside, and the window may be declared larger than needed.
      assert.equal(bytes.length, length, `bit ${bit}`);
      assert.equal(digestBytes("sha256", bytes), `sha256:${sha256}`, `bit ${bit}`);
    } else {
      assert.ok(isLadingError(error), `bit ${bit}: ${error}`);
      refused++;
    }
  }
  assert.ok(refused > 0);
});

test("unzstd() refuses what breaks the rules of a frame", async () => {
  const rows: Readonly<Record<string, string>> = {
    "no frame": "00112233",
    "a reserved bit": "28b52ffd0800290000" + "68656c6c6f",
    "a reserved block type": "28b52ffd0000" + "2f0000" + "68656c6c6f",
    "a block longer than the window": "28b52ffd0000" + "092000" + "00".repeat(1025),
    "a wrong content length": "28b52ffd20" + "06" + "290000" + "68656c6c6f",
    "a wrong checksum": "28b52ffd0400290000" + "68656c6c6f" + "01020304",
    "a dictionary": "28b52ffd0100" + "07" + "290000" + "68656c6c6f",
    "garbage after a frame": "28b52ffd0000290000" + "68656c6c6f" + "00000000",
  };
  for (const [what, hex] of Object.entries(rows)) {
    const { error } = await drain(unzstd(streamOf(decodeHex(hex))));
    assert.equal(error?.name, "CorruptStreamError", what);
    assert.match(String(error?.message), /^Cannot decompress zstd: /);
  }
});

test("unzstd() refuses a window above the limit before it takes memory for it", async () => {
  const frame = (descriptor: number): Bytes =>
    concatBytes([
      decodeHex("28b52ffd00"),
      Uint8Array.of(descriptor),
      decodeHex("290000"),
      HELLO.subarray(9),
    ]);
  // 2^26 is the default limit, 2^26 + 2^23 the next window above it.
  assert.equal((await drain(unzstd(streamOf(frame(16 << 3))))).error, undefined);
  for (const descriptor of [16 << 3 | 1, 17 << 3, 31 << 3 | 7]) {
    const { error } = await drain(unzstd(streamOf(frame(descriptor))));
    assert.equal(error?.name, "LimitExceededError", `window descriptor ${descriptor}`);
  }
  // A single segment of 2^62 bytes.
  const { error } = await drain(
    unzstd(streamOf(decodeHex("28b52ffde0" + "0000000000000040" + "290000"))),
  );
  assert.equal(error?.name, "LimitExceededError");
  const small = await drain(unzstd(streamOf(frame(0)), { maxWindowBytes: 1023 }));
  assert.equal(small.error?.name, "LimitExceededError");
});

test("unzstd() bounds its output and each chunk of it", async () => {
  // RLE blocks of 128 KiB, four bytes each, in a window of 128 KiB.
  const bomb = concatBytes([
    decodeHex("28b52ffd00" + "38"),
    ...Array.from({ length: 1000 }, () => decodeHex("02001000")),
    decodeHex("010000"),
  ]);
  const source = observed(bomb, 16);
  const { chunks, error } = await drain(unzstd(source.stream, { maxOutputBytes: 2 ** 20 }));
  assert.equal(error?.name, "LimitExceededError");
  assert.ok(chunks.every(({ length }) => length <= 131072));
  assert.equal(chunks.length, 8);
  await settle();
  assert.equal(source.cancelled(), error);
  assert.ok(source.pulled() <= 4);
});

test("unzstd() reads nothing before it is read, and hands on errors of its source", async () => {
  const source = observed(HELLO, 5);
  const reader = unzstd(source.stream).getReader();
  await settle();
  assert.equal(source.pulled(), 0);
  await reader.cancel("enough");
  assert.equal(source.cancelled(), "enough");
  const failure = new Error("the connection was lost");
  const result = await drain(unzstd(observed(HELLO.subarray(0, 7), 3, failure).stream));
  assert.equal(result.error, failure);
});
