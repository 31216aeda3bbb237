import type { Bytes } from "../model/bytes.ts";
import { CorruptStreamError } from "../model/errors.ts";
import { bytesAt, INPUT_BYTES, type KernelExports } from "./_exports.ts";
import { inflateError, STATUS } from "./_inflate_status.ts";
import type { Crc32, CrcSource } from "./_host_crc32.ts";
import { checkedResume, HISTORY_BYTES } from "./_resume.ts";
import type { WasmInstances } from "./_wasm_instances.ts";
import type { Inflater, InflaterOptions } from "./kernel.ts";

const NO_BYTES = new Uint8Array(0);

/** Inflates with an instance of its own, which goes back to the others when it is closed. */
export class WasmInflater implements Inflater {
  readonly #instances: WasmInstances;
  readonly #host: CrcSource | undefined;
  readonly #crc32: Crc32 | undefined;
  readonly #onBoundary: InflaterOptions["onBoundary"];
  #kernel: KernelExports | undefined;
  #chunk: Uint8Array = NO_BYTES;
  #isEnded = false;
  /** What every read throws from now on. */
  #failure: { readonly error: unknown } | undefined;
  #bytesIn = 0;
  #bytesOut = 0;
  #members = 0;

  /** @param host Who takes the CRC-32s in place of the kernel. */
  constructor(instances: WasmInstances, options: InflaterOptions = {}, host?: CrcSource) {
    const isRaw = options.format === "deflate-raw";
    const resume = checkedResume(options);
    this.#instances = instances;
    this.#host = isRaw ? undefined : host;
    this.#crc32 = this.#host?.get();
    this.#onBoundary = options.onBoundary;
    const kernel = instances.take();
    this.#kernel = kernel;
    const tellsBoundaries = options.onBoundary !== undefined;
    kernel.inflateStart(
      Number(isRaw),
      Number(this.#crc32 !== undefined),
      Number(tellsBoundaries),
    );
    if (resume === undefined) return;
    const { bit, history } = resume;
    bytesAt(kernel, kernel.inflateOutput() - history.length, history.length).set(history);
    kernel.inflateResume(bit, history.length);
  }

  get bytesIn(): number {
    return this.#bytesIn;
  }

  get bytesOut(): number {
    return this.#bytesOut;
  }

  get members(): number {
    return this.#members;
  }

  push(chunk: Uint8Array): void {
    if (this.#kernel === undefined || this.#isEnded) {
      throw new TypeError("Cannot push to the inflater: it has ended");
    }
    if (this.#chunk.length > 0) {
      throw new TypeError("Cannot push to the inflater: the chunk before was not read to its end");
    }
    this.#chunk = chunk;
  }

  end(): void {
    this.#isEnded = true;
  }

  close(): void {
    const kernel = this.#kernel;
    this.#kernel = undefined;
    this.#failure = undefined;
    this.#chunk = NO_BYTES;
    if (kernel === undefined) return;
    this.#host?.checked(this.#bytesOut);
    this.#instances.give(kernel);
  }

  read(): Bytes | undefined {
    if (this.#failure !== undefined) throw this.#failure.error;
    const kernel = this.#kernel;
    if (kernel === undefined) throw new TypeError("Cannot read from the inflater: it is closed");
    try {
      return this.#read(kernel);
    } catch (error) {
      if (this.#hasFailedWith(error)) throw error;
      // A trap may leave anything behind: the instance is dropped, not given back.
      this.#kernel = undefined;
      const failure = new CorruptStreamError("Cannot inflate: the kernel failed", { cause: error });
      this.#failure = { error: failure };
      throw failure;
    }
  }

  #hasFailedWith(error: unknown): boolean {
    return this.#failure !== undefined && this.#failure.error === error;
  }

  #read(kernel: KernelExports): Bytes | undefined {
    for (;;) {
      const status = kernel.inflateRun();
      const bytes = kernel.inflateOutputBytes();
      this.#bytesIn = kernel.inflatePosition();
      this.#members = kernel.inflateMembers();
      if (status < 0) {
        this.#failure = { error: inflateError(status, kernel.inflateGoodBytes()) };
      }
      if (bytes > 0) {
        this.#bytesOut += bytes;
        const output = bytesAt(kernel, kernel.inflateOutput(), bytes);
        if (this.#crc32 !== undefined) {
          kernel.inflateSetCrc(this.#crc32(output, kernel.inflateCrc() >>> 0));
        }
        if (isBoundary(status)) this.#tellBoundary(kernel, status);
        return output;
      }
      if (isBoundary(status)) {
        this.#tellBoundary(kernel, status);
        continue;
      }
      if (this.#failure !== undefined) throw this.#failure.error;
      if (status === STATUS.ended || !this.#feed(kernel)) return undefined;
    }
  }

  /** Calls `onBoundary` when a run has ended at a boundary. */
  #tellBoundary(kernel: KernelExports, status: number): void {
    const isMember = status === STATUS.memberBoundary;
    // The first byte of a member has been looked at.
    const bitsLeft = isMember ? 8 : kernel.inflateBitsLeft();
    const offset = this.#bytesOut;
    const end = kernel.inflateOutput() + kernel.inflateOutputBytes();
    const historyBytes = Math.min(offset, HISTORY_BYTES);
    const boundary = {
      compressedOffset: this.#bytesIn - (bitsLeft > 0 ? 1 : 0),
      bit: (8 - bitsLeft) % 8,
      offset,
      isMember,
      history: () => bytesAt(kernel, end - historyBytes, historyBytes).slice(),
    };
    try {
      this.#onBoundary?.(boundary);
    } catch (error) {
      this.#failure = { error };
      throw error;
    }
  }

  /** Gives the kernel the next piece of the chunk, or the end; tells whether there was either. */
  #feed(kernel: KernelExports): boolean {
    if (this.#chunk.length === 0) {
      if (this.#isEnded) kernel.inflateEnd();
      return this.#isEnded;
    }
    const piece = this.#chunk.subarray(0, INPUT_BYTES);
    this.#chunk = this.#chunk.subarray(piece.length);
    bytesAt(kernel, kernel.INPUT.value as number, piece.length).set(piece);
    kernel.inflateInput(piece.length);
    return true;
  }
}

function isBoundary(status: number): boolean {
  return status === STATUS.blockBoundary || status === STATUS.memberBoundary;
}
