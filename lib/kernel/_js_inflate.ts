// Inflate in plain TypeScript, for hosts without WebAssembly. It accepts and refuses what the
// kernel does. fflate's streaming inflate is not used here: it gives out the whole output of a
// chunk at once (a thousand times its size for zeros), does not say where a member ends, and
// accepts codes that zlib refuses.
//
// Everything is a state machine over a bit buffer of at most 32 bits: each step takes the bits it
// needs in one go or, when the input has run out, none of them, so any split of the input gives the
// same bytes.
import { crc32 } from "../hash/mod.ts";
import type { Bytes } from "../model/bytes.ts";
import { inflateError, MAX_FIELD_BYTES, STATUS } from "./_inflate_status.ts";
import { buildCodeTable } from "./_js_code_table.ts";
import { checkedResume, HISTORY_BYTES } from "./_resume.ts";
import type { Inflater, InflaterOptions } from "./kernel.ts";

// A read gives at most 128 KiB: it stops in time for the longest match.
const SLACK_BYTES = 258;
const WINDOW_BYTES = 131072 - SLACK_BYTES;

const LITERAL_ROOT_BITS = 10;
const DISTANCE_ROOT_BITS = 9;
const PRECODE_ROOT_BITS = 7;
// The most entries a table can take (zlib, examples/enough.c: 288 symbols, root 10; 32, root 9).
const LITERAL_TABLE_ENTRIES = 1334;
const DISTANCE_TABLE_ENTRIES = 598;

// RFC 1951 §3.2.7: the order in which the lengths of the code length code come.
const PRECODE_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15] as const;

// RFC 1951 §3.2.5. Symbols 286, 287, 30 and 31 have a code in the fixed code and no meaning.
const LENGTH_BASE = new Uint16Array(29);
const LENGTH_EXTRA = new Uint8Array(29);
const DISTANCE_BASE = new Uint16Array(30);
const DISTANCE_EXTRA = new Uint8Array(30);
for (let index = 0, base = 3; index < 28; index++) {
  LENGTH_EXTRA[index] = index < 8 ? 0 : (index - 4) >> 2;
  LENGTH_BASE[index] = base;
  base += 1 << (LENGTH_EXTRA[index] as number);
}
LENGTH_BASE[28] = 258;
for (let index = 0, base = 1; index < 30; index++) {
  DISTANCE_EXTRA[index] = index < 4 ? 0 : (index - 2) >> 1;
  DISTANCE_BASE[index] = base;
  base += 1 << (DISTANCE_EXTRA[index] as number);
}

// RFC 1952 §2.3.1
const FLAG_HEADER_CRC = 2;
const FLAG_EXTRA = 4;
const FLAG_NAME = 8;
const FLAG_COMMENT = 16;
const FLAGS_RESERVED = 0xe0;

const FIXED_HEADER_BYTES = 10;
const NO_BYTES = new Uint8Array(0);

type State =
  | "member"
  | "fixed-header"
  | "extra-length"
  | "extra"
  | "name"
  | "comment"
  | "header-crc"
  | "resumed"
  | "block"
  | "stored-lengths"
  | "stored"
  | "counts"
  | "precode"
  | "lengths"
  | "symbol"
  | "length-extra"
  | "distance"
  | "distance-extra"
  | "trailer"
  | "zeros";

export class JSInflater implements Inflater {
  readonly #raw: boolean;
  readonly #onBoundary: InflaterOptions["onBoundary"];
  /** The bits of the first byte that are before the block to go on at. */
  readonly #resumeBit: number;
  #state: State;
  #flags = 0;
  /** Bytes of a header field or bytes of the trailer taken so far. */
  #field = 0;
  #fieldLength = 0;
  #header = new Uint8Array(FIXED_HEADER_BYTES);
  #headerCrc = 0;

  #input: Uint8Array = NO_BYTES;
  #at = 0;
  #bits = 0;
  #bitCount = 0;
  #ended = false;

  #window: Bytes = new Uint8Array(HISTORY_BYTES + WINDOW_BYTES + SLACK_BYTES);
  #out = HISTORY_BYTES;
  #given = HISTORY_BYTES;
  #checked = HISTORY_BYTES;
  #memberStart = HISTORY_BYTES;
  #crc = 0;
  #memberLength = 0;

