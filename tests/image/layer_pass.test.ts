// One pass over a layer, whoever does the work and however the stored bytes are cut into chunks.
import { test } from "node:test";
import assert from "node:assert/strict";
import { readAll, streamFrom, streamOf, verified } from "../../lib/bytes/mod.ts";
import { gzip } from "../../lib/compress/mod.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import { type Layer, type LayerReadOptions, openLayer } from "../../lib/image/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { LadingError } from "../../lib/model/errors.ts";
import { MEDIA_TYPE_OCI_LAYER_GZIP } from "../../lib/model/mod.ts";
import type { TarEntry } from "../../lib/tar/mod.ts";
import { corpusBytes } from "../support/corpus.ts";
import { encode, END, join, member, padded, pax } from "../tar/blocks.ts";
import { type Short, tarOf } from "./images.ts";

const KERNELS = ["host", "wasm", "js"] as const;
const WHOLE = 1 << 30;

/** The lengths of chunks that something is cut into. */
function cutsOf({ length }: Bytes): number[] {
  return length < 10_000 ? [1, 7, 509, 4096, WHOLE] : [997, 65_537, WHOLE];
}

function noise(length: number, seed: number): Bytes {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state = Math.imul(state, 1664525) + 1013904223 | 0;
    return state >>> 24 & 0x3f;
  });
}

/** A layer of everything: small files, large ones, long names, links, names that are no ASCII. */
async function variedTar(): Promise<Bytes> {
  const entries: Short[] = ["etc/", "etc/passwd=root:x:0:0\n", "empty="];
  for (let index = 0; index < 40; index++) {
    entries.push({ path: `etc/${index}`, body: noise(index * 37, index), mtimeNs: BigInt(index) });
  }
  return await tarOf([
    ...entries,
    { path: `deep/${"d/".repeat(60)}größe-${"n".repeat(200)}`, body: noise(3000, 3) },
    { path: "large", body: noise(150_000, 9), xattrs: new Map([["user.a", noise(5, 1)]]) },
    { path: "block", body: noise(512, 10) },
    { path: "windows", body: noise(65_536, 11), userName: "größe", uid: 3_000_000 },
    "link->etc/passwd",
    "hard=>large",
    ".wh.gone=",
  ]);
}

async function gzipped(tar: Bytes): Promise<Bytes> {
  return await readAll(gzip(streamOf(tar)), { maxBytes: 1 << 26 });
}

function* cut(bytes: Bytes, size: number): Generator<Bytes, void, undefined> {
  // Copies, so that nobody gains from looking at what follows a chunk in memory.
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
}

function layerOf(stored: Bytes, diffID: string, chunkBytes: number, digest?: string): Layer {
  const descriptor = {
    mediaType: MEDIA_TYPE_OCI_LAYER_GZIP,
    digest: digest ?? digestBytes("sha256", stored),
    size: stored.length,
  };
  return openLayer(
    {
      exists: () => Promise.resolve(true),
      fetch: () => Promise.resolve(verified(streamFrom(cut(stored, chunkBytes)), descriptor)),
    },
    descriptor,
    diffID,
  );
}

/** How the content of an entry can be read. */
const READERS: Readonly<Record<string, (entry: TarEntry) => Promise<string | undefined>>> = {
  "nothing": () => Promise.resolve(undefined),
  "bytes()": async (entry) => digestBytes("sha256", await entry.bytes()),
  "body": async (entry) => digestBytes("sha256", await readAll(entry.body, { maxBytes: 1 << 26 })),
  async "lend()"(entry) {
    const parts: Bytes[] = [];
    await entry.lend((piece) => void parts.push(piece.slice()));
    return digestBytes("sha256", await readAll(streamFrom(parts), { maxBytes: 1 << 26 }));
  },
  async "the first piece"(entry) {
    const reader = entry.body.getReader();
    await reader.read();
    reader.releaseLock();
    return undefined;
  },
};

async function tell(
  layer: Layer,
  read: (entry: TarEntry) => Promise<string | undefined>,
  options: LayerReadOptions,
): Promise<unknown[]> {
  const told: unknown[] = [];
  for await (const entry of layer.entries(options)) {
    const { path, type, size, mode, uid, userName, mtime, mtimeNs, linkPath } = entry;
    const { headerOffset, bodyOffset, format } = entry;
    const xattrs = [...entry.xattrs].map(([name, value]) => [name, [...value]]);
    const content = await read(entry);
    told.push({ path, type, size, mode, uid, userName, mtime, mtimeNs, linkPath, xattrs });
    told.push({ headerOffset, bodyOffset, format, content });
  }
  return told;
}

test("entries() gives the same with every kernel, however the layer is cut and read", async () => {
  const tars = [
    await variedTar(),
    await corpusBytes("go-archive-tar/sparse-formats.tar"),
    await corpusBytes("go-archive-tar/gnu-multi-hdrs.tar"),
  ].map((tar) => new Uint8Array(tar));
  for (const [index, tar] of tars.entries()) {
    const stored = await gzipped(tar);
    const diffID = digestBytes("sha256", tar);
    for (const [how, read] of Object.entries(READERS)) {
      const expected = await tell(layerOf(tar, diffID, WHOLE), read, {});
      assert.ok(expected.length > 0);
      for (const kernel of KERNELS) {
        for (const chunkBytes of cutsOf(stored)) {
          const label = `archive ${index}, ${how}, ${kernel}, chunks of ${chunkBytes}`;
          const told = await tell(layerOf(stored, diffID, chunkBytes), read, { kernel });
          assert.deepEqual(told, expected, label);
        }
      }
    }
  }
});

