// Finds where the blocks of a gzip stream begin. An inflater gives bytes, not blocks; this one
// follows the same codes and gives blocks, not bytes: it counts what a symbol would write and writes
// nothing. It runs beside an inflater that judges the stream, so at the first thing that cannot be
// it is lost, and says nothing any more.

/** Where an inflater can begin. */
export interface BlockStart {
  /** Compressed bytes before it; the last of them may be used in part. */
  readonly compressedOffset: number;
  /** The bits of the byte at `compressedOffset` that are before it. */
  readonly bit: number;
  /** Uncompressed bytes before it. */
  readonly offset: number;
  /** Whether it is the begin of a gzip member, which needs no history. */
  readonly isMember: boolean;
}

type State =
  | "member"
  | "fixed-header"
  | "extra-length"
  | "extra"
  | "name"
  | "comment"
  | "header-crc"
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
  | "over";

// RFC 1951 §3.2.7
const PRECODE_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15] as const;
const MAX_CODE_BITS = 15;

// RFC 1952 §2.3.1
const FLAG_HEADER_CRC = 2;
const FLAG_EXTRA = 4;
const FLAG_NAME = 8;
const FLAG_COMMENT = 16;

/** A code: an entry for the next `bits` bits of input is `symbol << 4 | length`, 0 is no code. */
class Code {
  readonly table: Uint16Array = new Uint16Array(1 << MAX_CODE_BITS);
  mask = 0;

  /** Builds the code from the length of each symbol's; tells whether it can be one. */
  build(lengths: Uint8Array): boolean {
    const next = new Uint16Array(MAX_CODE_BITS + 2);
    let longest = 0;
    for (const length of lengths) {
      if (length > longest) longest = length;
      if (length > 0) next[length + 1] = (next[length + 1] as number) + 1;
    }
    for (let length = 1, first = 0; length <= longest; length++) {
      first = (first + (next[length] as number)) << 1;
      next[length] = first;
    }
    this.mask = (1 << longest) - 1;
    this.table.fill(0, 0, this.mask + 1);
    for (const [symbol, length] of lengths.entries()) {
      if (length === 0) continue;
      const code = next[length] as number;
      next[length] = code + 1;
      if (code >= 1 << length) return false;
      let at = 0;
      for (let bit = 0; bit < length; bit++) at |= ((code >> bit) & 1) << (length - 1 - bit);
      for (; at <= this.mask; at += 1 << length) this.table[at] = symbol << 4 | length;
    }
    return true;
  }
}

// RFC 1951 §3.2.5, by symbol: what a length adds at least, and how many bits of it follow.
const LENGTH_BASE = new Uint16Array(288);
const LENGTH_EXTRA = new Uint8Array(288);
for (let symbol = 257, base = 3; symbol < 285; symbol++) {
  LENGTH_EXTRA[symbol] = symbol < 265 ? 0 : (symbol - 261) >> 2;
  LENGTH_BASE[symbol] = base;
  base += 1 << (LENGTH_EXTRA[symbol] as number);
}
LENGTH_BASE[285] = 258;

/** Follows the blocks of a gzip stream, however it is cut into chunks. */
export class BlockWalker {
  #state: State = "member";
  #chunk: Uint8Array = new Uint8Array(0);
  #at = 0;
  #bits = 0;
  #bitCount = 0;
  #consumed = 0;
  #offset = 0;
  #flags = 0;
  #field = 0;
  #count = 0;
  #isLastBlock = false;
  #symbol = 0;
  #literals = 0;
  #distances = 0;
  readonly #lengths = new Uint8Array(320);
  readonly #precodeLengths = new Uint8Array(19);
  readonly #precode = new Code();
  readonly #literalCode = new Code();
  readonly #distanceCode = new Code();
  readonly #found: (start: BlockStart) => void;

  constructor(found: (start: BlockStart) => void) {
    this.#found = found;
  }

  /** Takes the next compressed bytes; blocks that begin in them, or right behind, are found. */
  push(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#at = 0;
    while (this.#step());
    this.#consumed += chunk.length;
    this.#chunk = new Uint8Array(0);
    this.#at = 0;
  }

  /** Runs a state; `false` when it needs more input, or when there is nothing more to find. */
  #step(): boolean {
    switch (this.#state) {
      case "block":
        return this.#readBlockHeader();
      case "stored-lengths":
        return this.#readStoredLengths();
      case "stored":
        return this.#skipStored();
      case "counts":
        return this.#readCounts();
      case "precode":
        return this.#readPrecode();
      case "lengths":
        return this.#readLengths();
      case "symbol":
      case "length-extra":
      case "distance":
      case "distance-extra":
        return this.#decode();
      case "over":
        return false;
      default:
        return this.#readByte();
    }
  }

