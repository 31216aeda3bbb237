// One runtime's part of bench/layer.ts: reads a layer from memory in every way there is, in turns,
// and writes the times as JSON. Bundled, so that runtimes without TypeScript run the same code.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import process from "node:process";
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { streamFrom } from "../lib/bytes/stream_from.ts";
import { verified } from "../lib/bytes/verify.ts";
import { extract } from "../lib/image/extract.ts";
import { openLayer } from "../lib/image/layer.ts";
import { hasTarChecksum, readTarNumber } from "../lib/kernel/tar_fields.ts";
import { loadKernel } from "../lib/kernel/mod.ts";
import type { Bytes, ByteStream } from "../lib/model/bytes.ts";
import type { Source } from "../lib/model/content.ts";
import type { Descriptor } from "../lib/model/descriptor.ts";
import { MEDIA_TYPE_OCI_LAYER_GZIP, MEDIA_TYPE_OCI_MANIFEST } from "../lib/model/media_types.ts";
import { validate } from "../lib/ops/validate.ts";
import { memoryFileSystem } from "../lib/store/memory_file_system.ts";

const CHUNK_BYTES = 64 * 1024;
/** What node:zlib is fastest with. */
const ZLIB_INPUT_BYTES = 256 * 1024;
const ZLIB_OUTPUT_BYTES = 1024 * 1024;
const BLOCK = 512;

const [path = "", roundsText = "5", ...wanted] = process.argv.slice(2);
const layerBytes: Bytes = new Uint8Array(readFileSync(path));

function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

function* chunks(bytes: Bytes, size = CHUNK_BYTES): Generator<Bytes, void, undefined> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** Finds the headers of an archive in chunks of any size: the least that any reader has to do. */
class Headers {
  count = 0;
  #skip = 0;
  #held = 0;
  readonly #block = new Uint8Array(BLOCK);

