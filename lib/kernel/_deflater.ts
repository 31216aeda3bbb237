import type { Bytes } from "../model/bytes.ts";
import type { DeflateLevel, Deflater, DeflaterOptions } from "./kernel.ts";

/** How hard an engine looks for matches. */
export interface DeflateEffort {
  /** Strings that are looked at for each position. */
  readonly depth: number;
  /** The length of a match that is good enough not to look for a better one. */
  readonly nice: number;
  /** Whether the next position is looked at before a match is taken. */
  readonly isLazy: boolean;
}

/** Makes a raw deflate stream, block by block. */
export interface DeflateEngine {
  /** Takes as much of a chunk as there is room for, and tells how much; `run` makes room. */
  write(chunk: Uint8Array): number;
  /** Says that there is no more. */
  end(): void;
  /** Gives a block, a view until the next call, or `undefined`: it needs input or is complete. */
  run(): Bytes | undefined;
  /** The CRC-32 of what was written. */
  readonly crc32: number;
  /** Gives back what it holds. */
  close(): void;
}

/**
 * What each level from 1 on does. 6 is some percent smaller than zlib's 6 on root file systems, and
 * up to 1 % larger on JavaScript; what 8 and 9 still find is little. A change here changes digests.
 */
const EFFORTS: readonly DeflateEffort[] = [
  { depth: 2, nice: 16, isLazy: false },
  { depth: 4, nice: 24, isLazy: false },
  { depth: 8, nice: 32, isLazy: false },
  { depth: 8, nice: 32, isLazy: true },
  { depth: 14, nice: 56, isLazy: true },
  { depth: 24, nice: 96, isLazy: true },
  { depth: 64, nice: 192, isLazy: true },
  { depth: 256, nice: 258, isLazy: true },
  { depth: 2048, nice: 258, isLazy: true },
];

const DEFAULT_LEVEL = 6;

// RFC 1952 §2.3: deflate, no flags, no time, no hint, operating system unknown (255): nothing of
// the machine gets into the digest.
const HEADER = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255] as const;
const NO_BYTES = new Uint8Array(0);

/** The engines of a kernel: one that looks for matches, and one that only stores. */
export interface DeflateEngines {
  compress(effort: DeflateEffort): DeflateEngine;
  store(): DeflateEngine;
}

/** Deflates with an engine, and puts header and trailer around it. */
export class KernelDeflater implements Deflater {
  readonly #engine: DeflateEngine;
  readonly #isGzip: boolean;
  #state: "header" | "blocks" | "done";
  #chunk: Uint8Array = NO_BYTES;
  #isEnded = false;
  #isClosed = false;
  #bytesIn = 0;
  #bytesOut = 0;

  /** @throws {RangeError} when the level is none of 0 to 9. */
  constructor(engines: DeflateEngines, options: DeflaterOptions = {}) {
    const level: DeflateLevel = options.level ?? DEFAULT_LEVEL;
    const effort = EFFORTS[level - 1];
    if (effort === undefined && level !== 0) {
      throw new RangeError(`Cannot compress: the level ${level} is none of 0 to 9`);
    }
    this.#engine = effort === undefined ? engines.store() : engines.compress(effort);
    this.#isGzip = options.format !== "deflate-raw";
    this.#state = this.#isGzip ? "header" : "blocks";
  }

  get bytesIn(): number {
    return this.#bytesIn;
  }

  get bytesOut(): number {
    return this.#bytesOut;
  }

  push(chunk: Uint8Array): void {
    if (this.#isClosed || this.#isEnded) {
      throw new TypeError("Cannot push to the deflater: it has ended");
    }
    if (this.#chunk.length > 0) {
      throw new TypeError("Cannot push to the deflater: the chunk before was not read to its end");
    }
    this.#chunk = chunk;
  }

  end(): void {
    this.#isEnded = true;
  }

  read(): Bytes | undefined {
    if (this.#isClosed) throw new TypeError("Cannot read from the deflater: it is closed");
    const bytes = this.#state === "header" ? this.#header() : this.#block();
    this.#bytesOut += bytes?.length ?? 0;
    return bytes;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#chunk = NO_BYTES;
    this.#engine.close();
  }

  #header(): Bytes {
    this.#state = "blocks";
    return Uint8Array.from(HEADER);
  }

  #block(): Bytes | undefined {
    while (this.#state !== "done") {
      const block = this.#engine.run();
      if (block !== undefined) return block;
      if (this.#chunk.length > 0) {
        const taken = this.#engine.write(this.#chunk);
        this.#chunk = this.#chunk.subarray(taken);
        this.#bytesIn += taken;
        continue;
      }
      if (!this.#isEnded) return undefined;
      this.#engine.end();
      const last = this.#engine.run();
      if (last !== undefined) return last;
      this.#state = "done";
      if (this.#isGzip) return this.#trailer();
    }
    return undefined;
  }

  #trailer(): Bytes {
    const view = new DataView(new ArrayBuffer(8));
    view.setUint32(0, this.#engine.crc32, true);
    // RFC 1952 §2.3.1: the length modulo 2^32.
    view.setUint32(4, this.#bytesIn % 2 ** 32, true);
    return new Uint8Array(view.buffer);
  }
}
