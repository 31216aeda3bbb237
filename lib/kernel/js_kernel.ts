import { crc32, sha256Hasher, sha512Hasher } from "../hash/mod.ts";
import { type DeflateEngines, KernelDeflater } from "./_deflater.ts";
import { JSDeflateEngine } from "./_js_deflate.ts";
import { JSInflater } from "./_js_inflate.ts";
import { StoredEngine } from "./_stored_engine.ts";
import type { Kernel } from "./kernel.ts";

const ENGINES: DeflateEngines = {
  compress: (effort) => new JSDeflateEngine(effort),
  store: () => new StoredEngine(crc32),
};

/**
 * Makes the kernel in plain TypeScript, for hosts that have no WebAssembly or forbid to compile
 * it. It gives the same results as the WebAssembly one, more slowly.
 *
 * @returns The kernel.
 */
export function jsKernel(): Kernel {
  return {
    kind: "js",
    hasher(algorithm, { state } = {}) {
      return algorithm === "sha256" ? sha256Hasher(state) : sha512Hasher(state);
    },
    crc32,
    inflater: (options) => new JSInflater(options),
    deflater: (options) => new KernelDeflater(ENGINES, options),
  };
}
