// Decompresses Zstandard (RFC 8878) block by block. Frames and blocks are taken apart here, and
// fzstd gets one whole block at a time: so each output is bounded by 128 KiB, a frame's window is
// known before memory is taken for it, and any number of frames, skippable ones among them, works.
import { Decompress } from "fzstd";
import type { Bytes } from "../model/bytes.ts";
import { CorruptStreamError, LimitExceededError } from "../model/errors.ts";
import type { Codec } from "./_codec_stream.ts";
import { XXHash64 } from "./_xxhash64.ts";

const MAGIC = 0xfd2fb528;
// RFC 8878 §3.1.1.2.4: no block is longer, compressed or not.
const MAX_BLOCK_BYTES = 131072;
const BLOCK_HEADER_BYTES = 3;
const BLOCK_RLE = 1;
const BLOCK_COMPRESSED = 2;
const BLOCK_RESERVED = 3;

/**
 * A frame of fewer blocks gets a window no larger than its content. zstd:chunked has a frame for
 * each file, and the windows that its writers declare are megabytes.
 */
const MAX_HELD_BLOCKS = 4;

const NO_BYTES: Bytes = new Uint8Array(0);

type State = "magic" | "skip-size" | "skip" | "header" | "block" | "content" | "checksum";

interface Frame {
  /** Made when enough blocks are known, so that a short frame takes no large window. */
  decoder: Decompress | undefined;
  /** Blocks that wait for the decoder, and the most bytes that they can give. */
  readonly held: Bytes[];
  heldContent: number;
  readonly windowBytes: number;
  /** The length of the content, where the frame says it. */
  readonly contentBytes: bigint | undefined;
  readonly hasher: XXHash64 | undefined;
  length: number;
}

function corrupt(reason: string, cause?: unknown): CorruptStreamError {
  return new CorruptStreamError(`Cannot decompress zstd: ${reason}`, { cause });
}

/** The length of a frame header, from its descriptor byte (RFC 8878 §3.1.1.1.1). */
function headerLength(descriptor: number): number {
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  return 5 + (isSingleSegment ? 0 : 1) + dictionaryBytes + contentSizeBytes(descriptor);
}

