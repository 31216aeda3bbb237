import type { Bytes } from "../model/bytes.ts";
import { LadingError } from "../model/errors.ts";
import { type KernelExports, kernelOf, markBroken } from "./_exports.ts";
import { hasTarChecksum, readTarFields, TAR_BLOCK_BYTES, TAR_FIELD_COUNT } from "./tar_rules.ts";

/** Doubles of an entry in the kernel's buffer: the address of its header, then the fields. */
const ENTRY_DOUBLES = 1 + TAR_FIELD_COUNT;
const DOUBLE_BYTES = 8;

/**
 * Reads headers of an archive that is read from its start to its end. Where a header lies in memory of
 * the kernel, it is the kernel that reads it there, and those that it finds behind it; else it is read
 * here. The rules are the same (tar_rules.ts).
 */
export class TarScan {
  #buffer: ArrayBufferLike | undefined;
  /** Who has the memory that headers lie in. */
  #kernel: KernelExports | undefined;
  /** The kernel's buffer of entries, as part of its memory. */
  #doubles = new Float64Array(0);
  #first = 0;
  /** The next entry of the buffer, and the one behind the last. */
  #next = 0;
  #end = 0;
  /** What headers say that are read here. */
  #own: Float64Array<ArrayBuffer> | undefined;
  #fields = this.#doubles;
  #at = 0;

  /**
   * Reads a header and proves its checksum.
   *
   * @param block The 512 bytes of it.
   * @param behind How many bytes of the archive follow them in memory.
   * @returns Whether it is a header.
   * @throws {LadingError} when the kernel fails, whose instance nobody gets again.
   */
  read(block: Bytes, behind: number): boolean {
    const { buffer } = block;
    if (buffer !== this.#buffer) this.#look(buffer);
    const kernel = this.#kernel;
    if (kernel === undefined) return this.#readHere(block);
    const address = block.byteOffset;
    if (this.#next === this.#end || this.#doubles[this.#next] !== address) {
      const count = scanFrom(kernel, address, address + TAR_BLOCK_BYTES + behind);
      if (count === 0) return false;
      this.#next = this.#first;
      this.#end = this.#first + count * ENTRY_DOUBLES;
    }
    this.#fields = this.#doubles;
    this.#at = this.#next + 1;
    this.#next += ENTRY_DOUBLES;
    return true;
  }

  /** Forgets what was found ahead: the memory has other content from now on. */
  forget(): void {
    this.#end = this.#next;
  }

  /** Gives a field of the header that was read last, by its number in tar_rules.ts. */
  field(index: number): number {
    const value = this.#fields[this.#at + index] ?? 0;
    // V8 makes an object of every number that is kept as a double.
    const integer = value | 0;
    return integer === value ? integer : value;
  }

  /** Looks whose memory it is: that of most headers is the same. */
  #look(buffer: ArrayBufferLike): void {
    this.#buffer = buffer;
    this.#kernel = kernelOf(buffer);
    this.forget();
    if (this.#kernel === undefined) return;
    this.#doubles = new Float64Array(buffer as ArrayBuffer);
    this.#first = (this.#kernel.TAR_ENTRIES.value as number) / DOUBLE_BYTES;
  }

  #readHere(block: Bytes): boolean {
    if (!hasTarChecksum(block)) return false;
    this.#fields = this.#own ??= new Float64Array(TAR_FIELD_COUNT);
    this.#at = 0;
    readTarFields(block, this.#fields);
    return true;
  }
}

function scanFrom(kernel: KernelExports, start: number, end: number): number {
  try {
    return kernel.tarScan(start, end);
  } catch (cause) {
    markBroken(kernel);
    throw new LadingError("KERNEL_FAILED", "Cannot read a tar header: the kernel failed", {
      cause,
    });
  }
}
