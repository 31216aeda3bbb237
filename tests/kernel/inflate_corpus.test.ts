import { test } from "node:test";
import assert from "node:assert/strict";
import { digestBytes } from "../../lib/hash/mod.ts";
import { corpusBytes, corpusJSON } from "../support/corpus.ts";
import { inflate, KERNELS } from "./_kernels.ts";

interface Listing {
  readonly file: string;
  readonly compressed: number;
  readonly zlib: {
    readonly size: number;
    readonly sha256?: string;
    readonly error?: string;
    readonly members?: number;
    readonly trailing?: number;
  };
}

/** Refused although zlib accepts it: a name of 1 MiB. */
const TOO_LONG_FIELDS = ["made-by-gzip-tools/name-1MiB.gz"];

test("every gzip file of the corpus inflates as zlib does, zeros may follow, other bytes may not", async () => {
  const listings = await corpusJSON<Listing[]>("expected/gzip.json");
  assert.ok(listings.length > 60, `${listings.length} files`);
  let accepted = 0;
  for (const { file, compressed, zlib } of listings) {
    const input = await corpusBytes(file);
    assert.equal(input.length, compressed, file);
    const trailing = input.subarray(input.length - (zlib.trailing ?? 0));
    const isGood = zlib.error === undefined && zlib.sha256 !== undefined &&
      trailing.every((byte) => byte === 0) && !TOO_LONG_FIELDS.includes(file);
    for (const kernel of KERNELS) {
      const what = `${kernel.kind}: ${file}`;
      const result = inflate(kernel, input, { cut: 65536 });
      if (isGood) {
        assert.equal(result.error, undefined, what);
        assert.equal(result.bytes.length, zlib.size, what);
        assert.equal(digestBytes("sha256", result.bytes), `sha256:${zlib.sha256}`, what);
        assert.equal(result.members, zlib.members, what);
        assert.equal(result.bytesIn, compressed, what);
        assert.equal(result.bytesOut, zlib.size, what);
        accepted++;
      } else if (TOO_LONG_FIELDS.includes(file)) {
        assert.equal(result.error?.name, "LimitExceededError", what);
      } else {
        assert.equal(result.error?.name, "CorruptStreamError", what);
      }
    }
  }
  assert.ok(accepted > 80, `${accepted} accepted`);
});

test("an error tells how many compressed bytes were good", async () => {
  const good: Readonly<Record<string, readonly [offset: number, output: number]>> = {
    "made-by-gzip-tools/member-then-garbage.gz": [794, 1548],
    "made-by-gzip-tools/member-then-half-magic.gz": [794, 1548],
    "made-by-gzip-tools/bad-crc.gz": [0, 1548],
    "made-by-gzip-tools/bad-isize.gz": [0, 1548],
    "made-by-gzip-tools/cut-trailer.gz": [0, 1548],
    "made-by-gzip-tools/cut-1-byte.gz": [0, 1548],
    "made-by-gzip-tools/bad-method.gz": [0, 0],
    "go-gunzip-tests/13-gzip-header-with-truncated-name.gz": [42, 12],
  };
  for (const kernel of KERNELS) {
    for (const [file, [offset, output]] of Object.entries(good)) {
      for (const cut of [1, 100, 65536]) {
        const { error, bytes } = inflate(kernel, await corpusBytes(file), { cut });
        assert.equal(error?.offset, offset, `${kernel.kind}, cut ${cut}: ${file}`);
        assert.equal(bytes.length, output, `${kernel.kind}, cut ${cut}: ${file}`);
      }
    }
  }
});

test("inflate reads the 30 members of an eStargz layer", async () => {
  const input = await corpusBytes("made-by-estargz/layer.esgz.tar.gz");
  for (const kernel of KERNELS) {
    const result = inflate(kernel, input, { cut: 4096 });
    assert.equal(result.error, undefined);
    assert.equal(result.bytes.length, 118272);
    assert.ok(result.members >= 30, `${result.members} members`);
  }
});