  take(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, chunk.length - at);
        this.#skip -= step;
        at += step;
        continue;
      }
      const part = chunk.subarray(at, at + BLOCK - this.#held);
      this.#block.set(part, this.#held);
      this.#held += part.length;
      at += part.length;
      if (this.#held < BLOCK) return;
      this.#held = 0;
      if (!hasTarChecksum(this.#block)) continue;
      this.count++;
      const size = readTarNumber(this.#block, 124, 12) ?? 0;
      this.#skip = Math.ceil(size / BLOCK) * BLOCK;
    }
  }
}

/** What every way has to come to. */
interface Outcome {
  readonly digest?: string;
  readonly diffID?: string;
  readonly entries?: number;
}

function native(): Promise<Outcome> {
  const stored = createHash("sha256");
  const plain = createHash("sha256");
  const headers = new Headers();
  const gunzip = createGunzip({ chunkSize: ZLIB_OUTPUT_BYTES });
  const source = Readable.from(
    (function* () {
      for (const chunk of chunks(layerBytes, ZLIB_INPUT_BYTES)) {
        stored.update(chunk);
        yield chunk;
      }
    })(),
    { objectMode: false, highWaterMark: ZLIB_INPUT_BYTES },
  );
  return new Promise((resolve, reject) => {
    gunzip.on("data", (chunk: Uint8Array) => {
      plain.update(chunk);
      headers.take(chunk);
    });
    gunzip.on("error", reject);
    gunzip.on("end", () =>
      resolve({
        digest: `sha256:${stored.digest("hex")}`,
        diffID: `sha256:${plain.digest("hex")}`,
        entries: headers.count,
      }));
    source.pipe(gunzip);
  });
}

function kernelAlone(): Outcome {
  const stored = createHash("sha256");
  const plain = createHash("sha256");
  const headers = new Headers();
  const inflater = loadKernel().inflater();
  const drain = (): void => {
    for (let view = inflater.read(); view !== undefined; view = inflater.read()) {
      plain.update(view);
      headers.take(view);
    }
  };
  for (const chunk of chunks(layerBytes)) {
    stored.update(chunk);
    inflater.push(chunk);
    drain();
  }
  inflater.end();
  drain();
  inflater.close();
  return {
    digest: `sha256:${stored.digest("hex")}`,
    diffID: `sha256:${plain.digest("hex")}`,
    entries: headers.count,
  };
}

const known = await native();
const layer: Descriptor = {
  mediaType: MEDIA_TYPE_OCI_LAYER_GZIP,
  digest: known.digest ?? "",
  size: layerBytes.length,
};
const config = new TextEncoder().encode(JSON.stringify({
  architecture: "amd64",
  os: "linux",
  rootfs: { type: "layers", diff_ids: [known.diffID] },
}));
const configDescriptor: Descriptor = {
  mediaType: "application/vnd.oci.image.config.v1+json",
  digest: sha256(config),
  size: config.length,
};
const manifest = new TextEncoder().encode(JSON.stringify({
  schemaVersion: 2,
  mediaType: MEDIA_TYPE_OCI_MANIFEST,
  config: configDescriptor,
  layers: [layer],
}));
const root: Descriptor = {
  mediaType: MEDIA_TYPE_OCI_MANIFEST,
  digest: sha256(manifest),
  size: manifest.length,
};
const contents = new Map<string, Bytes>([
  [layer.digest, layerBytes],
  [configDescriptor.digest, config],
  [root.digest, manifest],
]);

/** A store that proves what it gives, as registries and layouts do. */
const source: Source = {
  resolve: () => Promise.resolve(root),
  exists: ({ digest }) => Promise.resolve(contents.has(digest)),
  fetch: (target): Promise<ByteStream> =>
    Promise.resolve(verified(streamFrom(chunks(contents.get(target.digest) ?? config)), target)),
};

const view = () => openLayer(source, layer, known.diffID);

const ways: Readonly<Record<string, () => Promise<Outcome> | Outcome>> = {
  native,
  kernel: kernelAlone,
  async uncompressed() {
    const reader = (await view().uncompressed()).getReader();
    while (!(await reader.read()).done);
    return {};
  },
  async entries() {
    let entries = 0;
    for await (const _ of view().entries()) entries++;
    return { entries };
  },
  async lend() {
    let entries = 0;
    let sum = 0;
    for await (const entry of view().entries()) {
      entries++;
      if (entry.type === "file") await entry.lend((piece) => void (sum += piece.length));
    }
    return { entries };
  },
  async bytes() {
    let entries = 0;
    for await (const entry of view().entries()) {
      entries++;
      if (entry.type === "file") await entry.bytes(1 << 30);
    }
    return { entries };
  },
  async bodies() {
    let entries = 0;
    for await (const entry of view().entries()) {
      entries++;
      if (entry.type !== "file") continue;
      const reader = entry.body.getReader();
      while (!(await reader.read()).done);
    }
    return { entries };
  },
  async validate() {
    const { ok, stats } = await validate(source, "image");
    if (!ok) throw new Error("the image has problems");
    return { entries: stats.entries };
  },
  async extract() {
    await extract(view(), memoryFileSystem(), "/rootfs");
    return {};
  },
};

const names = Object.keys(ways).filter((name) => wanted.length === 0 || wanted.includes(name));
/** Wall and processor time in milliseconds: on a machine with neighbours the second says more. */
const times = Object.fromEntries(
  names.map((name) => [name, { wall: [] as number[], cpu: [] as number[] }]),
);
for (let round = -1; round < Number(roundsText); round++) {
  // Everybody takes every place in the order.
  for (let i = 0; i < names.length; i++) {
    const name = names[(i + round + 1) % names.length] ?? "";
    const started = performance.now();
    const before = process.cpuUsage();
    const outcome = await ways[name]?.() ?? {};
    const wall = performance.now() - started;
    const { user, system } = process.cpuUsage(before);
    for (const [key, value] of Object.entries(outcome)) {
      if (key !== "entries" && value !== known[key as keyof Outcome]) {
        throw new Error(`${name}: wrong ${key}`);
      }
    }
    if (round < 0) continue;
    times[name]?.wall.push(wall);
    times[name]?.cpu.push((user + system) / 1000);
  }
}
console.log(JSON.stringify(times));
