// Archives with a layer of 1 GiB are written and read in the memory that lading promises.
import { createReadStream } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { Readable } from "node:stream";
import { test } from "node:test";
import assert from "node:assert/strict";
import { iterate } from "../../lib/bytes/mod.ts";
import { createHasher, digestBytes } from "../../lib/hash/mod.ts";
import { type Bytes, type ByteStream, type Descriptor, formatDigest } from "../../lib/model/mod.ts";
import { copy } from "../../lib/ops/copy.ts";
import { nodeFileSystem } from "../../lib/runtime/node_file_system.ts";
import {
  dockerArchive,
  memoryStore,
  ociArchive,
  ociArchiveTarget,
  writeOCIArchive,
} from "../../lib/store/mod.ts";
import type { Source, Target } from "../../lib/model/content.ts";
import { processMemory } from "../support/process_memory.ts";
import { inScratch } from "../support/program.ts";

const LAYER_BYTES = 1024 ** 3;
/** What is held is some chunks; the rest is chunks that were let go of, and not collected yet. */
const ALLOWED_MIB = 192;
const PIECE: Bytes = new Uint8Array(1024 ** 2).map((_, i) => i * i >> 5);
// Before anything else: making content takes memory too.
const IDLE_MIB = most();

function layerStream(): ByteStream {
  let left = LAYER_BYTES;
  return new ReadableStream<Bytes>({
    pull(controller) {
      controller.enqueue(PIECE);
      left -= PIECE.byteLength;
      if (left === 0) controller.close();
    },
  }, { highWaterMark: 0 });
}

/** The most that this process has had, in MiB; getrusage() counts the one that started it, too. */
function most(): number {
  return processMemory(process.pid).most;
}

/** A source with an image whose layer is made when it is read. */
async function largeSource(): Promise<Source> {
  const hasher = createHasher("sha256");
  for await (const chunk of iterate(layerStream())) hasher.update(chunk);
  const digest = formatDigest("sha256", hasher.digest());
  const layer = {
    mediaType: "application/vnd.oci.image.layer.v1.tar",
    digest,
    size: LAYER_BYTES,
  };
  const store = memoryStore();
  const put = async (mediaType: string, value: object): Promise<Descriptor> => {
    const bytes = new TextEncoder().encode(JSON.stringify(value));
    const descriptor = { mediaType, digest: digestBytes("sha256", bytes), size: bytes.length };
    await store.push(descriptor, bytes);
    return descriptor;
  };
  const config = await put("application/vnd.oci.image.config.v1+json", {
    architecture: "amd64",
    os: "linux",
    rootfs: { type: "layers", diff_ids: [digest] },
  });
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const manifest = await put(mediaType, { schemaVersion: 2, mediaType, config, layers: [layer] });
  await store.tag(manifest, "large:1");
  return {
    resolve: (reference) => store.resolve(reference),
    exists: async (target) => target.digest === digest || await store.exists(target),
    fetch: async (target, options) =>
      target.digest === digest ? layerStream() : await store.fetch(target, options),
  };
}

/** A target that proves nothing and keeps nothing but small content. */
function sink(): Target {
  const store = memoryStore();
  return {
    ...store,
    exists: () => Promise.resolve(false),
    fetch: (target, options) => store.fetch(target, options),
    resolve: (reference) => store.resolve(reference),
    tag: (target, reference) => store.tag(target, reference),
    async push(expected, content) {
      if (expected.size < PIECE.byteLength || content instanceof Uint8Array) {
        return await store.push(expected, content);
      }
      const stream = typeof content === "function" ? await content() : content;
      for await (const _ of iterate(stream));
    },
  };
}

test(`archives with a layer of 1 GiB take less than ${ALLOWED_MIB} MiB`, async () => {
  const source = await largeSource();
  const fs = nodeFileSystem();
  const figures: string[] = [];
  const note = (what: string) => figures.push(`${what} +${Math.round(most() - IDLE_MIB)} MiB`);
  await inScratch(async (folder) => {
    const path = join(folder, "large.tar");
    const target = ociArchiveTarget(fs, path, { isDurable: false });
    await copy(source, "large:1", target);
    await target.close();
    note("target");
    const root = { descriptor: await source.resolve("large:1"), reference: "large:1" };
    for await (const _ of iterate(writeOCIArchive(source, [root])));
    note("stream");
    const streamed = ociArchive(Readable.toWeb(createReadStream(path)) as ByteStream, {
      maxMemoryBytes: 1024 ** 2,
    });
    await copy(streamed, "large:1", sink());
    await streamed.close();
    note("read forward");
    const temporary = { fileSystem: fs, directory: folder };
    const docker = dockerArchive(Readable.toWeb(createReadStream(path)) as ByteStream, {
      temporary,
    });
    await copy(docker, "large:1", sink());
    await docker.close();
    note("put aside");
  });
  console.log(figures.join(", "));
  assert.ok(most() - IDLE_MIB < ALLOWED_MIB, figures.join(", "));
});
