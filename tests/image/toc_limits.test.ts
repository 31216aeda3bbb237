// What is fetched for a table of contents, and for files by it, is bounded by more than its word.
import { test } from "node:test";
import assert from "node:assert/strict";
import { concatBytes, streamOf } from "../../lib/bytes/mod.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import { type Layer, loadImage, openLayer, readLayerTable } from "../../lib/image/mod.ts";
import { MAX_TABLE_BYTES } from "../../lib/image/_toc_error.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import type { ContentSource } from "../../lib/model/content.ts";
import { LimitExceededError } from "../../lib/model/errors.ts";
import { memoryStore } from "../../lib/store/mod.ts";
import {
  estargzLayer,
  noise,
  observedImage,
  putTableImage,
  type RawTable,
  type TableLayer,
  zstdChunkedLayer,
} from "./table_layers.ts";

const DIGEST = `sha256:${"0".repeat(64)}`;
const LAYER_BYTES = 4 * MAX_TABLE_BYTES;

/** A layer of which nothing is there but the last bytes; asking for more is an error. */
function hollowLayer(end: Bytes, annotations: Record<string, string>): Layer {
  const source: ContentSource = {
    exists: () => Promise.resolve(true),
    fetch(target, options) {
      const start = options?.range?.start ?? 0;
      if (target.size - start > end.length) return Promise.reject(new Error("it was fetched"));
      return Promise.resolve(streamOf(end.slice(end.length - (target.size - start))));
    },
  };
  const mediaType = "application/vnd.oci.image.layer.v1.tar+gzip";
  return openLayer(source, { mediaType, digest: DIGEST, size: LAYER_BYTES, annotations });
}

test("a table of contents above its limit is not fetched, one at its limit is", async () => {
  const { bytes } = await estargzLayer([{ path: "a", body: noise(10) }]);
  const footer = bytes.slice(-51);
  const withTable = (stored: number): Layer => {
    const offset = LAYER_BYTES - 51 - stored;
    footer.set(new TextEncoder().encode(offset.toString(16).padStart(16, "0")), 16);
    return hollowLayer(footer.slice(), { "containerd.io/snapshot/stargz/toc.digest": DIGEST });
  };
  const withPosition = (stored: number, plain: number): Layer => {
    const prefix = "io.github.containers.zstd-chunked";
    return hollowLayer(footer, {
      [`${prefix}.manifest-position`]: `100:${stored}:${plain}:1`,
      [`${prefix}.manifest-checksum`]: DIGEST,
    });
  };
  const large = MAX_TABLE_BYTES + 1;
  for (const layer of [withTable(MAX_TABLE_BYTES), withPosition(MAX_TABLE_BYTES, 10)]) {
    await assert.rejects(readLayerTable(layer), /it was fetched/);
  }
  for (const layer of [withTable(large), withPosition(large, 10), withPosition(10, large)]) {
    await assert.rejects(readLayerTable(layer), LimitExceededError);
  }
});

test("when a table cannot be fetched the layer is not fetched instead", async () => {
  for (const make of [estargzLayer, zstdChunkedLayer]) {
    const store = memoryStore();
    const layer = await make([{ path: "a", body: noise(10) }]);
    const digest = digestBytes("sha256", layer.bytes);
    const image = await loadImage({
      exists: (target, options) => store.exists(target, options),
      fetch(target, options) {
        if (target.digest !== digest) return store.fetch(target, options);
        if (options?.range === undefined) assert.fail("the layer is read whole");
        return Promise.reject(new TypeError("the network is down"));
      },
    }, await putTableImage(store, [layer]));
    await assert.rejects(image.readFile("a"), /the network is down/);
  }
});

test("what lies between chunks far from one another is not fetched", async () => {
  const files = ["first", "between", "last"].map((path, index) => ({
    path,
    body: noise(path === "between" ? 300_000 : 5000, index + 1),
  }));
  const change = ({ entries }: RawTable) => {
    const [first = {}, last = {}] = ["first", "last"].map((name) =>
      entries.find((entry) => entry.name === name)
    );
    const { chunkDigest, offset } = last;
    const chunk = { chunkOffset: 5000, chunkSize: 5000, chunkDigest, offset };
    entries.push({ ...first, name: "both", size: 10_000, chunkSize: 5000 });
    entries.push({ name: "both", type: "chunk", ...chunk });
  };
  const { image, fetched, bytes } = await observedImage(await estargzLayer(files, { change }));
  const rootfs = await image.rootfs({ tables: "proved" });
  const [requests, before] = [fetched.length, bytes()];
  const both = await rootfs.readFile("both");
  assert.equal(
    digestBytes("sha256", both),
    digestBytes("sha256", concatBytes([files[0]?.body as Bytes, files[2]?.body as Bytes])),
  );
  assert.equal(fetched.length - requests, 2);
  assert.ok(bytes() - before < 20_000, `${bytes() - before} bytes`);
});

/** The layer with the footer of 40 bytes, from before tar-split data came in. */
function withShortFooter({ bytes, diffID, tableOffset }: TableLayer): TableLayer {
  const footer = bytes.slice(-64);
  const header = bytes.slice(-72, -64);
  header[4] = 40;
  const short = concatBytes([
    bytes.slice(0, -72),
    header,
    footer.slice(0, 32),
    footer.slice(-8),
  ]);
  return { bytes: short, diffID, tableOffset, annotations: {} };
}

test("a zstd:chunked layer with the older, shorter footer has its table", async () => {
  const body = noise(50_000);
  const layer = withShortFooter(await zstdChunkedLayer([{ path: "a", body }]));
  const { image, fetched } = await observedImage(layer);
  const file = await image.readFile("a", { tables: "any" });
  assert.equal(digestBytes("sha256", file), digestBytes("sha256", body));
  assert.ok(fetched.length > 0 && !fetched.includes("whole"), String(fetched));
});
