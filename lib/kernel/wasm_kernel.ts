import { forEachPiece } from "./_exports.ts";
import { WasmHasher } from "./_wasm_hasher.ts";
import { WasmInflater } from "./_wasm_inflater.ts";
import { WasmInstances } from "./_wasm_instances.ts";
import { WasmTarScanner } from "./_wasm_tar.ts";
import type { Kernel } from "./kernel.ts";

/**
 * Makes the kernel of a compiled module. An instance takes 448 KiB, which never grow: there is one
 * for hashes, CRCs and tar scans, and one for each inflater at work. Up to four are kept for later.
 *
 * @param module The compiled kernel: `wasm/kernel.wasm` of this package.
 * @returns The kernel.
 * @throws {TypeError} when the module is another one.
 */
export function wasmKernel(module: WebAssembly.Module): Kernel {
  const instances = new WasmInstances(module);
  return {
    kind: "wasm",
    hasher: (algorithm, { state } = {}) => new WasmHasher(instances, algorithm, state),
    crc32(chunk, seed = 0) {
      return instances.use((kernel) => {
        let crc = seed;
        forEachPiece(kernel, chunk, (address, bytes) => {
          crc = kernel.crc32(crc, address, bytes);
        });
        return crc >>> 0;
      });
    },
    inflater: (options) => new WasmInflater(instances, options),
    tarScanner: () => new WasmTarScanner(instances),
  };
}
