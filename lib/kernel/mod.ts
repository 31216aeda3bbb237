/**
 * The kernel: the hot path of layer processing, in WebAssembly where the host has it and in plain
 * TypeScript elsewhere. Both give the same results and refuse the same input, and what they compress
 * has the same bytes.
 *
 * @example Inflate a gzip file in fixed memory
 * ```ts
 * import { loadKernel } from "./mod.ts";
 *
 * const inflater = loadKernel().inflater();
 * const compressed = Uint8Array.of(31, 139, 8, 0, 0, 0, 0, 0, 0, 255, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0);
 * inflater.push(compressed);
 * while (inflater.read() !== undefined);
 * inflater.end();
 * while (inflater.read() !== undefined);
 * inflater.close();
 * console.log(inflater.members); // 1
 * ```
 *
 * @example Deflate to the same bytes everywhere
 * ```ts
 * import { loadKernel } from "./mod.ts";
 *
 * const deflater = loadKernel().deflater({ level: 9 });
 * deflater.push(new Uint8Array(100_000));
 * while (deflater.read() !== undefined);
 * deflater.end();
 * while (deflater.read() !== undefined);
 * deflater.close();
 * console.log(deflater.bytesOut < 200); // true
 * ```
 *
 * @module
 */
export type { Bytes } from "../model/bytes.ts";
export type { HashAlgorithm, Hasher, ResumableHasher } from "../hash/mod.ts";
export type {
  DeflateLevel,
  Deflater,
  DeflaterOptions,
  InflateBoundary,
  Inflater,
  InflaterOptions,
  Kernel,
  KernelHasherOptions,
} from "./kernel.ts";
export { jsKernel } from "./js_kernel.ts";
export { loadKernel, type LoadKernelOptions } from "./load_kernel.ts";
export { wasmKernel, type WasmKernelOptions } from "./wasm_kernel.ts";
