// Chunks of a socket are freed once the next one is asked for. Whoever still looks at one then sees
// no bytes, so that every way through a layer has to come to the same as with chunks that stay.
import { test } from "node:test";
import assert from "node:assert/strict";
import { noteOwnedChunks, readAll, streamFrom, streamOf, verified } from "../../lib/bytes/mod.ts";
import { buildCheckpoints, gzip } from "../../lib/compress/mod.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import {
  append,
  exportRootfs,
  extract,
  flatten,
  type Image,
  type ImageFileOptions,
  type KernelChoice,
  layerFrom,
  loadImage,
  memoryLayerIndexes,
  rewriteLayers,
  squash,
} from "../../lib/image/mod.ts";
import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";
import type { Source } from "../../lib/model/content.ts";
import type { Descriptor } from "../../lib/model/descriptor.ts";
import { push, validate } from "../../lib/ops/mod.ts";
import { memoryFileSystem, memoryStore } from "../../lib/store/mod.ts";
import { readTar, type TarEntry, type TarInput } from "../../lib/tar/mod.ts";
import { UntarStream } from "../../lib/tar/std.ts";
import { entry, putImage, type Short, tarOf } from "./images.ts";
import { readBack } from "./read_back.ts";
import { estargzLayer, noise, putTableImage, zstdChunkedLayer } from "./table_layers.ts";

const MAX = { maxBytes: 1 << 26 };
const REFERENCE = "acme/app:1";
/** No multiple of a block, so that headers and contents begin and end in any place. */
const CHUNK_BYTES = 997;

/** Gives chunks that nobody else holds. */
function owned(bytes: Bytes, chunkBytes: number): ByteStream {
  const stream = streamFrom((function* () {
    for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.slice(at, at + chunkBytes);
  })());
  noteOwnedChunks(stream);
  return stream;
}

/** Gives everything in chunks that nobody else holds, as a registry does. */
function fromSocket(source: Source, chunkBytes: number): Source {
  return {
    resolve: (reference, options) => source.resolve(reference, options),
    exists: (target, options) => source.exists(target, options),
    async fetch(target, options) {
      const stream = owned(await readAll(await source.fetch(target, options), MAX), chunkBytes);
      return options?.range === undefined ? verified(stream, target) : stream;
    },
  };
}

const FILES: readonly Short[] = [
  "etc/",
  "etc/passwd=root:x:0:0\n",
  "empty=",
  entry({ path: `deep/${"n".repeat(200)}`, body: noise(3000, 3) }),
  entry({ path: "large", body: noise(150_000, 9), xattrs: new Map([["user.a", noise(5, 1)]]) }),
  entry({ path: "zeros", body: new Uint8Array(140_000) }),
  "link->etc/passwd",
  "hard=>large",
];

/** Images of every way that layers are stored. */
async function images(): Promise<(readonly [what: string, source: Source])[]> {
  const upper: readonly Short[] = ["etc/hosts=1", ".wh.empty=", "etc/passwd=other"];
  const tars = [await tarOf(FILES), await tarOf(upper)];
  const zip = (tar: Bytes) => readAll(gzip(streamOf(tar)), MAX);
  const inputs: readonly TarInput[] = FILES.map(entry);
  const found: (readonly [string, Source])[] = [];
  const add = async (
    what: string,
    put: (store: ReturnType<typeof memoryStore>) => Promise<Descriptor>,
  ) => {
    const store = memoryStore();
    await store.tag(await put(store), REFERENCE);
    found.push([what, store]);
  };
  await add("plain", (store) => putImage(store, tars));
  await add("gzip", (store) => putImage(store, tars, { compress: zip }));
  const chunked = { chunkBytes: 40_000 };
  await add(
    "eStargz",
    async (store) => putTableImage(store, [await estargzLayer(inputs, chunked)]),
  );
  await add(
    "zstd",
    async (store) => putTableImage(store, [await zstdChunkedLayer(inputs, chunked)]),
  );
  return found;
}

const digestOf = async (stream: ByteStream) => digestBytes("sha256", await readAll(stream, MAX));

async function diffIDsOf(image: Image): Promise<string[]> {
  const digests: string[] = [];
  for (const layer of await image.layers()) {
    digests.push(await digestOf(await layer.uncompressed()));
  }
  return digests;
}

/** Reads every entry of every layer in one way. */
function entriesBy(
  read: (entry: TarEntry) => Promise<Bytes>,
  kernel?: KernelChoice,
): (image: Image) => Promise<unknown> {
  return async (image) => {
    const told: unknown[] = [];
    for (const layer of await image.layers()) {
      for await (const found of layer.entries({ kernel })) {
        const { path, linkPath, userName, mtimeNs } = found;
        const xattrs = [...found.xattrs].map(([name, value]) => [name, [...value]]);
        const content = digestBytes("sha256", await read(found));
        told.push([path, linkPath, userName, mtimeNs, xattrs, content]);
      }
    }
    return told;
  };
}

