import { type DeflateEngines, KernelDeflater } from "./_deflater.ts";
import { forEachPiece } from "./_exports.ts";
import { HostCrc32 } from "./_host_crc32.ts";
import { Sha256Lanes } from "./_sha256_lanes.ts";
import { StoredEngine } from "./_stored_engine.ts";
import { WasmDeflateEngine } from "./_wasm_deflate.ts";
import { WasmHasher } from "./_wasm_hasher.ts";
import { WasmInflater } from "./_wasm_inflater.ts";
import { WasmInstances } from "./_wasm_instances.ts";
import type { Kernel } from "./kernel.ts";

/** Options of {@linkcode wasmKernel}. */
export interface WasmKernelOptions {
  /**
   * Whether the host takes the CRC-32s of inflated bytes, once there were many and where it is
   * faster, as it uses an instruction that WebAssembly lacks. The results are the same. Default
   * `true`.
   */
  readonly host?: boolean | undefined;
}

/**
 * Makes the kernel of a compiled module. An instance takes 448 KiB: there is one for hashes and
 * CRCs, and one for each inflater or deflater at work. Up to four are kept for later. One more,
 * of 832 KiB, is there while three or more messages are hashed with SHA-256: up to four are hashed
 * side by side where the clock says that it takes less time.
 *
 * @param module The compiled kernel: `wasm/kernel.wasm` of this package.
 * @param options What is left to the host.
 * @returns The kernel.
 * @throws {TypeError} when the module is another one.
 */
export function wasmKernel(module: WebAssembly.Module, options: WasmKernelOptions = {}): Kernel {
  const instances = new WasmInstances(module);
  let lanes: Sha256Lanes | undefined;
  const host = options.host === false ? undefined : new HostCrc32();
  const crc32 = (chunk: Uint8Array, seed: number): number =>
    instances.use((kernel) => {
      let crc = seed;
      forEachPiece(kernel, chunk, (address, bytes) => {
        crc = kernel.crc32(crc, address, bytes);
      });
      return crc >>> 0;
    });
  const engines: DeflateEngines = {
    compress: (effort) => new WasmDeflateEngine(instances, effort),
    store: () => new StoredEngine(crc32),
  };
  return {
    kind: "wasm",
    hasher: (algorithm, { state } = {}) =>
      new WasmHasher(instances, lanes ??= new Sha256Lanes(instances), algorithm, state),
    crc32: (chunk, seed = 0) => crc32(chunk, seed),
    inflater: (options) => new WasmInflater(instances, options, host),
    deflater: (options) => new KernelDeflater(engines, options),
  };
}