function contentSizeBytes(descriptor: number): number {
  const isSingleSegment = (descriptor & 0x20) !== 0;
  return [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
}

function contentSize(header: Bytes, descriptor: number): bigint | undefined {
  const bytes = contentSizeBytes(descriptor);
  if (bytes === 0) return undefined;
  let size = 0n;
  for (let index = 1; index <= bytes; index++) {
    size = size << 8n | BigInt(header[header.length - index] ?? 0);
  }
  return bytes === 2 ? size + 256n : size;
}

function windowSize(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + base / 8 * (descriptor & 7);
}

/** Takes a block header apart (RFC 8878 §3.1.1.2). */
function blockHeader(bytes: Bytes): { isLast: boolean; type: number; size: number } {
  const header = (bytes[0] ?? 0) | (bytes[1] ?? 0) << 8 | (bytes[2] ?? 0) << 16;
  return { isLast: (header & 1) !== 0, type: header >> 1 & 3, size: header >> 3 };
}

/**
 * Makes the header of a frame that says nothing but a window of at least so many bytes: lengths and
 * checksums are checked here, and the decoder need not wait for them.
 */
function frameHeader(windowBytes: number): Bytes {
  let descriptor = 0;
  while (windowSize(descriptor) < windowBytes) descriptor++;
  const header = new Uint8Array(6);
  new DataView(header.buffer).setUint32(0, MAGIC, true);
  header[5] = descriptor;
  return header;
}

export class ZstdDecoder implements Codec {
  readonly #maxWindowBytes: number;
  #state: State = "magic";
  #chunk: Bytes = NO_BYTES;
  /** Bytes that the present state needs and that came in an earlier chunk. */
  readonly #held = new Uint8Array(BLOCK_HEADER_BYTES + MAX_BLOCK_BYTES);
  #heldBytes = 0;
  #skip = 0;
  #wanted = 4;
  #frame: Frame | undefined;
  #frames = 0;
  #isLastBlock = false;
  #ended = false;
  readonly #output: Bytes[] = [];

  constructor(maxWindowBytes: number) {
    this.#maxWindowBytes = maxWindowBytes;
  }

  push(chunk: Bytes): void {
    this.#chunk = chunk;
  }

  end(): void {
    this.#ended = true;
  }

  close(): void {
    this.#frame = undefined;
    this.#output.length = 0;
  }

  read(): Bytes | undefined {
    for (;;) {
      const output = this.#output.shift();
      if (output !== undefined) return output;
      if (this.#state === "skip") {
        const count = Math.min(this.#skip, this.#chunk.byteLength);
        this.#chunk = this.#chunk.subarray(count);
        this.#skip -= count;
        if (this.#skip > 0) break;
        this.#enter("magic", 4);
      }
      const piece = this.#gather();
      if (piece === undefined) break;
      this.#step(piece);
    }
    // All of it was read, and its memory may be freed before the next call.
    this.#chunk = NO_BYTES;
    if (this.#ended) this.#checkEnd();
    return undefined;
  }

  #checkEnd(): void {
    const isBetweenFrames = this.#state === "magic" && this.#heldBytes === 0;
    if (!isBetweenFrames || this.#frames === 0) throw corrupt("it is cut short");
  }

  #enter(state: State, wanted: number): void {
    this.#state = state;
    this.#wanted = wanted;
  }

  /** Gives the bytes that the state wants once they are all there. */
  #gather(): Bytes | undefined {
    if (this.#heldBytes === 0 && this.#chunk.byteLength >= this.#wanted) {
      const piece = this.#chunk.subarray(0, this.#wanted);
      this.#chunk = this.#chunk.subarray(this.#wanted);
      return piece;
    }
    const count = Math.min(this.#wanted - this.#heldBytes, this.#chunk.byteLength);
    this.#held.set(this.#chunk.subarray(0, count), this.#heldBytes);
    this.#chunk = this.#chunk.subarray(count);
    this.#heldBytes += count;
    if (this.#heldBytes < this.#wanted) return undefined;
    this.#heldBytes = 0;
    return this.#held.slice(0, this.#wanted);
  }

  #step(piece: Bytes): void {
    const view = new DataView(piece.buffer, piece.byteOffset, piece.byteLength);
    switch (this.#state) {
      case "magic":
        return this.#readMagic(view.getUint32(0, true));
      case "skip-size":
        this.#skip = view.getUint32(0, true);
        return this.#enter("skip", 0);
      case "header":
        return this.#readHeader(piece);
      case "block":
        return this.#readBlockHeader(piece);
      case "content":
        return this.#decodeBlock(piece);
      default:
        return this.#readChecksum(view.getUint32(0, true));
    }
  }

  #readMagic(magic: number): void {
    if (magic === MAGIC) return this.#enter("header", 1);
    if ((magic & 0xfffffff0) >>> 0 !== 0x184d2a50) {
      throw corrupt(
        this.#frames === 0 ? "it is not in zstd format" : "other bytes than frames follow a frame",
      );
    }
    this.#frames++;
    this.#enter("skip-size", 4);
  }

  #readHeader(piece: Bytes): void {
    const descriptor = piece[0] ?? 0;
    if (piece.length === 1) {
      if ((descriptor & 8) !== 0) throw corrupt("a reserved bit is set in a frame header");
      const rest = headerLength(descriptor) - 5;
      this.#held[0] = descriptor;
      this.#heldBytes = 1;
      return this.#enter("header", 1 + rest);
    }
    const isSingleSegment = (descriptor & 0x20) !== 0;
    const contentBytes = contentSize(piece, descriptor);
    const windowBytes = isSingleSegment ? Number(contentBytes) : windowSize(piece[1] ?? 0);
    if (windowBytes > this.#maxWindowBytes) {
      throw new LimitExceededError(
        `Cannot decompress zstd: a frame needs a window of ${windowBytes} bytes, ` +
          `more than the limit of ${this.#maxWindowBytes} bytes`,
        { limit: this.#maxWindowBytes, unit: "bytes" },
      );
    }
    if ((descriptor & 3) !== 0 && hasDictionary(piece, isSingleSegment ? 1 : 2, descriptor & 3)) {
      throw corrupt("a frame needs a dictionary");
    }
    this.#frame = {
      decoder: undefined,
      held: [],
      heldContent: 0,
      windowBytes,
      contentBytes,
      hasher: (descriptor & 4) === 0 ? undefined : new XXHash64(),
      length: 0,
    };
    this.#enter("block", BLOCK_HEADER_BYTES);
  }

  #readBlockHeader(piece: Bytes): void {
    const { isLast, type, size } = blockHeader(piece);
    const maxBytes = Math.min(MAX_BLOCK_BYTES, Math.max(this.#frame?.windowBytes ?? 0, 1));
    if (type === BLOCK_RESERVED) throw corrupt("a block has an invalid type");
    if (size > maxBytes) throw corrupt("a block is too long");
    this.#isLastBlock = isLast;
    // The decoder takes the block with its header.
    this.#held.set(piece);
    this.#heldBytes = BLOCK_HEADER_BYTES;
    this.#enter("content", BLOCK_HEADER_BYTES + (type === BLOCK_RLE ? 1 : size));
  }

  #decodeBlock(piece: Bytes): void {
    const frame = this.#frame as Frame;
    this.#run(() => this.#pushBlock(frame, piece));
    if (!this.#isLastBlock) return this.#enter("block", BLOCK_HEADER_BYTES);
    if (frame.contentBytes !== undefined && BigInt(frame.length) !== frame.contentBytes) {
      throw corrupt("the length of a frame does not match");
    }
    if (frame.hasher === undefined) this.#endFrame();
    else this.#enter("checksum", 4);
  }

  #pushBlock(frame: Frame, block: Bytes): void {
    if (frame.decoder !== undefined) return frame.decoder.push(block, this.#isLastBlock);
    const { type, size } = blockHeader(block);
    frame.held.push(block.slice());
    frame.heldContent += type === BLOCK_COMPRESSED ? MAX_BLOCK_BYTES : size;
    if (!this.#isLastBlock && frame.held.length < MAX_HELD_BLOCKS) return;
    // Nothing can be farther back than the content is long.
    const content = this.#isLastBlock
      ? frame.heldContent
      : Number(frame.contentBytes ?? frame.windowBytes);
    const decoder = new Decompress((output) => this.#give(output as Bytes));
    frame.decoder = decoder;
    // The decoder has room for a block of the window's size at most.
    const window = Math.max(Math.min(frame.windowBytes, content), MAX_BLOCK_BYTES);
    decoder.push(frameHeader(window));
    const last = frame.held.pop();
    for (const held of frame.held) decoder.push(held);
    if (last !== undefined) decoder.push(last, this.#isLastBlock);
    frame.held.length = 0;
  }

  #readChecksum(checksum: number): void {
    if (this.#frame?.hasher?.digestLow() !== checksum) {
      throw corrupt("the checksum of a frame does not match");
    }
    this.#endFrame();
  }

  #endFrame(): void {
    this.#frame = undefined;
    this.#frames++;
    this.#enter("magic", 4);
  }

  #give(output: Bytes): void {
    if (output.byteLength === 0) return;
    const frame = this.#frame as Frame;
    frame.length += output.byteLength;
    frame.hasher?.update(output);
    this.#output.push(output);
  }

  /** Runs the decoder; whatever it throws on damaged input becomes one error. */
  #run(call: () => void): void {
    try {
      call();
    } catch (error) {
      throw corrupt("a block is damaged", error);
    }
  }
}

function hasDictionary(header: Bytes, at: number, flag: number): boolean {
  const bytes = flag === 3 ? 4 : flag;
  return header.subarray(at, at + bytes).some((byte) => byte !== 0);
}
