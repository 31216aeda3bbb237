import { afterDigest } from "../hash/after_digest.ts";
import {
  decodeHashState,
  encodeHashState,
  type HashAlgorithm,
  type ResumableHasher,
} from "../hash/mod.ts";
import type { Bytes } from "../model/bytes.ts";
import { bytesAt, forEachPiece, type KernelExports } from "./_exports.ts";
import { BLOCK_AT, COUNT_AT, STATE_BYTES, WORDS_AT } from "./_hash_state.ts";
import { LaneMessage, type Sha256Lanes } from "./_sha256_lanes.ts";
import type { WasmInstances } from "./_wasm_instances.ts";

const SIZES = {
  sha256: { block: 64, digest: 32 },
  sha512: { block: 128, digest: 64 },
} as const;

/**
 * A hash that the kernel computes. Its state is kept here, so that any instance can go on. Bytes for
 * SHA-256 wait for those of other messages where there are some.
 */
export class WasmHasher implements ResumableHasher {
  readonly algorithm: HashAlgorithm;
  readonly #instances: WasmInstances;
  readonly #lanes: Sha256Lanes;
  readonly #state: Bytes = new Uint8Array(STATE_BYTES);
  readonly #message: LaneMessage = new LaneMessage(this.#state);
  #isInCompany = false;
  #isDone = false;

  constructor(
    instances: WasmInstances,
    lanes: Sha256Lanes,
    algorithm: HashAlgorithm,
    state?: Uint8Array,
  ) {
    this.algorithm = algorithm;
    this.#instances = instances;
    this.#lanes = lanes;
    if (state === undefined) {
      this.#call((kernel, at) =>
        algorithm === "sha256" ? kernel.sha256Start(at) : kernel.sha512Start(at)
      );
    } else {
      this.#import(state);
    }
  }

  update(chunk: Uint8Array): void {
    this.#assertOpen();
    if (this.algorithm === "sha256") this.#hashInCompany(chunk);
    else this.#hash(chunk);
  }

  digest(): Bytes {
    this.#assertOpen();
    this.#isDone = true;
    this.#leaveCompany();
    this.#call((kernel, at) =>
      this.algorithm === "sha256" ? kernel.sha256Finish(at) : kernel.sha512Finish(at)
    );
    return this.#state.slice(WORDS_AT, WORDS_AT + SIZES[this.algorithm].digest);
  }

  exportState(): Bytes {
    this.#assertOpen();
    // Whoever has the state may go on without this hasher.
    this.#leaveCompany();
    const view = new DataView(this.#state.buffer);
    const byteCount = Number(view.getBigUint64(COUNT_AT, true));
    const words = new Int32Array(SIZES[this.algorithm].digest / 4);
    for (let index = 0; index < words.length; index++) {
      words[index] = view.getInt32(WORDS_AT + 4 * this.#wordAt(index), true);
    }
    const pending = this.#state.slice(BLOCK_AT, BLOCK_AT + byteCount % this.#blockBytes);
    return encodeHashState({ algorithm: this.algorithm, byteCount, words, pending });
  }

  /** Lets a chunk wait for others where there are some, or else hashes it at once. */
  #hashInCompany(chunk: Uint8Array): void {
    if (!this.#isInCompany) this.#lanes.begin();
    this.#isInCompany = true;
    if (!this.#lanes.hasCompany) {
      this.#lanes.settle(this.#message);
      return this.#hash(chunk);
    }
    // Whole blocks wait: the one at work is filled first.
    const first = this.#message.pages.length > 0 ? 0 : this.#missingBytes;
    if (first > 0) this.#hash(chunk.subarray(0, first));
    this.#lanes.add(this.#message, chunk.subarray(first));
  }

  #leaveCompany(): void {
    try {
      this.#lanes.settle(this.#message);
    } finally {
      if (this.#isInCompany) this.#lanes.end();
      this.#isInCompany = false;
    }
  }

  #hash(chunk: Uint8Array): void {
    this.#call((kernel, at) => {
      const isSHA256 = this.algorithm === "sha256";
      forEachPiece(kernel, chunk, (address, bytes) => {
        if (isSHA256) kernel.sha256Update(at, address, bytes);
        else kernel.sha512Update(at, address, bytes);
      });
    });
  }

  #import(state: Uint8Array): void {
    const { algorithm, byteCount, words, pending } = decodeHashState(state);
    if (algorithm !== this.algorithm) {
      throw new TypeError(`Cannot resume ${this.algorithm}: the state is of ${algorithm}`);
    }
    const view = new DataView(this.#state.buffer);
    view.setBigUint64(COUNT_AT, BigInt(byteCount), true);
    words.forEach((word, index) => view.setInt32(WORDS_AT + 4 * this.#wordAt(index), word, true));
    this.#state.set(pending, BLOCK_AT);
  }

  get #blockBytes(): number {
    return SIZES[this.algorithm].block;
  }

  /** Bytes that the open block lacks, 0 when none is open. */
  get #missingBytes(): number {
    const open = new DataView(this.#state.buffer).getUint32(COUNT_AT, true) % this.#blockBytes;
    return open === 0 ? 0 : this.#blockBytes - open;
  }

  /** Where the kernel has word `index`: it keeps 64-bit words low half first. */
  #wordAt(index: number): number {
    return this.algorithm === "sha256" ? index : index ^ 1;
  }

  /** Puts the state into the kernel's memory, runs it, and takes the state out again. */
  #call(run: (kernel: KernelExports, address: number) => void): void {
    this.#instances.use((kernel) => {
      const address = kernel.HASH_STATE.value as number;
      bytesAt(kernel, address, STATE_BYTES).set(this.#state);
      run(kernel, address);
      this.#state.set(bytesAt(kernel, address, STATE_BYTES));
    });
  }

  #assertOpen(): void {
    if (this.#isDone) afterDigest(this.algorithm);
  }
}
