import type { Bytes } from "../model/bytes.ts";
import { LadingError } from "../model/errors.ts";
import type { DeflateEffort, DeflateEngine } from "./_deflater.ts";
import { bytesAt, type KernelExports } from "./_exports.ts";
import type { WasmInstances } from "./_wasm_instances.ts";

/** Compresses with an instance of its own, which goes back to the others when it is closed. */
export class WasmDeflateEngine implements DeflateEngine {
  readonly #instances: WasmInstances;
  #kernel: KernelExports | undefined;

  constructor(instances: WasmInstances, { depth, nice, isLazy }: DeflateEffort) {
    this.#instances = instances;
    this.#kernel = instances.take();
    this.#kernel.deflateStart(depth, nice, Number(isLazy));
  }

  get crc32(): number {
    return this.#use((kernel) => kernel.deflateCrc() >>> 0);
  }

  write(chunk: Uint8Array): number {
    return this.#use((kernel) => {
      const piece = chunk.subarray(0, kernel.deflateSpace());
      bytesAt(kernel, kernel.deflateInput(), piece.length).set(piece);
      kernel.deflateWritten(piece.length);
      return piece.length;
    });
  }

  end(): void {
    this.#use((kernel) => kernel.deflateEnd());
  }

  run(): Bytes | undefined {
    return this.#use((kernel) => {
      kernel.deflateRun();
      const bytes = kernel.deflateOutputBytes();
      return bytes === 0 ? undefined : bytesAt(kernel, kernel.deflateOutput(), bytes);
    });
  }

  close(): void {
    if (this.#kernel !== undefined) this.#instances.give(this.#kernel);
    this.#kernel = undefined;
  }

  /** An instance that traps may hold anything: it is dropped, not given back. */
  #use<Result>(call: (kernel: KernelExports) => Result): Result {
    const kernel = this.#kernel;
    try {
      if (kernel !== undefined) return call(kernel);
    } catch (error) {
      this.#kernel = undefined;
      throw new LadingError("KERNEL_FAILED", "Cannot compress: the kernel failed", {
        cause: error,
      });
    }
    throw new LadingError("KERNEL_FAILED", "Cannot compress: the kernel has failed before");
  }
}
