// Compresses into one Zstandard frame (RFC 8878), block by block. A block is parsed when it is full
// and something follows it or nothing does any more: so the bytes do not depend on how the input
// is cut.
import type { Bytes } from "../model/bytes.ts";
import { BitWriter } from "./_backward_bits.ts";
import type { Codec } from "./_codec_stream.ts";
import { XXHash64 } from "./_xxhash64.ts";
import { LiteralsWriter } from "./_zstd_literals.ts";
import { type MatchEffort, ZstdMatchFinder } from "./_zstd_match_finder.ts";
import { SequencesWriter } from "./_zstd_sequences.ts";

const MAGIC = 0xfd2fb528;
// RFC 8878 §3.1.1.2.4: no block is longer.
const MAX_BLOCK_BYTES = 131072;
const BLOCK_HEADER_BYTES = 3;
const RAW = 0;
const RLE = 1;
const COMPRESSED = 2;
const HAS_CHECKSUM = 4;
const IS_SINGLE_SEGMENT = 0x20;
const MIN_WINDOW_LOG = 10;
/** Room for a block that grows: its tables, headers and the ends of its streams. */
const GROWTH_BYTES = 65536;

const NO_BYTES: Bytes = new Uint8Array(0);

/** Writes one frame. */
export class ZstdEncoder implements Codec {
  /** Without it, blocks are stored. */
  readonly #effort: MatchEffort | undefined;
  readonly #block: Bytes = new Uint8Array(MAX_BLOCK_BYTES);
  readonly #hasher = new XXHash64();
  readonly #literals = new LiteralsWriter();
  readonly #bits = new BitWriter(BLOCK_HEADER_BYTES + 2 * MAX_BLOCK_BYTES + GROWTH_BYTES);
  #finder: ZstdMatchFinder | undefined;
  #sequences: SequencesWriter | undefined;
  #chunk: Bytes = NO_BYTES;
  #filled = 0;
  #state: "header" | "blocks" | "done" = "header";
  #isEnded = false;

  constructor(effort: MatchEffort | undefined) {
    this.#effort = effort;
  }

  push(chunk: Bytes): void {
    this.#chunk = chunk;
  }

  end(): void {
    this.#isEnded = true;
  }

  close(): void {
    this.#chunk = NO_BYTES;
    this.#finder = undefined;
    this.#sequences = undefined;
  }

  read(): Bytes | undefined {
    if (this.#state === "done") return undefined;
    const taken = Math.min(this.#chunk.length, MAX_BLOCK_BYTES - this.#filled);
    this.#block.set(this.#chunk.subarray(0, taken), this.#filled);
    this.#chunk = this.#chunk.subarray(taken);
    this.#filled += taken;
    if (this.#chunk.length === 0 && !this.#isEnded) {
      this.#chunk = NO_BYTES;
      return undefined;
    }
    return this.#encode(this.#block.subarray(0, this.#filled), this.#chunk.length === 0);
  }

  #encode(block: Bytes, isLast: boolean): Bytes {
    const bits = this.#bits;
    bits.clear();
    if (this.#state === "header") this.#start(isLast);
    this.#state = isLast ? "done" : "blocks";
    this.#hasher.update(block);
    this.#writeBlock(block, isLast);
    if (isLast) putUint32(this.#hasher.digestLow(), bits);
    this.#filled = 0;
    return bits.bytes.subarray(0, bits.length);
  }

  /** Writes the frame header, RFC 8878 §3.1.1.1. The length is known of what is one block. */
  #start(isOneBlock: boolean): void {
    const bits = this.#bits;
    const length = this.#filled;
    putUint32(MAGIC, bits);
    const lengthLog = Math.max(32 - Math.clz32(length), MIN_WINDOW_LOG);
    const effort = this.#effort ?? { windowLog: 17 };
    if (!isOneBlock) {
      bits.put(HAS_CHECKSUM, 8);
      bits.put(effort.windowLog - MIN_WINDOW_LOG << 3, 8);
    } else {
      const width = length < 256 ? 0 : length < 65536 + 256 ? 1 : 2;
      bits.put(width << 6 | IS_SINGLE_SEGMENT | HAS_CHECKSUM, 8);
      if (width === 0) bits.put(length, 8);
      else if (width === 1) bits.put(length - 256, 16);
      else putUint32(length, bits);
    }
    if (this.#effort === undefined) return;
    const fitting = isOneBlock
      ? {
        ...this.#effort,
        windowLog: Math.min(this.#effort.windowLog, lengthLog),
        hashLog: Math.min(this.#effort.hashLog, lengthLog),
      }
      : this.#effort;
    const blockBytes = isOneBlock ? length : MAX_BLOCK_BYTES;
    this.#finder = new ZstdMatchFinder(fitting, blockBytes, isOneBlock);
    this.#sequences = new SequencesWriter(this.#finder.offsets.length);
  }

  #writeBlock(block: Bytes, isLast: boolean): void {
    const bits = this.#bits;
    const start = bits.length;
    this.#finder?.append(block);
    if (isRun(block)) {
      putHeader(RLE, block.length, isLast, bits);
      return bits.put(block[0] as number, 8);
    }
    if (this.#finder !== undefined && this.#sequences !== undefined) {
      this.#finder.parse(block.length);
      bits.length += BLOCK_HEADER_BYTES;
      this.#literals.write(this.#finder.literals.subarray(0, this.#finder.literalCount), bits);
      this.#sequences.write(this.#finder, bits);
      const end = bits.length;
      const size = end - start - BLOCK_HEADER_BYTES;
      bits.length = start;
      if (size < block.length) {
        putHeader(COMPRESSED, size, isLast, bits);
        bits.length = end;
        return this.#sequences.commit();
      }
    }
    putHeader(RAW, block.length, isLast, bits);
    bits.putBytes(block);
  }
}

/** RFC 8878 §3.1.1.2 */
function putHeader(type: number, size: number, isLast: boolean, bits: BitWriter): void {
  bits.put(Number(isLast) | type << 1 | size << 3, 24);
}

function putUint32(value: number, bits: BitWriter): void {
  bits.put(value & 0xffff, 16);
  bits.put(value >>> 16, 16);
}

/** Tells whether all bytes are the same, and there are some. */
function isRun(block: Bytes): boolean {
  const first = block[0];
  return first !== undefined && block.length > 1 && block.every((byte) => byte === first);
}
