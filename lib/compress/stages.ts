import { createResumableHasher } from "../hash/create_hasher.ts";
import type { HasherFactory } from "../hash/hasher.ts";
import { hostHasherFactory } from "../hash/host.ts";
import { type Kernel, loadKernel } from "../kernel/mod.ts";

/**
 * Who does the work when a layer is read. All give the same results and refuse the same input:
 *
 * - `host`, the default: the host computes digests, and checksums, where it can do so at once and
 *   on the memory of the kernel (Node, Deno, Bun, workerd with `nodejs_compat`); the kernel does the
 *   rest;
 * - `wasm`: the kernel does all of it; in plain TypeScript where there is no WebAssembly;
 * - `js`: plain TypeScript does all of it.
 */
export type KernelChoice = "host" | "wasm" | "js";

/** The stages that can be done by one or another. */
export interface Stages {
  /** Inflates, with the checks of gzip. */
  readonly kernel: Kernel;
  /** Makes hashers. */
  readonly hasher: HasherFactory;
}

/**
 * Finds who does what.
 *
 * @param choice What is wanted.
 * @param module The compiled kernel, in a thread that has not compiled it itself.
 * @returns The stages. Hosts are probed once.
 */
export function stagesOf(choice: KernelChoice = "host", module?: WebAssembly.Module): Stages {
  if (choice === "js") {
    return { kernel: loadKernel({ kind: "js" }), hasher: createResumableHasher };
  }
  const kernel = loadKernel({ kind: choice === "wasm" ? "wasm" : "auto", module });
  const own: HasherFactory = (algorithm) => kernel.hasher(algorithm);
  return { kernel, hasher: choice === "wasm" ? own : hostHasherFactory() ?? own };
}
