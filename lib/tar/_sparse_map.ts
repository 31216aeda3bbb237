// The maps of GNU's four forms of sparse files, read block by block.
import type { Bytes } from "../model/bytes.ts";
import { InvalidTarError } from "../model/errors.ts";
import { BLOCK_SIZE, numericField } from "./header.ts";
import { paxInteger } from "./pax.ts";
import { shortText } from "./_short_text.ts";
import {
  checkSparseCount,
  checkSparseMap,
  checkSparseMapBytes,
  type SparseEntry,
} from "./sparse.ts";

const NO_BYTES: Bytes = new Uint8Array(0);
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** A number of a map; zeros may stand in front of it. */
const NUMBER_REGEXP = /^0*[0-9]{1,16}$/;

/** Lines of a map are numbers; with zeros in front they have at most two blocks. */
const MAX_LINE_LENGTH: number = 2 * BLOCK_SIZE;

// Fields of GNU's old sparse headers.
const MAP_AT = 386;
const MAP_PIECES = 4;
const IS_EXTENDED_AT = 482;
const REAL_SIZE_AT = 483;
const EXTENSION_PIECES = 21;
const EXTENSION_IS_EXTENDED_AT = 504;
const NUMBER_BYTES = 12;

/**
 * The map of a sparse file while it is read. It says where its next block lies, and whoever has the
 * blocks pushes them; nothing here reads.
 */
export interface SparseMapReader {
  /** The size of the file, holes included. */
  readonly realSize: number;
  /** Where the next block of the map is: behind the header, first in the content, or nowhere. */
  readonly next: "header" | "content" | undefined;
  /**
   * Takes the block.
   *
   * @param block Its 512 bytes; fewer when the archive ends in it.
   */
  push(block: Bytes): void;
  /**
   * Proves the map.
   *
   * @param storedSize The bytes of content that the archive holds, without the map.
   * @returns The pieces that hold bytes.
   */
  finish(storedSize: number): SparseEntry[];
}

function refuse(what: string, archiveOffset: number): never {
  throw new InvalidTarError(`Cannot read the sparse file at byte ${archiveOffset}: ${what}`, {
    offset: archiveOffset,
  });
}

/** GNU's old form has a map in the header and in blocks behind it. */
class OldMap implements SparseMapReader {
  readonly realSize: number;
  next: "header" | undefined;
  readonly #offset: number;
  readonly #map: SparseEntry[] = [];
  #mapBytes = 0;

  constructor(header: Bytes, archiveOffset: number) {
    this.#offset = archiveOffset;
    this.realSize = numericField(
      header,
      REAL_SIZE_AT,
      NUMBER_BYTES,
      "the real size",
      archiveOffset,
    );
    this.#take(header, MAP_AT, MAP_PIECES, IS_EXTENDED_AT);
  }

