import { createResumableHasher, offerHasher } from "../hash/create_hasher.ts";
import type { HasherFactory, StreamHasherFactory } from "../hash/hasher.ts";
import { createStreamHasher, hasHostStreamHasher } from "../hash/stream_hasher.ts";
import { type Kernel, loadKernel } from "../kernel/mod.ts";

/**
 * Who does the work when a layer is read. All give the same results and refuse the same input:
 *
 * - `host`, the default: the host computes digests where it has a digest that takes pieces (Node,
 *   Deno, Bun, workerd), and those of short contents everywhere, and checksums where it can do so at
 *   once; the kernel does the rest;
 * - `wasm`: the kernel does all of it; in plain TypeScript where there is no WebAssembly;
 * - `js`: plain TypeScript does all of it.
 */
export type KernelChoice = "host" | "wasm" | "js";

/** The stages that can be done by one or another. */
export interface Stages {
  /** Inflates, with the checks of gzip. */
  readonly kernel: Kernel;
  /** Makes hashers. */
  readonly hasher: StreamHasherFactory;
}

// Whoever reads layers has the kernel: what is fetched is proved by it, too.
offerHasher((algorithm) => loadKernel().hasher(algorithm));

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
  const host: StreamHasherFactory = (algorithm) => createStreamHasher(algorithm, own);
  return { kernel, hasher: choice === "wasm" ? own : host };
}

/** The kernel hashes four messages at once. */
const LAYERS_IN_COMPANY = 4;

/**
 * Tells how many layers are best read at the same time in one thread: where the kernel hashes, it
 * takes less time for the messages of several.
 *
 * @param choice Who does the work.
 * @returns 1, or 4.
 */
export function layersAtOnce(choice: KernelChoice = "host"): number {
  if (choice === "js" || choice === "host" && hasHostStreamHasher()) return 1;
  return loadKernel().kind === "wasm" ? LAYERS_IN_COMPANY : 1;
}