  #lose(): false {
    this.#state = "over";
    return false;
  }

  #need(count: number): boolean {
    while (this.#bitCount < count) {
      if (this.#at >= this.#chunk.length) return false;
      this.#bits |= (this.#chunk[this.#at++] as number) << this.#bitCount;
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

  /** Tells of a start at the present bit. */
  #announce(isMember: boolean, back = 0): void {
    const bits = (this.#consumed + this.#at - back) * 8 - this.#bitCount;
    const compressedOffset = Math.floor(bits / 8);
    const bit = bits - compressedOffset * 8;
    this.#found({ compressedOffset, bit, offset: this.#offset, isMember });
  }

  /** Takes one byte of a gzip header or trailer (RFC 1952 §2.3). */
  #readByte(): boolean {
    if (!this.#need(8)) return false;
    const byte = this.#take(8);
    switch (this.#state) {
      case "member":
        // Anything but another member is padding, or the inflater refuses it.
        if (byte !== 0x1f) return this.#lose();
        this.#announce(true, 1);
        this.#field = 1;
        this.#state = "fixed-header";
        return true;
      case "fixed-header":
        if (this.#field++ === 3) this.#flags = byte;
        if (this.#field === 10) this.#enterHeader("extra-length");
        return true;
      case "extra-length":
        this.#count |= byte << (8 * this.#field++);
        if (this.#field === 2) this.#enterHeader(this.#count > 0 ? "extra" : "name");
        return true;
      case "extra":
        if (--this.#count === 0) this.#enterHeader("name");
        return true;
      case "name":
        if (byte === 0) this.#enterHeader("comment");
        return true;
      case "comment":
        if (byte === 0) this.#enterHeader("header-crc");
        return true;
      case "header-crc":
        if (++this.#field === 2) this.#state = "block";
        return true;
      default:
        if (++this.#field === 8) this.#state = "member";
        return true;
    }
  }

  #enterHeader(state: "extra-length" | "extra" | "name" | "comment" | "header-crc"): void {
    this.#state = state;
    this.#field = 0;
    const flags = this.#flags;
    if (state === "extra-length") {
      this.#count = 0;
      if ((flags & FLAG_EXTRA) === 0) this.#enterHeader("name");
    } else if (state === "name" && (flags & FLAG_NAME) === 0) {
      this.#enterHeader("comment");
    } else if (state === "comment" && (flags & FLAG_COMMENT) === 0) {
      this.#enterHeader("header-crc");
    } else if (state === "header-crc" && (flags & FLAG_HEADER_CRC) === 0) {
      this.#state = "block";
    }
  }

  #readBlockHeader(): boolean {
    if (!this.#need(3)) return false;
    this.#isLastBlock = this.#take(1) === 1;
    this.#field = 0;
    switch (this.#take(2)) {
      case 0:
        this.#take(this.#bitCount & 7);
        this.#state = "stored-lengths";
        return true;
      case 1:
        this.#lengths.fill(8, 0, 144).fill(9, 144, 256).fill(7, 256, 280).fill(8, 280, 288);
        this.#literalCode.build(this.#lengths.subarray(0, 288));
        this.#distanceCode.build(this.#lengths.fill(5, 0, 32).subarray(0, 32));
        this.#state = "symbol";
        return true;
      case 2:
        this.#state = "counts";
        return true;
      default:
        return this.#lose();
    }
  }

  #readStoredLengths(): boolean {
    for (; this.#field < 4; this.#field++) {
      if (!this.#need(8)) return false;
      const byte = this.#take(8);
      if (this.#field === 0) this.#count = byte;
      if (this.#field === 1) this.#count |= byte << 8;
    }
    this.#offset += this.#count;
    this.#state = "stored";
    return true;
  }

  #skipStored(): boolean {
    for (; this.#count > 0 && this.#bitCount > 0; this.#count--) this.#take(8);
    const bytes = Math.min(this.#count, this.#chunk.length - this.#at);
    this.#at += bytes;
    this.#count -= bytes;
    return this.#count === 0 && this.#endBlock();
  }

  #endBlock(): true {
    if (!this.#isLastBlock) {
      this.#announce(false);
      this.#state = "block";
      return true;
    }
    this.#take(this.#bitCount & 7);
    this.#field = 0;
    this.#state = "trailer";
    return true;
  }

  #readCounts(): boolean {
    if (!this.#need(14)) return false;
    this.#literals = this.#take(5) + 257;
    this.#distances = this.#take(5) + 1;
    this.#count = this.#take(4) + 4;
    this.#field = 0;
    this.#precodeLengths.fill(0);
    this.#state = "precode";
    return true;
  }

  #readPrecode(): boolean {
    for (; this.#field < this.#count; this.#field++) {
      if (!this.#need(3)) return false;
      this.#precodeLengths[PRECODE_ORDER[this.#field] as number] = this.#take(3);
    }
    if (!this.#precode.build(this.#precodeLengths)) return this.#lose();
    this.#field = 0;
    this.#state = "lengths";
    return true;
  }

  #readLengths(): boolean {
    const total = this.#literals + this.#distances;
    while (this.#field < total) {
      // What there is; a code that is longer than that waits for more.
      this.#need(14);
      const entry = this.#precode.table[this.#bits & this.#precode.mask] as number;
      const [length, symbol] = [entry & 15, entry >> 4];
      const extra = symbol < 16 ? 0 : symbol === 16 ? 2 : symbol === 17 ? 3 : 7;
      if (length === 0) return this.#bitCount >= 14 && this.#lose();
      if (length + extra > this.#bitCount) return false;
      this.#take(length);
      const repeat = symbol < 16 ? 1 : this.#take(extra) + (symbol === 18 ? 11 : 3);
      if (this.#field + repeat > total || symbol === 16 && this.#field === 0) return this.#lose();
      const value = symbol < 16
        ? symbol
        : symbol === 16
        ? this.#lengths[this.#field - 1] as number
        : 0;
      this.#lengths.fill(value, this.#field, this.#field + repeat);
      this.#field += repeat;
    }
    const isCode = this.#literalCode.build(this.#lengths.subarray(0, this.#literals)) &&
      this.#distanceCode.build(this.#lengths.subarray(this.#literals, total));
    if (!isCode) return this.#lose();
    this.#state = "symbol";
    return true;
  }

  /** Follows the symbols of a block: the hot loop. */
  #decode(): boolean {
    const chunk = this.#chunk;
    const chunkEnd = chunk.length;
    const { table: literals, mask: literalMask } = this.#literalCode;
    const { table: distances, mask: distanceMask } = this.#distanceCode;
    let { at, bits, bitCount, offset, state, symbol } = this.#registers();
    let isDone = false;
    let isLost = false;
    for (;;) {
      while (bitCount <= 24 && at < chunkEnd) {
        bits |= (chunk[at++] as number) << bitCount;
        bitCount += 8;
      }
      if (state === "symbol") {
        const entry = literals[bits & literalMask] as number;
        const length = entry & 15;
        isLost = length === 0 && bitCount >= MAX_CODE_BITS;
        if (length === 0 || length > bitCount) break;
        bits >>>= length;
        bitCount -= length;
        symbol = entry >> 4;
        if (symbol < 256) {
          offset++;
          continue;
        }
        isDone = symbol === 256;
        if (isDone) break;
        state = "length-extra";
      }
      if (state === "length-extra") {
        const extra = LENGTH_EXTRA[symbol] as number;
        if (extra > bitCount) break;
        offset += (LENGTH_BASE[symbol] as number) + (bits & ((1 << extra) - 1));
        bits >>>= extra;
        bitCount -= extra;
        state = "distance";
        if (bitCount < MAX_CODE_BITS) continue;
      }
      if (state === "distance") {
        const entry = distances[bits & distanceMask] as number;
        const length = entry & 15;
        isLost = length === 0 && bitCount >= MAX_CODE_BITS;
        if (length === 0 || length > bitCount) break;
        bits >>>= length;
        bitCount -= length;
        symbol = entry >> 4;
        state = "distance-extra";
      }
      const extra = symbol < 4 ? 0 : (symbol - 2) >> 1;
      if (extra > bitCount) {
        if (at < chunkEnd) continue;
        break;
      }
      bits >>>= extra;
      bitCount -= extra;
      state = "symbol";
    }
    this.#at = at;
    this.#bits = bits;
    this.#bitCount = bitCount;
    this.#offset = offset;
    this.#symbol = symbol;
    this.#state = state;
    if (isLost) return this.#lose();
    return isDone && this.#endBlock();
  }

  #registers(): {
    at: number;
    bits: number;
    bitCount: number;
    offset: number;
    state: State;
    symbol: number;
  } {
    return {
      at: this.#at,
      bits: this.#bits,
      bitCount: this.#bitCount,
      offset: this.#offset,
      state: this.#state,
      symbol: this.#symbol,
    };
  }
}