  #take(block: Bytes, start: number, count: number, isExtendedAt: number): void {
    const number = (at: number, what: string): number =>
      numericField(block, at, NUMBER_BYTES, what, this.#offset);
    for (let piece = 0; piece < count; piece++) {
      const at = start + piece * 2 * NUMBER_BYTES;
      if (block[at] === 0) break;
      this.#map.push({
        offset: number(at, "a sparse offset"),
        length: number(at + NUMBER_BYTES, "a sparse length"),
      });
    }
    checkSparseCount(this.#map.length, this.#offset);
    this.next = block[isExtendedAt] === 0 ? undefined : "header";
  }

  push(block: Bytes): void {
    if (block.length < BLOCK_SIZE) refuse("its map is cut short", this.#offset);
    this.#mapBytes += BLOCK_SIZE;
    checkSparseMapBytes(this.#mapBytes, this.#offset);
    this.#take(block, 0, EXTENSION_PIECES, EXTENSION_IS_EXTENDED_AT);
  }

  finish(storedSize: number): SparseEntry[] {
    return checkSparseMap(this.#map, this.realSize, storedSize, this.#offset);
  }
}

/** GNU pax sparse 1.0 has the map as lines of numbers before the content. */
class LeadingMap implements SparseMapReader {
  readonly realSize: number;
  next: "content" | undefined = "content";
  readonly #offset: number;
  readonly #numbers: number[] = [];
  #count: number | undefined;
  #unread = "";
  #mapBytes = 0;

  constructor(realSize: number, archiveOffset: number) {
    this.realSize = realSize;
    this.#offset = archiveOffset;
  }

  push(block: Bytes): void {
    if (block.length < BLOCK_SIZE) refuse("its map is cut short", this.#offset);
    this.#mapBytes += BLOCK_SIZE;
    checkSparseMapBytes(this.#mapBytes, this.#offset);
    const lines = (this.#unread + String.fromCharCode(...block)).split("\n");
    this.#unread = lines.pop() ?? "";
    for (const line of lines) {
      this.#takeLine(line);
      // What is behind the last number is padding.
      if (this.next === undefined) return;
    }
    if (this.#unread.length > MAX_LINE_LENGTH) refuse("bad map", this.#offset);
  }

  #takeLine(line: string): void {
    if (!NUMBER_REGEXP.test(line)) refuse("bad map", this.#offset);
    if (this.#count === undefined) {
      this.#count = Number(line);
      checkSparseCount(this.#count, this.#offset);
    } else this.#numbers.push(Number(line));
    if (this.#numbers.length === 2 * this.#count) this.next = undefined;
  }

  finish(storedSize: number): SparseEntry[] {
    return checkSparseMap(pairs(this.#numbers), this.realSize, storedSize, this.#offset);
  }
}

/** GNU pax sparse 0.0 and 0.1 have the map in the pax header, and say its length twice. */
class ListedMap implements SparseMapReader {
  readonly realSize: number;
  readonly next = undefined;
  readonly #offset: number;
  readonly #map: readonly SparseEntry[];

  constructor(records: ReadonlyMap<string, Bytes>, realSize: number, archiveOffset: number) {
    this.realSize = realSize;
    this.#offset = archiveOffset;
    const list = decoder.decode(records.get("GNU.sparse.map") ?? NO_BYTES);
    const parts = list === "" ? [] : list.split(",");
    checkSparseCount(parts.length / 2, archiveOffset);
    if (parts.length % 2 !== 0 || !parts.every((part) => NUMBER_REGEXP.test(part))) {
      refuse("bad map", archiveOffset);
    }
    this.#map = pairs(parts.map(Number));
    const count = records.get("GNU.sparse.numblocks") ?? NO_BYTES;
    if (paxInteger(count, "GNU.sparse.numblocks", archiveOffset) !== this.#map.length) {
      refuse("its map has another number of pieces", archiveOffset);
    }
  }

  push(): void {
    refuse("its map has no blocks", this.#offset);
  }

  finish(storedSize: number): SparseEntry[] {
    return checkSparseMap(this.#map, this.realSize, storedSize, this.#offset);
  }
}

function pairs(numbers: readonly number[]): SparseEntry[] {
  const map: SparseEntry[] = [];
  for (let at = 0; at + 1 < numbers.length; at += 2) {
    map.push({ offset: numbers[at] ?? 0, length: numbers[at + 1] ?? 0 });
  }
  return map;
}

/** Which of GNU's pax forms of a sparse file it is; `undefined` for other files. */
function paxForm(records: ReadonlyMap<string, Bytes>): "listed" | "leading" | undefined {
  const major = records.get("GNU.sparse.major");
  const minor = records.get("GNU.sparse.minor");
  // GNU tar before 1.14 wrote no version.
  if (!major && !minor) return records.has("GNU.sparse.map") ? "listed" : undefined;
  switch (`${shortText(major ?? NO_BYTES)}.${shortText(minor ?? NO_BYTES)}`) {
    case "1.0":
      return "leading";
    case "0.0":
    case "0.1":
      return "listed";
    default:
      return undefined;
  }
}

/**
 * Opens the map of a file in GNU's old form.
 *
 * @param block The header.
 * @param archiveOffset For errors.
 * @returns The map, to be pushed blocks.
 */
export function oldSparseMap(block: Bytes, archiveOffset: number): SparseMapReader {
  return new OldMap(block, archiveOffset);
}

/**
 * Opens the map of a file in one of GNU's pax forms.
 *
 * @param records The pax records of the file.
 * @param storedSize The bytes of content that the archive holds, a map before it included.
 * @param archiveOffset For errors.
 * @returns The map, to be pushed blocks; `undefined` for a file that is not sparse.
 */
export function paxSparseMap(
  records: ReadonlyMap<string, Bytes>,
  storedSize: number,
  archiveOffset: number,
): SparseMapReader | undefined {
  const form = paxForm(records);
  if (form === undefined) return undefined;
  const real = records.get("GNU.sparse.size") ?? records.get("GNU.sparse.realsize");
  const realSize = real === undefined
    ? storedSize
    : paxInteger(real, "GNU.sparse.realsize", archiveOffset);
  return form === "leading"
    ? new LeadingMap(realSize, archiveOffset)
    : new ListedMap(records, realSize, archiveOffset);
}
