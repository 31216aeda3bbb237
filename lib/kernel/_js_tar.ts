// The tar scan in plain TypeScript; see wasm/assembly/tar.ts for the kernel's.
import type { TarRecord, TarScan, TarScanner, TarScanStop } from "./kernel.ts";

const BLOCK_BYTES = 512;
// Fields of a header (POSIX.1-1988, ustar).
const NAME_END = 100;
const SIZE_AT = 124;
const SIZE_BYTES = 12;
const CHECKSUM_AT = 148;
const CHECKSUM_BYTES = 8;
const TYPE_AT = 156;

/** The most records of one scan; the kernel's record buffer has as many. */
export const MAX_TAR_RECORDS = 128;

/** The largest size that a double holds exactly. */
const MAX_SIZE = Number.MAX_SAFE_INTEGER;

const SPACE = 0x20;

/**
 * Reads a number as Go's archive/tar does: base-256 when the top bit is set, else octal digits
 * between spaces and NULs, up to a NUL. Gives `undefined` for what is no number, negative or too
 * large.
 */
function readNumber(block: Uint8Array, at: number, bytes: number): number | undefined {
  const first = block[at] as number;
  if ((first & 0x80) !== 0) {
    if ((first & 0x40) !== 0) return undefined;
    let value = first & 0x3f;
    for (let index = 1; index < bytes; index++) {
      value = value * 256 + (block[at + index] as number);
      if (value > MAX_SIZE) return undefined;
    }
    return value;
  }
  let end = at + bytes;
  while (at < end && isBlank(block[at] as number)) at++;
  while (at < end && isBlank(block[end - 1] as number)) end--;
  let value = 0;
  for (; at < end && block[at] !== 0; at++) {
    const digit = (block[at] as number) - 0x30;
    if (digit < 0 || digit > 7) return undefined;
    value = value * 8 + digit;
  }
  return value;
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === 0;
}

/** Checks the sum of the bytes, taken unsigned or (as some old writers did) signed. */
function hasRightChecksum(block: Uint8Array): boolean {
  let unsigned = 0;
  let signed = 0;
  for (let at = 0; at < BLOCK_BYTES; at++) {
    const isChecksum = at >= CHECKSUM_AT && at < CHECKSUM_AT + CHECKSUM_BYTES;
    const byte = isChecksum ? SPACE : block[at] as number;
    unsigned += byte;
    signed += byte < 128 ? byte : byte - 256;
  }
  const stored = readNumber(block, CHECKSUM_AT, CHECKSUM_BYTES);
  return stored === unsigned || stored === signed;
}

/** Types whose header changes what follows: pax `x g X`, GNU long names `L K`, GNU sparse `S`. */
function isHandedOver(type: number): boolean {
  return type === 0x78 || type === 0x67 || type === 0x58 || type === 0x4c || type === 0x4b ||
    type === 0x53;
}

/** Links, devices, directories and fifos have no body, whatever their size says. */
function hasBody(block: Uint8Array, type: number): boolean {
  if (type >= 0x31 && type <= 0x36) return false;
  if (type !== 0) return true;
  // A V7 header has no type for directories: their names end in a slash.
  let end = 0;
  while (end < NAME_END && block[end] !== 0) end++;
  return block[end - 1] !== 0x2f;
}

export class JSTarScanner implements TarScanner {
  #offset = 0;
  #skip = 0;
  readonly #partial = new Uint8Array(BLOCK_BYTES);
  #partialBytes = 0;

  get offset(): number {
    return this.#offset;
  }

  skip(bytes: number): void {
    this.#skip += bytes;
  }

  advance(bytes: number): void {
    this.#offset += bytes;
  }

  scan(piece: Uint8Array): TarScan {
    const records: TarRecord[] = [];
    let used = 0;
    while (used < piece.length) {
      if (this.#skip > 0) {
        const count = Math.min(this.#skip, piece.length - used);
        this.#skip -= count;
        this.#offset += count;
        used += count;
        continue;
      }
      if (records.length === MAX_TAR_RECORDS) return { used, stop: "full", records };
      const count = Math.min(BLOCK_BYTES - this.#partialBytes, piece.length - used);
      this.#partial.set(piece.subarray(used, used + count), this.#partialBytes);
      this.#partialBytes += count;
      used += count;
      if (this.#partialBytes < BLOCK_BYTES) break;
      this.#partialBytes = 0;
      const stop = this.#readHeader(records);
      if (stop !== "input") return { used, stop, records };
    }
    return { used, stop: "input", records };
  }

  #readHeader(records: TarRecord[]): TarScanStop {
    const block = this.#partial;
    if (block.every((byte) => byte === 0)) {
      this.#offset += BLOCK_BYTES;
      return "zeros";
    }
    if (!hasRightChecksum(block)) return "bad-checksum";
    const type = block[TYPE_AT] as number;
    const stored = readNumber(block, SIZE_AT, SIZE_BYTES);
    if (stored === undefined || stored > MAX_SIZE - BLOCK_BYTES) return "bad-size";
    const size = hasBody(block, type) ? stored : 0;
    records.push({ offset: this.#offset, size, block: block.slice() });
    this.#offset += BLOCK_BYTES;
    if (isHandedOver(type)) return "handover";
    this.#skip = Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES;
    return "input";
  }
}
