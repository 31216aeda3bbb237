import core from "#wasm";
import { crc32 } from "../../lib/hash/mod.ts";
import { WasmInflater } from "../../lib/kernel/_wasm_inflater.ts";
import { WasmInstances } from "../../lib/kernel/_wasm_instances.ts";
import {
  type DeflaterOptions,
  type InflaterOptions,
  type Kernel,
  loadKernel,
} from "../../lib/kernel/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";

/** A kernel whose CRC-32s of inflated bytes are taken outside. */
function hostedKernel(): Kernel {
  const kernel = loadKernel();
  if (core === undefined) return kernel;
  const instances = new WasmInstances(core);
  const host = { get: () => crc32, checked() {} };
  return { ...kernel, inflater: (options) => new WasmInflater(instances, options, host) };
}

/** All kernels; every vector is for each: all in WebAssembly, in TypeScript, and with the host. */
export const KERNELS: readonly Kernel[] = [
  loadKernel({ kind: "wasm" }),
  loadKernel({ kind: "js" }),
  hostedKernel(),
];

/** How an input is cut: into pieces of a size, or of sizes that a function gives. */
export type Cut = number | (() => number);

/** What inflating came to: the bytes given before the end or the error. */
export interface Inflated {
  readonly bytes: Bytes;
  readonly error: (Error & { readonly offset?: number }) | undefined;
  readonly members: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** Gives numbers from 0 up to 2^32 - 1 that only depend on the seed (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = state + 0x6d2b79f5 | 0;
    let mixed = Math.imul(state ^ state >>> 15, state | 1);
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, mixed | 61) ^ mixed;
    return (mixed ^ mixed >>> 14) >>> 0;
  };
}

export function* pieces(input: Uint8Array, cut: Cut): Generator<Uint8Array> {
  for (let at = 0; at < input.length;) {
    const size = typeof cut === "number" ? cut : cut();
    yield input.subarray(at, at + size);
    at += size;
  }
}

/** Inflates everything, as the consumer of an inflater does. */
export function inflate(
  kernel: Kernel,
  input: Uint8Array,
  options: InflaterOptions & { readonly cut?: Cut } = {},
): Inflated {
  const { cut = input.length, ...rest } = options;
  const inflater = kernel.inflater(rest);
  const chunks: Bytes[] = [];
  let error: Error | undefined;
  function drain(): void {
    for (let view = inflater.read(); view !== undefined; view = inflater.read()) {
      chunks.push(view.slice());
    }
  }
  try {
    for (const piece of pieces(input, cut)) {
      inflater.push(piece);
      drain();
    }
    inflater.end();
    drain();
  } catch (caught) {
    error = caught as Error;
  }
  const { members, bytesIn, bytesOut } = inflater;
  inflater.close();
  const bytes = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return { bytes, error, members, bytesIn, bytesOut };
}

/** Deflates everything, as the consumer of a deflater does. */
export function deflate(
  kernel: Kernel,
  input: Uint8Array,
  options: DeflaterOptions & { readonly cut?: Cut } = {},
): Bytes {
  const { cut = Math.max(input.length, 1), ...rest } = options;
  const deflater = kernel.deflater(rest);
  const chunks: Bytes[] = [];
  function drain(): void {
    for (let view = deflater.read(); view !== undefined; view = deflater.read()) {
      chunks.push(view.slice());
    }
  }
  for (const piece of pieces(input, cut)) {
    deflater.push(piece);
    drain();
  }
  deflater.end();
  drain();
  deflater.close();
  return join(...chunks);
}

/** Joins byte arrays. */
export function join(...parts: readonly Uint8Array[]): Bytes {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
