import core from "#wasm";
import { jsKernel } from "./js_kernel.ts";
import type { Kernel } from "./kernel.ts";
import { wasmKernel } from "./wasm_kernel.ts";

/** Options of {@linkcode loadKernel}. */
export interface LoadKernelOptions {
  /**
   * Which kernel: `js` for plain TypeScript, `wasm` for WebAssembly where the host allows it, `auto`
   * (the default) for the same with the host's own CRC-32 where that is faster.
   */
  readonly kind?: "wasm" | "js" | "auto" | undefined;
  /** A compiled `wasm/kernel.wasm`, for hosts that compile modules in a way of their own. */
  readonly module?: WebAssembly.Module | undefined;
}

let plain: Kernel | undefined;
/** The kernels of each module, all in WebAssembly and with what the host does better. */
const compiled = { wasm: new WeakMap<object, Kernel>(), auto: new WeakMap<object, Kernel>() };

/**
 * Gives the kernel, the same one for every call with the same options. A host without WebAssembly,
 * or one that forbids to compile it, gets the plain kernel; `kind` of the result tells which.
 *
 * @param options Which kernel.
 * @returns The kernel.
 * @throws {TypeError} when `options.module` is not lading's kernel.
 *
 * @example
 * ```ts
 * import { loadKernel } from "@lading/lading/compress";
 *
 * const kernel = loadKernel();
 * console.log(kernel.crc32(new TextEncoder().encode("123456789")).toString(16)); // cbf43926
 * ```
 */
export function loadKernel(options: LoadKernelOptions = {}): Kernel {
  const { kind = "auto", module } = options;
  if (kind === "js") return plainKernel();
  if (module !== undefined) return fromModule(module, kind);
  if (core === undefined) return plainKernel();
  try {
    return fromModule(core, kind);
  } catch {
    // Hosts may compile a module and refuse to run it.
    compiled[kind].set(core, plainKernel());
    return plainKernel();
  }
}

function plainKernel(): Kernel {
  return plain ??= jsKernel();
}

function fromModule(module: WebAssembly.Module, kind: "wasm" | "auto"): Kernel {
  let kernel = compiled[kind].get(module);
  if (kernel === undefined) {
    kernel = wasmKernel(module, { host: kind === "auto" });
    compiled[kind].set(module, kernel);
  }
  return kernel;
}
