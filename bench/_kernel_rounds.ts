// What bench/kernel.ts runs in each runtime: script, then one .tar.gz after another.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import process from "node:process";
import * as zlib from "node:zlib";
import { gunzip } from "../lib/compress/mod.ts";
import { createHasher, sha256Hasher } from "../lib/hash/mod.ts";
import { type DeflateLevel, type Kernel, loadKernel } from "../lib/kernel/mod.ts";
import type { Bytes, ByteStream } from "../lib/model/bytes.ts";
import { compare, type Contender } from "./_rounds.ts";

const ROUNDS = 7;
/** What comes from a network or a disk at a time. */
const CHUNK_BYTES = 65536;
const DEFLATE_SAMPLE_BYTES = 16 << 20;

const auto = loadKernel();
const wasm = loadKernel({ kind: "wasm" });

function* chunks(bytes: Uint8Array, size = CHUNK_BYTES): Generator<Bytes> {
  for (let at = 0; at < bytes.length; at += size) {
    yield bytes.subarray(at, at + size) as Bytes;
  }
}

function streamOf(bytes: Uint8Array): ByteStream {
  const source = chunks(bytes);
  return new ReadableStream({
    pull(controller) {
      const { done, value } = source.next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    },
  }, { highWaterMark: 0 });
}

async function lengthOf(stream: ReadableStream<Uint8Array>): Promise<number> {
  const reader = stream.getReader();
  let length = 0;
  for (let item = await reader.read(); !item.done; item = await reader.read()) {
    length += item.value.length;
  }
  return length;
}

function kernelInflate(kernel: Kernel, input: Uint8Array): number {
  const inflater = kernel.inflater();
  for (const chunk of chunks(input)) {
    inflater.push(chunk);
    while (inflater.read() !== undefined);
  }
  inflater.end();
  while (inflater.read() !== undefined);
  inflater.close();
  return inflater.bytesOut;
}

async function zlibInflate(input: Uint8Array, size: number, chunkSize: number): Promise<number> {
  const stream = zlib.createGunzip({ chunkSize });
  let length = 0;
  stream.on("data", (chunk: Uint8Array) => length += chunk.length);
  const ended = once(stream, "end");
  for (const chunk of chunks(input, size)) {
    if (!stream.write(chunk)) await once(stream, "drain");
  }
  stream.end();
  await ended;
  return length;
}

function kernelDeflate(content: Uint8Array, level: DeflateLevel): number {
  const deflater = wasm.deflater({ level, format: "deflate-raw" });
  for (const chunk of chunks(content)) {
    deflater.push(chunk);
    while (deflater.read() !== undefined);
  }
  deflater.end();
  while (deflater.read() !== undefined);
  deflater.close();
  return deflater.bytesOut;
}

/** Runs that must all come to the same number. */
function contender(name: string, expected: number, run: () => number | Promise<number>): Contender {
  return {
    name,
    async run() {
      const result = await run();
      if (result !== expected) throw new Error(`${name} gave ${result}, not ${expected}`);
    },
  };
}

async function inflateRounds(name: string, input: Uint8Array): Promise<void> {
  const length = zlib.gunzipSync(input).length;
  await compare(
    `inflate ${name}, ${(length / 1e6).toFixed(0)} MB; times of the peer's time`,
    contender("node:zlib stream, 1 MiB", length, () => zlibInflate(input, 1 << 18, 1 << 20)),
    [
      contender("node:zlib stream, 64 KiB", length, () => zlibInflate(input, 65536, 65536)),
      contender("DecompressionStream", length, () => {
        const gzip = new DecompressionStream("gzip");
        return lengthOf(streamOf(input).pipeThrough(gzip));
      }),
      contender("kernel", length, () => kernelInflate(auto, input)),
      contender("kernel, all WebAssembly", length, () => kernelInflate(wasm, input)),
      contender("gunzip()", length, () => lengthOf(gunzip(streamOf(input)))),
    ],
    ROUNDS,
  );
}

async function deflateRounds(name: string, content: Uint8Array): Promise<void> {
  const options = { level: 6, chunkSize: 1 << 20 };
  const peer = zlib.deflateRawSync(content, options).length;
  const sizes = ([1, 6, 9] as const).map((level) =>
    [level, kernelDeflate(content, level)] as const
  );
  await compare(
    `deflate ${name}, ${(content.length / 1e6).toFixed(0)} MB; times of the peer's time`,
    contender("zlib 6", peer, () => zlib.deflateRawSync(content, options).length),
    sizes.map(([level, size]) => {
      const percent = (size / peer - 1) * 100;
      const more = `${percent < 0 ? "" : "+"}${percent.toFixed(1)} %`;
      return contender(`level ${level}, size ${more}`, size, () => kernelDeflate(content, level));
    }),
    ROUNDS,
  );
}

async function checksumRounds(content: Uint8Array): Promise<void> {
  const all = [...chunks(content)];
  for (const algorithm of ["sha256", "sha512"] as const) {
    const digest = createHash(algorithm).update(content).digest().readUInt32BE();
    const over = (hasher: { update(chunk: Bytes): void; digest(): Bytes }) => (): number => {
      for (const chunk of all) hasher.update(chunk);
      return new DataView(hasher.digest().buffer).getUint32(0);
    };
    const contenders = [
      contender("kernel", digest, () => over(wasm.hasher(algorithm))()),
      contender("createHasher()", digest, () => over(createHasher(algorithm))()),
    ];
    if (algorithm === "sha256") {
      contenders.push(contender("plain TypeScript", digest, () => over(sha256Hasher())()));
    }
    const host = contender("node:crypto", digest, () => {
      const hash = createHash(algorithm);
      for (const chunk of all) hash.update(chunk);
      return hash.digest().readUInt32BE();
    });
    const title = `${algorithm} of ${
      (content.length / 1e6).toFixed(0)
    } MB; times of the peer's time`;
    await compare(title, host, contenders, ROUNDS);
  }
  const { crc32 } = zlib;
  if (crc32 === undefined) return;
  const crc = crc32(content);
  const over = (continued: (chunk: Bytes, seed: number) => number): number =>
    all.reduce((seed, chunk) => continued(chunk, seed), 0);
  const title = `crc32 of ${(content.length / 1e6).toFixed(0)} MB; times of the peer's time`;
  const kernel = contender("kernel", crc, () => over((chunk, seed) => wasm.crc32(chunk, seed)));
  await compare(title, contender("node:zlib", crc, () => over(crc32)), [kernel], ROUNDS);
}

for (const path of process.argv.slice(2)) {
  const input = new Uint8Array(readFileSync(path));
  const name = basename(path).split(".", 1)[0] ?? path;
  await inflateRounds(name, input);
  const content = zlib.gunzipSync(input).subarray(0, DEFLATE_SAMPLE_BYTES);
  await deflateRounds(name, content);
  if (path === process.argv[2]) await checksumRounds(content);
}
