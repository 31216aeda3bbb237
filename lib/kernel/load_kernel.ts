import { jsKernel } from "./js_kernel.ts";
import type { Kernel } from "./kernel.ts";

/** Options of {@linkcode loadKernel}. */
export interface LoadKernelOptions {
  /** Which kernel: WebAssembly, plain TypeScript, or (the default) the first of them that works. */
  readonly kind?: "wasm" | "js" | "auto" | undefined;
}

let shared: Kernel | undefined;

/**
 * Gives the kernel of this process.
 *
 * @param options Which one.
 * @returns The kernel.
 */
export function loadKernel(options: LoadKernelOptions = {}): Kernel {
  void options;
  return shared ??= jsKernel();
}
