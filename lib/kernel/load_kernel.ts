import core from "#wasm";
import { jsKernel } from "./js_kernel.ts";
import type { Kernel } from "./kernel.ts";
import { wasmKernel } from "./wasm_kernel.ts";

/** Options of {@linkcode loadKernel}. */
export interface LoadKernelOptions {
  /**
   * Which kernel: `js` for plain TypeScript, `wasm` or `auto` (the default) for WebAssembly where
   * the host allows it.
   */
  readonly kind?: "wasm" | "js" | "auto" | undefined;
  /** A compiled `wasm/kernel.wasm`, for hosts that compile modules in a way of their own. */
  readonly module?: WebAssembly.Module | undefined;
}

let embedded: Kernel | undefined;
let plain: Kernel | undefined;
const given = new WeakMap<WebAssembly.Module, Kernel>();

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
 * import { loadKernel } from "./mod.ts";
 *
 * const kernel = loadKernel();
 * console.log(kernel.crc32(new TextEncoder().encode("123456789")).toString(16)); // cbf43926
 * ```
 */
export function loadKernel(options: LoadKernelOptions = {}): Kernel {
  const { kind = "auto", module } = options;
  if (kind === "js") return plain ??= jsKernel();
  if (module !== undefined) return fromModule(module);
  return embedded ??= fromEmbedded() ?? (plain ??= jsKernel());
}

function fromModule(module: WebAssembly.Module): Kernel {
  let kernel = given.get(module);
  if (kernel === undefined) {
    kernel = wasmKernel(module);
    given.set(module, kernel);
  }
  return kernel;
}

function fromEmbedded(): Kernel | undefined {
  if (core === undefined) return undefined;
  try {
    return wasmKernel(core);
  } catch {
    // Hosts may compile a module and refuse to run it.
    return undefined;
  }
}
