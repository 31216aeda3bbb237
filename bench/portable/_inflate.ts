import * as fflate from "fflate";
import * as pako from "pako";
import { gunzip } from "../../lib/compress/mod.ts";
import { type Kernel, loadKernel } from "../../lib/kernel/mod.ts";
import { type BenchLayer, chunks, type Entrant, entrant, lengthOf, streamOf } from "./_bench.ts";
import { zlib } from "./_host.ts";

/** Bytes in and bytes out of node:zlib: what is fast differs from runtime to runtime. */
const ZLIB_SIZES = {
  "64 KiB": [1 << 16, 1 << 16],
  "256 KiB": [1 << 16, 1 << 18],
  "1 MiB": [1 << 18, 1 << 20],
} as const;

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

function zlibInflate(
  { createGunzip }: NonNullable<typeof zlib>,
  input: Uint8Array,
  size: number,
  chunkSize: number,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const stream = createGunzip({ chunkSize });
    const source = chunks(input, size);
    let length = 0;
    stream.on("data", (chunk: Uint8Array) => length += chunk.length);
    stream.on("end", () => resolve(length));
    stream.on("error", reject);
    const write = (): void => {
      for (;;) {
        const { done, value } = source.next();
        if (done === true) return void stream.end();
        if (!stream.write(value)) return void stream.once("drain", write);
      }
    };
    write();
  });
}

function fflateInflate(input: Uint8Array): number {
  let length = 0;
  const stream = new fflate.Gunzip((chunk) => void (length += chunk.length));
  for (const chunk of chunks(input)) stream.push(chunk);
  stream.push(new Uint8Array(0), true);
  return length;
}

function pakoInflate(input: Uint8Array): number {
  let length = 0;
  const stream = new pako.Inflate({ chunkSize: 1 << 18 });
  stream.onData = (chunk) => void (length += chunk.length);
  for (const chunk of chunks(input)) stream.push(chunk, false);
  return length;
}

/** Inflates a whole layer. */
export function inflate({ bytes, plainSize, name }: BenchLayer): Promise<readonly Entrant[]> {
  const add = (name: string, run: () => number | Promise<number>): Entrant =>
    entrant(name, plainSize, run);
  const host = zlib;
  const zlibs = host === undefined
    ? []
    : Object.entries(ZLIB_SIZES).map(([size, [input, output]]) =>
      add(`node:zlib stream, ${size}`, () => zlibInflate(host, bytes, input, output))
    );
  const entrants = [
    add("kernel", () => kernelInflate(loadKernel(), bytes)),
    add("kernel, all WebAssembly", () => kernelInflate(loadKernel({ kind: "wasm" }), bytes)),
    add("gunzip()", () => lengthOf(gunzip(streamOf(bytes)))),
    ...zlibs,
    add("DecompressionStream", () => {
      const gzip = new DecompressionStream("gzip");
      return lengthOf(streamOf(bytes).pipeThrough(gzip));
    }),
  ];
  // They take seconds of the larger layer, and nobody is held to them.
  if (name === "npm") {
    entrants.push(add("fflate", () => fflateInflate(bytes)), add("pako", () => pakoInflate(bytes)));
  }
  return Promise.resolve(entrants);
}
