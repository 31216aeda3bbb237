import { test } from "node:test";
import assert from "node:assert/strict";
import { decodeHex, encodeHex } from "../../lib/model/mod.ts";
import { corpusJSON } from "../support/corpus.ts";
import { type Cut, inflate, KERNELS } from "./_kernels.ts";

type Text = string | { readonly hex: string };

interface StreamTable {
  readonly streams: readonly {
    readonly desc: string;
    readonly stream: string;
    readonly want: string;
  }[];
  readonly truncated: readonly { readonly input: Text; readonly output: Text }[];
}

interface CoverTable {
  readonly cases: readonly {
    readonly hex: string;
    readonly container: "raw" | "gzip";
    readonly desc: string;
    readonly zlibError: string | null;
    readonly finished: boolean;
    readonly outputLen: number;
  }[];
}

interface MemberTable {
  readonly cases: readonly {
    readonly desc: string;
    readonly raw: string;
    readonly gzipHex: string;
    readonly error: string | null;
  }[];
}

const CUTS: readonly Cut[] = [1, 3, 1 << 20];

function bytesOf(text: Text): Uint8Array {
  return typeof text === "string" ? new TextEncoder().encode(text) : decodeHex(text.hex);
}

test("the embedded kernel runs as WebAssembly", () => {
  assert.deepEqual(KERNELS.map(({ kind }) => kind), ["wasm", "js", "wasm"]);
});

test("inflate gives and refuses what Go's table of deflate streams says", async () => {
  const { streams } = await corpusJSON<StreamTable>("tables/deflate-streams.json");
  assert.equal(streams.length, 28);
  for (const kernel of KERNELS) {
    for (const { desc, stream, want } of streams) {
      for (const cut of CUTS) {
        const result = inflate(kernel, decodeHex(stream), { format: "deflate-raw", cut });
        const what = `${kernel.kind}, cut ${cut}: ${desc}`;
        if (want === "fail") {
          assert.equal(result.error?.name, "CorruptStreamError", what);
        } else {
          assert.equal(result.error, undefined, what);
          assert.equal(encodeHex(result.bytes), want, what);
        }
      }
    }
  }
});

test("inflate gives exactly the bytes of a stream that is cut short, and then an error", async () => {
  const { truncated } = await corpusJSON<StreamTable>("tables/deflate-streams.json");
  assert.equal(truncated.length, 10);
  for (const kernel of KERNELS) {
    for (const { input, output } of truncated) {
      for (const cut of CUTS) {
        const what = `${kernel.kind}, cut ${cut}: ${JSON.stringify(input)}`;
        const result = inflate(kernel, bytesOf(input), { format: "deflate-raw", cut });
        assert.equal(encodeHex(result.bytes), encodeHex(bytesOf(output)), what);
        assert.match(String(result.error?.message), /it is cut short$/, what);
      }
    }
  }
});

test("inflate agrees with zlib on the vectors of infcover.c", async () => {
  const { cases } = await corpusJSON<CoverTable>("tables/inflate-infcover.json");
  assert.equal(cases.length, 26);
  for (const kernel of KERNELS) {
    for (const { hex, container, desc, finished, outputLen } of cases) {
      for (const cut of CUTS) {
        const what = `${kernel.kind}, cut ${cut}: ${desc}`;
        const format = container === "raw" ? "deflate-raw" : "gzip";
        const result = inflate(kernel, decodeHex(hex), { format, cut });
        if (finished) {
          assert.equal(result.error, undefined, what);
          assert.equal(result.bytes.length, outputLen, what);
        } else {
          assert.equal(result.error?.name, "CorruptStreamError", what);
        }
      }
    }
  }
});

test("inflate says why it refuses a stream", async () => {
  const reasons: Readonly<Record<string, RegExp>> = {
    "invalid stored block lengths": /the two lengths of a stored block do not match/,
    "invalid block type": /a block has an invalid type/,
    "too many length or distance symbols": /too many length or distance codes/,
    "invalid code lengths set": /the code length code is not complete/,
    "invalid bit length repeat": /a code length repeat is invalid/,
    "invalid code -- missing end-of-block": /no end-of-block code/,
    "invalid literal/lengths set": /the literal\/length code is not complete/,
    "invalid distances set": /the distance code is not complete/,
    "invalid literal/length code": /a literal\/length code is invalid/,
    "invalid distance code": /a distance code is invalid/,
    "invalid distance too far back": /a distance points before the start/,
    "incorrect length check": /the length does not match/,
    "unknown compression method": /the compression method is not deflate/,
    "unknown header flags set": /reserved flags are set/,
    "header crc mismatch": /the CRC of the header does not match/,
  };
  const { cases } = await corpusJSON<CoverTable>("tables/inflate-infcover.json");
  for (const kernel of KERNELS) {
    for (const [zlibError, reason] of Object.entries(reasons)) {
      const row = cases.find((item) => item.zlibError === zlibError);
      assert.ok(row !== undefined, zlibError);
      const format = row.container === "raw" ? "deflate-raw" : "gzip";
      const { error } = inflate(kernel, decodeHex(row.hex), { format });
      assert.match(String(error?.message), reason, `${kernel.kind}: ${zlibError}`);
      assert.match(String(error?.message), /^Cannot inflate: /);
    }
  }
});

test("inflate gives and refuses what Go's table of gzip members says", async () => {
  const { cases } = await corpusJSON<MemberTable>("tables/gzip-members.json");
  assert.equal(cases.length, 15);
  for (const kernel of KERNELS) {
    for (const { desc, raw, gzipHex, error } of cases) {
      for (const cut of CUTS) {
        const what = `${kernel.kind}, cut ${cut}: ${desc}`;
        const result = inflate(kernel, decodeHex(gzipHex), { cut });
        assert.equal(result.error === undefined, error === null, what);
        if (error === null) assert.equal(new TextDecoder().decode(result.bytes), raw, what);
      }
    }
  }
});