  #isLastBlock = false;
  #stored = 0;
  #literalCount = 0;
  #distanceCount = 0;
  #precodeCount = 0;
  #lengthIndex = 0;
  #lengths = new Uint8Array(320);
  #precodeLengths = new Uint8Array(19);
  #precodeTable = new Int32Array(1 << PRECODE_ROOT_BITS);
  #literalTable = new Int32Array(LITERAL_TABLE_ENTRIES);
  #distanceTable = new Int32Array(DISTANCE_TABLE_ENTRIES);
  #matchLength = 0;
  #symbol = 0;

  #failure = 0;
  /** What `onBoundary` has thrown: every read throws it from now on. */
  #thrown: { readonly error: unknown } | undefined;
  #goodBytes = 0;
  #pushed = 0;
  #members = 0;
  #bytesOut = 0;
  #closed = false;

  constructor(options: InflaterOptions = {}) {
    const resume = checkedResume(options);
    this.#raw = options.format === "deflate-raw";
    this.#onBoundary = options.onBoundary;
    this.#resumeBit = resume?.bit ?? 0;
    this.#state = resume !== undefined ? "resumed" : this.#raw ? "block" : "member";
    if (resume === undefined) return;
    this.#memberStart -= resume.history.length;
    this.#window.set(resume.history, this.#memberStart);
  }

  get bytesIn(): number {
    return this.#pushed - (this.#input.length - this.#at) - (this.#bitCount >>> 3);
  }

  get bytesOut(): number {
    return this.#bytesOut;
  }

  get members(): number {
    return this.#members;
  }

  push(chunk: Uint8Array): void {
    if (this.#closed || this.#ended) {
      throw new TypeError("Cannot push to the inflater: it has ended");
    }
    if (this.#at < this.#input.length) {
      throw new TypeError("Cannot push to the inflater: the chunk before was not read to its end");
    }
    this.#input = chunk;
    this.#at = 0;
    this.#pushed += chunk.length;
  }

  end(): void {
    this.#ended = true;
  }

  close(): void {
    this.#closed = true;
    this.#input = NO_BYTES;
    this.#at = 0;
    this.#window = new Uint8Array(0);
  }

