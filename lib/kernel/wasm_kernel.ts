import { type DeflateEngines, KernelDeflater } from "./_deflater.ts";
import { forEachPiece } from "./_exports.ts";
import { StoredEngine } from "./_stored_engine.ts";
import { WasmDeflateEngine } from "./_wasm_deflate.ts";
import { WasmHasher } from "./_wasm_hasher.ts";
import { WasmInflater } from "./_wasm_inflater.ts";
import { WasmInstances } from "./_wasm_instances.ts";
import { WasmTarScanner } from "./_wasm_tar.ts";
import type { Kernel } from "./kernel.ts";

/**
 * Makes the kernel of a compiled module. An instance takes 512 KiB, which never grow: there is one
 * for hashes, CRCs and tar scans, and one for each inflater or deflater at work. Up to four are kept for later.
 *
 * @param module The compiled kernel: `wasm/kernel.wasm` of this package.
 * @returns The kernel.
 * @throws {TypeError} when the module is another one.
 */
export function wasmKernel(module: WebAssembly.Module): Kernel {
  const instances = new WasmInstances(module);
  function crc32(chunk: Uint8Array, seed = 0): number {
    return instances.use((kernel) => {
      let crc = seed;
      forEachPiece(kernel, chunk, (address, bytes) => {
        crc = kernel.crc32(crc, address, bytes);
      });
      return crc >>> 0;
    });
  }
  const engines: DeflateEngines = {
    compress: (effort) => new WasmDeflateEngine(instances, effort),
    store: () => new StoredEngine(crc32),
  };
  return {
    kind: "wasm",
    hasher: (algorithm, { state } = {}) => new WasmHasher(instances, algorithm, state),
    crc32,
    inflater: (options) => new WasmInflater(instances, options),
    deflater: (options) => new KernelDeflater(engines, options),
    tarScanner: () => new WasmTarScanner(instances),
  };
}
