import { LadingError } from "../model/errors.ts";
import { instantiate, isBroken, type KernelExports } from "./_exports.ts";

/** Instances kept for the next stream, 448 KiB each: enough for the layers pulled at a time. */
const MAX_IDLE = 4;

/**
 * The instances of one compiled kernel: one for calls that end before the next one begins, and one
 * for each stream that is being inflated or deflated.
 */
export class WasmInstances {
  readonly #module: WebAssembly.Module;
  readonly #idle: KernelExports[] = [];
  #shared: KernelExports | undefined;

  constructor(module: WebAssembly.Module) {
    this.#module = module;
    this.#idle.push(instantiate(module));
  }

  /** Gives an instance to one stream. */
  take(): KernelExports {
    return this.#idle.pop() ?? instantiate(this.#module);
  }

  /** Takes an instance back. One that has trapped is not given back but dropped. */
  give(kernel: KernelExports): void {
    if (this.#idle.length < MAX_IDLE && !isBroken(kernel)) this.#idle.push(kernel);
  }

  /** Calls a function with the shared instance; an instance that traps is dropped. */
  use<Result>(call: (kernel: KernelExports) => Result): Result {
    const kernel = this.#shared ??= this.take();
    try {
      return call(kernel);
    } catch (error) {
      this.#shared = undefined;
      throw new LadingError("KERNEL_FAILED", "Cannot compute: the kernel failed", { cause: error });
    }
  }
}