  read(): Bytes | undefined {
    if (this.#closed) throw new TypeError("Cannot read from the inflater: it is closed");
    if (this.#thrown !== undefined) throw this.#thrown.error;
    if (this.#failure < 0) throw inflateError(this.#failure, this.#goodBytes);
    this.#given = this.#out;
    if (this.#out >= HISTORY_BYTES + WINDOW_BYTES) this.#slide();

    let status = this.#run();
    if (status === STATUS.needInput) this.#dropInput();
    if (status === STATUS.needInput && this.#ended) status = this.#finish();
    this.#check();
    if (status < 0) this.#failure = status;
    const length = this.#out - this.#given;
    if (length > 0) {
      this.#bytesOut += length;
      return this.#window.subarray(this.#given, this.#out);
    }
    if (status < 0) throw inflateError(status, this.#goodBytes);
    return undefined;
  }

  /** Forgets the chunk that was read to its end: its memory may be freed before the next call. */
  #dropInput(): void {
    this.#input = NO_BYTES;
    this.#at = 0;
  }

  /** Decides whether the stream may end here. */
  #finish(): number {
    const atBoundary = this.#state === "member" && this.#field === 0 && this.#bitCount === 0;
    if (atBoundary && this.#members > 0) return STATUS.ended;
    if (this.#state === "zeros") return STATUS.ended;
    return this.#state === "member" && this.#members > 0 ? STATUS.trailingBytes : STATUS.truncated;
  }

  /** Moves the history to the front of the window. Everything before it was given out. */
  #slide(): void {
    const shift = this.#out - HISTORY_BYTES;
    this.#window.copyWithin(0, shift, this.#out);
    this.#out -= shift;
    this.#given -= shift;
    this.#checked -= shift;
    this.#memberStart = Math.max(0, this.#memberStart - shift);
  }

  /** Takes the output since the last check into the member's CRC-32 and length. */
  #check(): void {
    if (this.#checked === this.#out) return;
    const fresh = this.#window.subarray(this.#checked, this.#out);
    if (!this.#raw) this.#crc = crc32(fresh, this.#crc);
    this.#memberLength = (this.#memberLength + fresh.length) >>> 0;
    this.#checked = this.#out;
  }

  #run(): number {
    let status: number = STATUS.ended;
    while (status === STATUS.ended) status = this.#step();
    return status;
  }

  /** Runs one state; `STATUS.ended` means that the state is done and another one follows. */
  #step(): number {
    switch (this.#state) {
      case "member":
        return this.#readMagic();
      case "fixed-header":
      case "extra-length":
      case "extra":
      case "name":
      case "comment":
      case "header-crc":
        return this.#readHeader();
      case "resumed":
        return this.#skipResumeBits();
      case "block":
        return this.#readBlockHeader();
      case "stored-lengths":
        return this.#readStoredLengths();
      case "stored":
        return this.#copyStored();
      case "counts":
        return this.#readCounts();
      case "precode":
        return this.#readPrecode();
      case "lengths":
        return this.#readLengths();
      case "trailer":
        return this.#readTrailer();
      case "zeros":
        return this.#skipZeros();
      default:
        return this.#decode();
    }
  }

  /** Fills the bit buffer until it has `count` bits, at most 25; tells whether it has. */
  #need(count: number): boolean {
    while (this.#bitCount < count) {
      if (this.#at >= this.#input.length) return false;
      this.#bits |= (this.#input[this.#at++] as number) << this.#bitCount;
      this.#bitCount += 8;
    }
    return true;
  }

  #take(count: number): number {
    const value = this.#bits & ((1 << count) - 1);
    this.#bits >>>= count;
    this.#bitCount -= count;
    return value;
  }

  /** Gives the next whole byte, or -1 when there is none. */
  #byte(): number {
    return this.#need(8) ? this.#take(8) : -1;
  }

  #readMagic(): number {
    const byte = this.#byte();
    if (byte < 0) return STATUS.needInput;
    // Whole blocks of zeros after the last member are how tar pads files; gzip accepts them too.
    if (byte === 0 && this.#members > 0 && this.#field === 0) {
      this.#state = "zeros";
      return STATUS.ended;
    }
    if (byte !== (this.#field === 0 ? 0x1f : 0x8b)) {
      return this.#members > 0 ? STATUS.trailingBytes : STATUS.badMagic;
    }
    this.#header[this.#field++] = byte;
    if (this.#field === 2) this.#state = "fixed-header";
    else this.#tellBoundary(true);
    return STATUS.ended;
  }

  #readHeader(): number {
    const byte = this.#byte();
    if (byte < 0) return STATUS.needInput;
    switch (this.#state) {
      case "fixed-header":
        return this.#readFixedHeader(byte);
      case "extra-length":
        this.#fieldLength |= byte << (8 * this.#field++);
        if (this.#field === 2) this.#enterHeader(this.#fieldLength > 0 ? "extra" : "name");
        break;
      case "extra":
        if (++this.#field === this.#fieldLength) this.#enterHeader("name");
        break;
      case "header-crc":
        this.#fieldLength |= byte << (8 * this.#field++);
        if (this.#field < 2) return STATUS.ended;
        if (this.#fieldLength !== (this.#headerCrc & 0xffff)) return STATUS.badHeaderCrc;
        this.#enterMember();
        return STATUS.ended;
      default:
        if (byte === 0) this.#enterHeader(this.#state === "name" ? "comment" : "header-crc");
        else if (++this.#field > MAX_FIELD_BYTES) return STATUS.fieldTooLong;
    }
    this.#headerCrc = crc32(Uint8Array.of(byte), this.#headerCrc);
    return STATUS.ended;
  }

  #readFixedHeader(byte: number): number {
    if (this.#field === 2 && byte !== 8) return STATUS.badMethod;
    if (this.#field === 3 && (byte & FLAGS_RESERVED) !== 0) return STATUS.reservedFlags;
    this.#header[this.#field++] = byte;
    if (this.#field === FIXED_HEADER_BYTES) {
      this.#flags = this.#header[3] as number;
      this.#headerCrc = crc32(this.#header, 0);
      this.#enterHeader("extra-length");
    }
    return STATUS.ended;
  }

  /** Goes to a part of the header, or to the first part after it that the flags announce. */
  #enterHeader(state: "extra-length" | "extra" | "name" | "comment" | "header-crc"): void {
    this.#field = 0;
    if (state !== "extra") this.#fieldLength = 0;
    this.#state = state;
    if (state === "extra-length" && (this.#flags & FLAG_EXTRA) === 0) {
      this.#enterHeader("name");
    } else if (state === "name" && (this.#flags & FLAG_NAME) === 0) {
      this.#enterHeader("comment");
    } else if (state === "comment" && (this.#flags & FLAG_COMMENT) === 0) {
      this.#enterHeader("header-crc");
    } else if (state === "header-crc" && (this.#flags & FLAG_HEADER_CRC) === 0) {
      this.#enterMember();
    }
  }

  #enterMember(): void {
    this.#state = "block";
    this.#memberStart = this.#out;
    this.#checked = this.#out;
    this.#crc = 0;
    this.#memberLength = 0;
  }

  #skipResumeBits(): number {
    if (!this.#need(8)) return STATUS.needInput;
    this.#take(this.#resumeBit);
    this.#state = "block";
    return STATUS.ended;
  }

  #readBlockHeader(): number {
    if (!this.#need(3)) return STATUS.needInput;
    this.#isLastBlock = this.#take(1) === 1;
    switch (this.#take(2)) {
      case 0:
        this.#take(this.#bitCount & 7);
        this.#state = "stored-lengths";
        this.#field = 0;
        return STATUS.ended;
      case 1:
        this.#buildFixedCode();
        return STATUS.ended;
      case 2:
        this.#state = "counts";
        return STATUS.ended;
      default:
        return STATUS.badBlockType;
    }
  }

  #readStoredLengths(): number {
    while (this.#field < 4) {
      const byte = this.#byte();
      if (byte < 0) return STATUS.needInput;
      this.#header[this.#field++] = byte;
    }
    const [low, high, notLow, notHigh] = this.#header as unknown as [
      number,
      number,
      number,
      number,
    ];
    if ((low ^ notLow) !== 0xff || (high ^ notHigh) !== 0xff) return STATUS.badStoredLength;
    this.#stored = low | high << 8;
    this.#state = "stored";
    return STATUS.ended;
  }

  #copyStored(): number {
    while (this.#stored > 0) {
      const room = HISTORY_BYTES + WINDOW_BYTES - this.#out;
      if (room <= 0) return STATUS.windowFull;
      if (this.#bitCount > 0) {
        this.#window[this.#out++] = this.#take(8);
        this.#stored--;
        continue;
      }
      const count = Math.min(this.#stored, room, this.#input.length - this.#at);
      if (count === 0) return STATUS.needInput;
      this.#window.set(this.#input.subarray(this.#at, this.#at + count), this.#out);
      this.#at += count;
      this.#out += count;
      this.#stored -= count;
    }
    this.#endBlock();
    return STATUS.ended;
  }

  #endBlock(): void {
    if (!this.#isLastBlock) {
      this.#state = "block";
      this.#tellBoundary(false);
      return;
    }
    this.#take(this.#bitCount & 7);
    this.#field = 0;
    if (!this.#raw) {
      this.#state = "trailer";
      return;
    }
    this.#members = 1;
    this.#goodBytes = this.bytesIn;
    this.#state = "zeros";
  }

  /** Calls `onBoundary` at the present bit, or at the byte before it: the first of a member. */
  #tellBoundary(isMember: boolean): void {
    const bitsLeft = isMember ? 8 : this.#bitCount & 7;
    const end = this.#out;
    const offset = this.#bytesOut + end - this.#given;
    const historyBytes = Math.min(offset, HISTORY_BYTES);
    const boundary = {
      compressedOffset: this.bytesIn - (bitsLeft > 0 ? 1 : 0),
      bit: (8 - bitsLeft) % 8,
      offset,
      isMember,
      history: () => this.#window.slice(end - historyBytes, end),
    };
    try {
      this.#onBoundary?.(boundary);
    } catch (error) {
      this.#thrown = { error };
      throw error;
    }
  }

  // RFC 1951 §3.2.6
  #buildFixedCode(): void {
    const lengths = this.#lengths.fill(8, 0, 144).fill(9, 144, 256).fill(7, 256, 280)
      .fill(8, 280, 288);
    buildCodeTable(lengths.subarray(0, 288), LITERAL_ROOT_BITS, this.#literalTable, false);
    lengths.fill(5, 0, 32);
    buildCodeTable(lengths.subarray(0, 32), DISTANCE_ROOT_BITS, this.#distanceTable, false);
    this.#state = "symbol";
  }

  #readCounts(): number {
    if (!this.#need(14)) return STATUS.needInput;
    this.#literalCount = this.#take(5) + 257;
    this.#distanceCount = this.#take(5) + 1;
    this.#precodeCount = this.#take(4) + 4;
    if (this.#literalCount > 286 || this.#distanceCount > 30) return STATUS.tooManyCodes;
    this.#precodeLengths.fill(0);
    this.#lengthIndex = 0;
    this.#state = "precode";
    return STATUS.ended;
  }

  #readPrecode(): number {
    while (this.#lengthIndex < this.#precodeCount) {
      if (!this.#need(3)) return STATUS.needInput;
      this.#precodeLengths[PRECODE_ORDER[this.#lengthIndex++] as number] = this.#take(3);
    }
    if (!buildCodeTable(this.#precodeLengths, PRECODE_ROOT_BITS, this.#precodeTable, true)) {
      return STATUS.badPrecode;
    }
    this.#lengthIndex = 0;
    this.#state = "lengths";
    return STATUS.ended;
  }

  #readLengths(): number {
    const total = this.#literalCount + this.#distanceCount;
    while (this.#lengthIndex < total) {
      // What the input has; a code that is longer than that waits for more.
      this.#need(14);
      const entry = this.#precodeTable[this.#bits & 127] as number;
      const length = entry & 15;
      const symbol = entry >> 4;
      const extra = symbol < 16 ? 0 : symbol === 16 ? 2 : symbol === 17 ? 3 : 7;
      if (length + extra > this.#bitCount) return STATUS.needInput;
      this.#take(length);
      if (symbol < 16) {
        this.#lengths[this.#lengthIndex++] = symbol;
        continue;
      }
      if (symbol === 16 && this.#lengthIndex === 0) return STATUS.badRepeat;
      const value = symbol === 16 ? this.#lengths[this.#lengthIndex - 1] as number : 0;
      const end = this.#lengthIndex + this.#take(extra) + (symbol === 18 ? 11 : 3);
      if (end > total) return STATUS.badRepeat;
      this.#lengths.fill(value, this.#lengthIndex, end);
      this.#lengthIndex = end;
    }
    if (this.#lengths[256] === 0) return STATUS.noEndOfBlock;
    const literals = this.#lengths.subarray(0, this.#literalCount);
    if (!buildCodeTable(literals, LITERAL_ROOT_BITS, this.#literalTable, false)) {
      return STATUS.badLiteralCode;
    }
    const distances = this.#lengths.subarray(this.#literalCount, total);
    if (!buildCodeTable(distances, DISTANCE_ROOT_BITS, this.#distanceTable, false)) {
      return STATUS.badDistanceCode;
    }
    this.#state = "symbol";
    return STATUS.ended;
  }

  /** Decodes the symbols of a block: the hot loop. */
  #decode(): number {
    const input = this.#input;
    const inputEnd = input.length;
    const window = this.#window;
    const windowEnd = HISTORY_BYTES + WINDOW_BYTES;
    const literalTable = this.#literalTable;
    const distanceTable = this.#distanceTable;
    const memberStart = this.#memberStart;
    let { at, bits, bitCount, out, matchLength, symbol } = this.#registers();
    let state = this.#state;
    let status: number = STATUS.needInput;

    for (;;) {
      while (bitCount <= 24 && at < inputEnd) {
        bits |= (input[at++] as number) << bitCount;
        bitCount += 8;
      }
      if (state === "symbol") {
        if (out >= windowEnd) {
          status = STATUS.windowFull;
          break;
        }
        let entry = literalTable[bits & ((1 << LITERAL_ROOT_BITS) - 1)] as number;
        if (entry < 0) {
          const offset = ~entry >>> 4;
          const index = (bits >>> LITERAL_ROOT_BITS) & ((1 << (~entry & 15)) - 1);
          entry = literalTable[offset + index] as number;
        }
        const length = entry & 15;
        if (length > bitCount) break;
        if (length === 0) {
          status = bitCount === 0 ? STATUS.needInput : STATUS.invalidLiteral;
          break;
        }
        bits >>>= length;
        bitCount -= length;
        symbol = entry >> 4;
        if (symbol < 256) {
          window[out++] = symbol;
          continue;
        }
        if (symbol === 256) {
          status = STATUS.ended;
          break;
        }
        symbol -= 257;
        if (symbol > 28) {
          status = STATUS.invalidLiteral;
          break;
        }
        state = "length-extra";
      }
      if (state === "length-extra") {
        const extra = LENGTH_EXTRA[symbol] as number;
        if (extra > bitCount) break;
        matchLength = (LENGTH_BASE[symbol] as number) + (bits & ((1 << extra) - 1));
        bits >>>= extra;
        bitCount -= extra;
        state = "distance";
        if (bitCount < 15) continue;
      }
      if (state === "distance") {
        let entry = distanceTable[bits & ((1 << DISTANCE_ROOT_BITS) - 1)] as number;
        if (entry < 0) {
          const offset = ~entry >>> 4;
          const index = (bits >>> DISTANCE_ROOT_BITS) & ((1 << (~entry & 15)) - 1);
          entry = distanceTable[offset + index] as number;
        }
        const length = entry & 15;
        if (length > bitCount) break;
        symbol = entry >> 4;
        if (length === 0 || symbol > 29) {
          status = bitCount === 0 ? STATUS.needInput : STATUS.invalidDistance;
          break;
        }
        bits >>>= length;
        bitCount -= length;
        state = "distance-extra";
        if (bitCount < 13) continue;
      }
      const extra = DISTANCE_EXTRA[symbol] as number;
      if (extra > bitCount) break;
      const distance = (DISTANCE_BASE[symbol] as number) + (bits & ((1 << extra) - 1));
      bits >>>= extra;
      bitCount -= extra;
      let source = out - distance;
      if (source < memberStart) {
        status = STATUS.distanceTooFar;
        break;
      }
      for (const end = out + matchLength; out < end;) window[out++] = window[source++] as number;
      state = "symbol";
    }

    this.#at = at;
    this.#bits = bits;
    this.#bitCount = bitCount;
    this.#out = out;
    this.#matchLength = matchLength;
    this.#symbol = symbol;
    this.#state = state;
    if (status === STATUS.ended) this.#endBlock();
    return status;
  }

  #registers(): {
    at: number;
    bits: number;
    bitCount: number;
    out: number;
    matchLength: number;
    symbol: number;
  } {
    return {
      at: this.#at,
      bits: this.#bits,
      bitCount: this.#bitCount,
      out: this.#out,
      matchLength: this.#matchLength,
      symbol: this.#symbol,
    };
  }

  #readTrailer(): number {
    const trailer = new DataView(this.#header.buffer);
    while (this.#field < 8) {
      const byte = this.#byte();
      if (byte < 0) return STATUS.needInput;
      this.#header[this.#field++] = byte;
      if (this.#field !== 4) continue;
      this.#check();
      if (trailer.getUint32(0, true) !== this.#crc) return STATUS.badCrc;
    }
    if (trailer.getUint32(4, true) !== this.#memberLength) return STATUS.badLength;
    this.#members++;
    this.#goodBytes = this.bytesIn;
    this.#field = 0;
    this.#state = "member";
    return STATUS.ended;
  }

  #skipZeros(): number {
    for (;;) {
      const byte = this.#byte();
      if (byte < 0) return STATUS.needInput;
      if (byte !== 0) return STATUS.trailingBytes;
    }
  }
}
