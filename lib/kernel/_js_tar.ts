// The tar scan in plain TypeScript; see wasm/assembly/tar.ts for the kernel's.
import type { TarRecord, TarScan, TarScanner, TarScanStop } from "./kernel.ts";
import {
  hasTarChecksum,
  hasTarContent,
  isTarMetadata,
  readTarNumber,
  TAR_BLOCK_BYTES,
} from "./tar_fields.ts";

// Fields of a header (POSIX.1-1988, ustar).
const NAME_END = 100;
const SIZE_AT = 124;
const SIZE_BYTES = 12;
const TYPE_AT = 156;
const TYPE_SPARSE = 0x53;

/** The most records of one scan; the kernel's record buffer has as many. */
export const MAX_TAR_RECORDS = 128;

/** The largest size whose padding a double still holds exactly. */
const MAX_SIZE: number = Number.MAX_SAFE_INTEGER - TAR_BLOCK_BYTES;

/** The last byte of the name in a header. */
function lastOfName(block: Uint8Array): number | undefined {
  let end = 0;
  while (end < NAME_END && block[end] !== 0) end++;
  return block[end - 1];
}

export class JSTarScanner implements TarScanner {
  #offset = 0;
  #skip = 0;
  readonly #partial = new Uint8Array(TAR_BLOCK_BYTES);
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
      const count = Math.min(TAR_BLOCK_BYTES - this.#partialBytes, piece.length - used);
      this.#partial.set(piece.subarray(used, used + count), this.#partialBytes);
      this.#partialBytes += count;
      used += count;
      if (this.#partialBytes < TAR_BLOCK_BYTES) break;
      this.#partialBytes = 0;
      const stop = this.#readHeader(records);
      if (stop !== "input") return { used, stop, records };
    }
    return { used, stop: "input", records };
  }

  #readHeader(records: TarRecord[]): TarScanStop {
    const block = this.#partial;
    if (block.every((byte) => byte === 0)) {
      this.#offset += TAR_BLOCK_BYTES;
      return "zeros";
    }
    if (!hasTarChecksum(block)) return "bad-checksum";
    const type = block[TYPE_AT] ?? 0;
    const stored = readTarNumber(block, SIZE_AT, SIZE_BYTES);
    if (stored === undefined || stored < 0 || stored > MAX_SIZE) return "bad-size";
    const size = hasTarContent(type, lastOfName(block)) ? stored : 0;
    records.push({ offset: this.#offset, size, block: block.slice() });
    this.#offset += TAR_BLOCK_BYTES;
    if (isTarMetadata(type) || type === TYPE_SPARSE) return "handover";
    this.#skip = Math.ceil(size / TAR_BLOCK_BYTES) * TAR_BLOCK_BYTES;
    return "input";
  }
}
