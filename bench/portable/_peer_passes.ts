import { sha256 } from "@noble/hashes/sha2.js";
import { Gunzip } from "fflate";
import { createSHA256 } from "hash-wasm";
import { createTarDecoder } from "modern-tar";
import { encodeHex } from "../../lib/model/hex.ts";
import { type BenchLayer, chunks, type Entrant, entrant, lengthOf, streamOf } from "./_bench.ts";
import {
  type AsyncHasher,
  crypto,
  cryptoHasher,
  digestStreamHasher,
  stream,
  tarStream,
  zlib,
} from "./_host.ts";

/** What node:zlib is fastest with. */
const ZLIB_INPUT_BYTES = 256 * 1024;
const ZLIB_OUTPUT_BYTES = 1024 * 1024;

async function digestsOf(...hashers: readonly AsyncHasher[]): Promise<string> {
  const digests = await Promise.all(hashers.map((hasher) => hasher.digest()));
  return digests.map((digest) => `sha256:${encodeHex(digest)}`).join();
}

/** node:zlib in large chunks, node:crypto and tar-stream: the stack that well-tuned programs have. */
function nativePass({ bytes }: BenchLayer): Promise<string> {
  if (crypto === undefined || stream === undefined || zlib === undefined || !tarStream) {
    throw new Error("there is no native stack");
  }
  const stored = crypto.createHash("sha256");
  const plain = crypto.createHash("sha256");
  const gunzip = zlib.createGunzip({ chunkSize: ZLIB_OUTPUT_BYTES });
  const archive = tarStream.extract();
  let sum = 0;
  archive.on("entry", (_, body, next) => {
    body.on("data", (chunk) => sum += chunk.length);
    body.on("end", next);
  });
  const source = stream.Readable.from(
    (function* () {
      for (const chunk of chunks(bytes, ZLIB_INPUT_BYTES)) {
        stored.update(chunk);
        yield chunk;
      }
    })(),
    { objectMode: false, highWaterMark: ZLIB_INPUT_BYTES },
  );
  return new Promise((resolve, reject) => {
    gunzip.on("data", (chunk: Uint8Array) => {
      plain.update(chunk);
      if (archive.write(chunk)) return;
      gunzip.pause();
      archive.once("drain", () => gunzip.resume());
    });
    gunzip.on("end", () => archive.end());
    gunzip.on("error", reject);
    archive.on("error", reject);
    archive.on(
      "finish",
      () => resolve([stored, plain].map((hash) => `sha256:${hash.digest("hex")}`).join()),
    );
    source.pipe(gunzip);
  });
}

async function readWithModernTar(archive: ReadableStream<Uint8Array>): Promise<void> {
  const reader = archive.pipeThrough(createTarDecoder()).getReader();
  for (let item = await reader.read(); !item.done; item = await reader.read()) {
    await lengthOf(item.value.body);
  }
}

/** Inflates with DecompressionStream, and hashes on both sides of it. */
function decompressed(
  { bytes }: BenchLayer,
  stored: AsyncHasher,
  plain: AsyncHasher,
): ReadableStream<Uint8Array> {
  return streamOf(bytes, (chunk) => stored.update(chunk))
    .pipeThrough(new DecompressionStream("gzip"))
    .pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        async transform(chunk, controller) {
          await plain.update(chunk);
          controller.enqueue(chunk);
        },
      }),
    );
}

/** DecompressionStream and a digest of the host, without looking into the archive. */
async function digestStreamPass(
  { bytes }: BenchLayer,
  hasher: () => AsyncHasher,
): Promise<string> {
  const [stored, plain] = [hasher(), hasher()];
  const reader = streamOf(bytes, (chunk) => stored.update(chunk))
    .pipeThrough(new DecompressionStream("gzip")).getReader();
  for (let item = await reader.read(); !item.done; item = await reader.read()) {
    await plain.update(item.value);
  }
  return await digestsOf(stored, plain);
}

/** hash-wasm, for browsers: their own digest takes everything at once. */
async function wasmHasher(): Promise<AsyncHasher> {
  const hash = await createSHA256();
  hash.init();
  return {
    update: (chunk) => void hash.update(chunk),
    digest: () => Promise.resolve(hash.digest("binary")),
  };
}

/** Packages that are all JavaScript. */
async function fflatePass({ bytes }: BenchLayer): Promise<string> {
  const [stored, plain] = [sha256.create(), sha256.create()];
  const source = chunks(bytes);
  const inflated: Uint8Array[] = [];
  const gunzip = new Gunzip((chunk) => void inflated.push(chunk));
  let isEnded = false;
  const archive = new ReadableStream<Uint8Array>({
    pull(controller) {
      while (inflated.length === 0 && !isEnded) {
        const { done, value } = source.next();
        isEnded = done === true;
        if (value !== undefined) stored.update(value);
        gunzip.push(value ?? new Uint8Array(0), isEnded);
      }
      for (const chunk of inflated.splice(0)) {
        if (chunk.length === 0) continue;
        plain.update(chunk);
        controller.enqueue(chunk);
      }
      if (isEnded) controller.close();
    },
  }, { highWaterMark: 0 });
  await readWithModernTar(archive);
  return [stored, plain].map((hash) => `sha256:${encodeHex(hash.digest())}`).join();
}

/** What others do with a layer: every one gives both digests. */
export function peerPasses(layer: BenchLayer): Entrant[] {
  const digests = `${layer.digest},${layer.diffID}`;
  const add = (name: string, run: () => Promise<string>): Entrant => entrant(name, digests, run);
  const modernTar = async (start: () => AsyncHasher | Promise<AsyncHasher>): Promise<string> => {
    const [stored, plain] = [await start(), await start()];
    await readWithModernTar(decompressed(layer, stored, plain));
    return await digestsOf(stored, plain);
  };
  const passes = [add("fflate + @noble/hashes + modern-tar", () => fflatePass(layer))];
  if (tarStream !== undefined) {
    passes.push(add("node:zlib + node:crypto + tar-stream", () => nativePass(layer)));
  }
  if (digestStreamHasher !== undefined) {
    const hasher = digestStreamHasher;
    passes.push(
      add("DecompressionStream + DigestStream", () => digestStreamPass(layer, hasher)),
      add("DecompressionStream + DigestStream + modern-tar", () => modernTar(hasher)),
    );
  } else if (cryptoHasher !== undefined) {
    const hasher = cryptoHasher;
    passes.push(add("DecompressionStream + node:crypto + modern-tar", () => modernTar(hasher)));
  } else {
    passes.push(add("DecompressionStream + hash-wasm + modern-tar", () => modernTar(wasmHasher)));
  }
  return passes;
}