async function lent(found: TarEntry): Promise<Bytes> {
  const pieces: Bytes[] = [];
  await found.lend((piece) => void pieces.push(piece.slice()));
  return await readAll(streamFrom(pieces), MAX);
}

async function fileOf(image: Image, options: ImageFileOptions): Promise<string> {
  return digestBytes("sha256", await image.readFile("large", options));
}

/** What can be done with an image, and what it comes to. */
const WAYS: Readonly<Record<string, (image: Image, source: Source) => Promise<unknown>>> = {
  "bytes()": entriesBy((found) => found.bytes()),
  "body": entriesBy((found) => readAll(found.body, MAX)),
  "lend()": entriesBy(lent),
  "bytes() in plain TypeScript": entriesBy((found) => found.bytes(), "js"),
  "nothing read": entriesBy(() => Promise.resolve(new Uint8Array())),
  "uncompressed()": diffIDsOf,
  "exportRootfs()": (image) => digestOf(exportRootfs(image)),
  async "extract()"(image) {
    const fs = memoryFileSystem({ now: () => 0 });
    await extract(image, fs, "/out");
    return await readBack(fs, "/out");
  },
  "readFile()": (image) => fileOf(image, { tables: "none" }),
  "readFile() by a table": (image) => fileOf(image, { tables: "any" }),
  async "readFile() by indexes"(image) {
    const layerIndexes = memoryLayerIndexes({ everyBytes: 65_536 });
    return [await fileOf(image, { layerIndexes }), await fileOf(image, { layerIndexes })];
  },
  async "flatten()"(image) {
    return await diffIDsOf(await flatten(image));
  },
  async "squash()"(image) {
    return await diffIDsOf(await squash(image, { from: 0 }));
  },
  async "rewriteLayers()"(image) {
    return await diffIDsOf(
      await rewriteLayers(image, { strip: ["etc/passwd"] }),
    );
  },
  async "append() and push()"(image) {
    const store = memoryStore();
    const added = await append(image, await layerFrom([{ path: "new", body: noise(9000, 2) }]));
    await push(added, store, REFERENCE);
    return (await validate(store, REFERENCE)).problems;
  },
  "validate()": async (_, source) => await validate(source, REFERENCE),
};

test("what is made of layers is the same when each chunk is freed once the next is asked for", async () => {
  for (const [what, store] of await images()) {
    const target = await store.resolve(REFERENCE);
    for (const [name, way] of Object.entries(WAYS)) {
      const expected = await way(await loadImage(store, target), store);
      const source = fromSocket(store, CHUNK_BYTES);
      assert.deepEqual(
        await way(await loadImage(source, target), source),
        expected,
        `${name} of ${what}`,
      );
    }
  }
});

test("what reads a stream does so when each chunk is freed once the next is asked for", async () => {
  const tar = await tarOf(FILES);
  const zipped = await readAll(gzip(streamOf(tar)), MAX);
  const readers: Readonly<Record<string, (cut: (bytes: Bytes) => ByteStream) => Promise<unknown>>> =
    {
      async "readTar()"(cut) {
        const told: unknown[] = [];
        for await (const found of readTar(cut(tar))) {
          told.push(found.path, digestBytes("sha256", await lent(found)));
        }
        return told;
      },
      async "UntarStream"(cut) {
        const told: unknown[] = [];
        const reader = cut(tar).pipeThrough(new UntarStream()).getReader();
        for (;;) {
          const { done, value } = await reader.read();
          if (done) return told;
          const { path, header, readable } = value;
          told.push(path, header, readable && await digestOf(readable as ByteStream));
        }
      },
      "gzip()": (cut) => digestOf(gzip(cut(tar))),
      "gzip() of level 0": (cut) => digestOf(gzip(cut(tar), { level: 0 })),
      "buildCheckpoints()": (cut) => buildCheckpoints(cut(zipped), { everyBytes: 65_536 }),
      "layerFrom() of a tar": async (cut) => (await layerFrom(() => cut(tar))).descriptor(),
      "layerFrom() of gzip": async (cut) => (await layerFrom(() => cut(zipped))).descriptor(),
      "layerFrom() below a prefix": async (cut) =>
        (await layerFrom(() => cut(zipped), { prefix: "opt" })).descriptor(),
    };
  for (const [name, read] of Object.entries(readers)) {
    const expected = await read(streamOf);
    for (const chunkBytes of [509, 70_000]) {
      const actual = await read((bytes) => owned(bytes, chunkBytes));
      assert.deepEqual(actual, expected, `${name} in chunks of ${chunkBytes}`);
    }
  }
});