test("uncompressed() gives chunks that stay as they are", async () => {
  const tar = await variedTar();
  const layer = layerOf(await gzipped(tar), digestBytes("sha256", tar), 4096);
  for (const kernel of KERNELS) {
    const chunks: Bytes[] = [];
    const reader = (await layer.uncompressed({ kernel })).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      chunks.push(value);
    }
    const bytes = await readAll(streamFrom(chunks), { maxBytes: 1 << 26 });
    assert.equal(digestBytes("sha256", bytes), digestBytes("sha256", tar), String(kernel));
  }
});

/** How a reading ends: the code of its error, or `ok`. */
async function outcome(layer: Layer, options: LayerReadOptions): Promise<string> {
  try {
    for await (const entry of layer.entries(options)) await entry.bytes();
    return "ok";
  } catch (error) {
    return error instanceof LadingError ? error.code : String(error);
  }
}

test("a damaged layer is refused in the same way with every kernel, however it is cut", async () => {
  const tar = await tarOf(["a/", { path: "a/b", body: noise(9000, 5) }, "c=1"]);
  const stored = await gzipped(tar);
  const diffID = digestBytes("sha256", tar);
  const changed = (at: number): Bytes => {
    const copy = stored.slice();
    const index = at < 0 ? stored.length + at : at;
    copy[index] = (copy[index] ?? 0) ^ 0x55;
    return copy;
  };
  const other = digestBytes("sha256", new Uint8Array(1));
  const broken = tar.slice(0, 512 + 600);
  const rows: readonly (readonly [string, string, (chunkBytes: number) => Layer])[] = [
    ["nothing", "ok", (size) => layerOf(stored, diffID, size)],
    ["another diffID", "DIGEST_MISMATCH", (size) => layerOf(stored, other, size)],
    ["another digest", "DIGEST_MISMATCH", (size) => layerOf(stored, diffID, size, other)],
    ["a wrong CRC", "CORRUPT_STREAM", (size) => layerOf(changed(-8), diffID, size)],
    ["a wrong length", "CORRUPT_STREAM", (size) => layerOf(changed(-1), diffID, size)],
    [
      "bytes behind",
      "CORRUPT_STREAM",
      (size) => layerOf(Uint8Array.of(...stored, 1), diffID, size),
    ],
    ["a cut", "CORRUPT_STREAM", (size) => layerOf(stored.slice(0, -300), diffID, size)],
  ];
  for (const [what, code, make] of rows) {
    for (const kernel of KERNELS) {
      for (const chunkBytes of cutsOf(stored)) {
        const label = `${what}, ${kernel}, chunks of ${chunkBytes}`;
        assert.equal(await outcome(make(chunkBytes), { kernel }), code, label);
      }
    }
  }
  const cutShort = layerOf(await gzipped(broken), digestBytes("sha256", broken), 100);
  for (const kernel of KERNELS) {
    assert.equal(await outcome(cutShort, { kernel }), "INVALID_TAR", String(kernel));
    const limited = await outcome(layerOf(stored, diffID, 64), { kernel, maxOutputBytes: 2000 });
    assert.equal(limited, "LIMIT_EXCEEDED", String(kernel));
  }
});

test("an archive that ends in a content is refused, also where nobody reads the content", async () => {
  const tar = await tarOf(["a=1", { path: "b", body: noise(300_000, 7) }]);
  for (const end of [1536 + 1, 1536 + 299_999]) {
    const short = tar.slice(0, end);
    const stored = await gzipped(short);
    const diffID = digestBytes("sha256", short);
    for (const kernel of KERNELS) {
      for (const chunkBytes of [1009, WHOLE]) {
        const layer = layerOf(stored, diffID, chunkBytes);
        const label = `cut at ${end}, ${kernel}, chunks of ${chunkBytes}`;
        assert.equal(await outcome(layer, { kernel }), "INVALID_TAR", label);
        const paths: string[] = [];
        await assert.rejects(
          async () => {
            for await (const { path } of layer.entries({ kernel })) paths.push(path);
          },
          { code: "INVALID_TAR" },
          label,
        );
        assert.deepEqual(paths, ["a", "b"], label);
      }
    }
  }
});

test("maxOutputBytes counts the holes of sparse files too", async () => {
  const records = { major: "1", minor: "0", name: "s", realsize: "1000000" };
  const keys = Object.entries(records).map(([key, value]) => [`GNU.sparse.${key}`, value]);
  const sparse = join(
    pax(Object.fromEntries(keys)),
    member({ name: "GNUSparseFile/s" }, padded(encode("0\n"))),
    END,
  );
  const layer = layerOf(await gzipped(sparse), digestBytes("sha256", sparse), 100);
  assert.equal(await outcome(layer, { maxOutputBytes: 1_000_000 }), "ok");
  assert.equal(await outcome(layer, { maxOutputBytes: 999_999 }), "LIMIT_EXCEEDED");
});

test("diffID() computes the digest of a layer that no config names, with every kernel", async () => {
  const tar = await variedTar();
  const stored = await gzipped(tar);
  for (const kernel of KERNELS) {
    const descriptor = layerOf(stored, "", 1000).descriptor();
    const source = {
      exists: () => Promise.resolve(true),
      fetch: () => Promise.resolve(streamFrom(cut(stored, 1000))),
    };
    const layer = openLayer(source, descriptor);
    assert.equal(await layer.diffID({ kernel }), digestBytes("sha256", tar), String(kernel));
  }
});
