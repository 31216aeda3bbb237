// Mutants of archives of the corpus, and what is asked of the reader whatever comes: that it ends,
// throws nothing but its own errors, goes forward only, and says the same of the same bytes however
// they are cut. Headers get their checksum again, so that mutants come past the front door.
import assert from "node:assert/strict";
import { digestBytes } from "../../lib/hash/mod.ts";
import type { Kernel } from "../../lib/kernel/mod.ts";
import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";
import { isLadingError } from "../../lib/model/errors.ts";
import { readTar } from "../../lib/tar/mod.ts";
import { corpusBytes, corpusList } from "../support/corpus.ts";
import { KERNELS } from "../kernel/_kernels.ts";
import { base256, BLOCK, encode, END, header, join, record, seal } from "./blocks.ts";

const MAX_SEED_BYTES = 40_000;
const CODES = ["INVALID_TAR", "LIMIT_EXCEEDED"];

/** Numbers of a fixed sequence (mulberry32). */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = state + 0x6d2b79f5 | 0;
    let mixed = Math.imul(state ^ state >>> 15, state | 1);
    mixed ^= mixed + Math.imul(mixed ^ mixed >>> 7, mixed | 61);
    return Math.floor(((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32 * below);
  };
}

/** Texts that mean something in an archive. */
const DICTIONARY: readonly Uint8Array[] = [
  ..."0123456 xgXLKSVMDA7".split("").map(encode),
  ...["ustar\u000000", "ustar  \0", "../", "/", "\0", "\n", "=", "00000000000", "77777777777"]
    .map(encode),
  ...["path=", "size=", "GNU.sparse.map=", "GNU.sparse.major=1", "GNU.sparse.realsize="]
    .map(encode),
  ...["GNU.sparse.offset=", "GNU.sparse.numbytes=", "SCHILY.xattr.", "mtime=", "linkpath="]
    .map(encode),
  ...[0n, -1n, 2n ** 31n, 2n ** 53n, 2n ** 63n, 511n].map((value) => base256(value)),
  new Uint8Array(BLOCK),
  record("size", "1"),
  record("GNU.sparse.map", "0,1"),
  header({ type: "x", size: 10 }),
  header({ type: "L", size: 5 }),
  header({ type: "S", size: 5, magic: "ustar  " }),
];

const looksLikeHeader = (block: Uint8Array): boolean =>
  block.length === BLOCK &&
  /^[0-7 ]{4,7}[\0 ]/.test(new TextDecoder().decode(block.slice(148, 156)));

/** Changes an archive in a few places and repairs the checksums of its headers. */
function mutate(seed: Bytes, next: (below: number) => number): Bytes {
  let bytes = seed.slice();
  const blocks = (): number => Math.max(1, Math.floor(bytes.length / BLOCK));
  const isHeader = Array.from(
    { length: blocks() },
    (_, index) => looksLikeHeader(bytes.subarray(index * BLOCK, (index + 1) * BLOCK)),
  );
  for (let round = 1 + next(4); round > 0; round--) {
    const at = next(bytes.length);
    switch (next(8)) {
      case 0:
        bytes[at] = (bytes[at] ?? 0) ^ 1 << next(8);
        break;
      case 1:
        bytes[at] = next(256);
        break;
      case 2:
      case 3: {
        const word = DICTIONARY[next(DICTIONARY.length)] ?? new Uint8Array();
        bytes.set(word.subarray(0, bytes.length - at), at);
        break;
      }
      case 4: {
        // A field of a header: size, type, link, magic, sparse map.
        const start = next(blocks()) * BLOCK;
        const field = [124, 156, 157, 257, 345, 386, 482, 483][next(8)] ?? 0;
        const word = DICTIONARY[next(DICTIONARY.length)] ?? new Uint8Array();
        bytes.set(
          word.subarray(0, Math.max(0, Math.min(12, bytes.length - start - field))),
          Math.min(start + field, bytes.length),
        );
        break;
      }
      case 5: {
        // Copies a block over or between others.
        const from = next(blocks()) * BLOCK;
        const to = next(blocks()) * BLOCK;
        const block = bytes.slice(from, from + BLOCK);
        bytes = join(bytes.subarray(0, to), block, bytes.subarray(to + BLOCK * next(2)));
        break;
      }
      case 6: {
        const from = next(blocks()) * BLOCK;
        bytes = join(bytes.subarray(0, from), bytes.subarray(from + BLOCK * (1 + next(3))));
        break;
      }
      case 7:
        bytes = bytes.slice(0, next(4) === 0 ? at : bytes.length);
        break;
    }
    if (bytes.length === 0) return bytes;
  }
  for (let at = 0; at + BLOCK <= bytes.length; at += BLOCK) {
    const block = bytes.subarray(at, at + BLOCK);
    // Checksums stay wrong now and then.
    if ((isHeader[at / BLOCK] || looksLikeHeader(block)) && next(20) > 0) seal(block);
  }
  return bytes;
}

function cut(bytes: Bytes, next: (below: number) => number): ByteStream {
  const pieces: Bytes[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = next(3) === 0 ? next(5) : 1 + next(3000);
    pieces.push(bytes.slice(at, at + length));
    at += length;
  }
  return new ReadableStream<Bytes>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });
}

/** What the reader says of an archive, as lines. */
async function tell(archive: ByteStream, length: number): Promise<string[]> {
  const lines: string[] = [];
  let last = -1;
  try {
    for await (const entry of readTar(archive)) {
      const { type, path, size, mode, uid, gid, mtimeNs, linkPath, headerOffset } = entry;
      assert.ok(headerOffset > last && headerOffset % BLOCK === 0, `offset ${headerOffset}`);
      assert.ok(entry.bodyOffset <= length, `content at ${entry.bodyOffset} of ${length}`);
      assert.ok(Number.isSafeInteger(size) && size >= 0, `size ${size}`);
      last = headerOffset;
      lines.push([type, path, size, mode, uid, gid, mtimeNs, linkPath, headerOffset].join(" "));
      // Holes of gigabytes are looked at, not read.
      if (size > 1 << 20) await entry.body.cancel();
      else lines.push(digestBytes("sha256", await entry.bytes()));
    }
  } catch (error) {
    if (!isLadingError(error)) throw error;
    assert.ok(CODES.includes(error.code), error.code);
    lines.push(`${error.code} ${error.message}`);
  }
  return lines;
}

/** Archives of all kinds; long ones are cut. */
export async function tarSeeds(): Promise<Bytes[]> {
  const folders = ["go-archive-tar", "libarchive", "made-by-gnu-tar", "made-by-bsdtar"];
  folders.push("tar-stream", "tar-split", "layer-breakouts", "made-by-docker-cli");
  const found: Bytes[] = [];
  for (const folder of folders) {
    for (const file of await corpusList(folder)) {
      if (!file.endsWith(".tar")) continue;
      const bytes = await corpusBytes(file);
      if (bytes.length > 0) found.push(bytes.slice(0, MAX_SEED_BYTES));
    }
  }
  return found;
}

/** Reads mutants; gives how many were taken and refused. */
export async function readMutants(
  archives: readonly Bytes[],
  seed: number,
  count: number,
): Promise<{ taken: number; refused: number }> {
  const next = randomNumbers(seed);
  let refused = 0;
  for (let index = 0; index < count; index++) {
    const mutant = mutate(archives[index % archives.length] ?? END, next);
    const label = `mutant ${index} of seed ${seed}, ${mutant.length} bytes`;
    const lines = await tell(cut(mutant, () => 2999), mutant.length).catch((cause: unknown) => {
      throw new Error(label, { cause });
    });
    assert.deepEqual(await tell(cut(mutant, next), mutant.length), lines, label);
    if (/^(INVALID_TAR|LIMIT_EXCEEDED) /.test(lines.at(-1) ?? "")) refused++;
  }
  return { taken: count - refused, refused };
}

/** The headers that a scan finds, metadata and entries alike, and where it stopped for good. */
function scanned(kernel: Kernel, archive: Bytes, piece: () => number): readonly string[] {
  const scanner = kernel.tarScanner();
  const found: string[] = [];
  for (let at = 0; at < archive.length;) {
    const { used, stop, records } = scanner.scan(archive.subarray(at, at + piece()));
    for (const { offset, size } of records) found.push(`${offset} ${size}`);
    at += used;
    if (stop === "handover") scanner.skip(Math.ceil((records.at(-1)?.size ?? 0) / BLOCK) * BLOCK);
    else if (stop !== "full" && stop !== "input") return [...found, `${stop} ${scanner.offset}`];
  }
  return found;
}

/**
 * Has mutants scanned by the kernels, which find the same headers, and read, which finds entries at
 * no other places; gives how many entries there were.
 */
export async function scanMutants(
  archives: readonly Bytes[],
  seed: number,
  count: number,
): Promise<number> {
  const next = randomNumbers(seed);
  let entries = 0;
  for (let index = 0; index < count; index++) {
    const label = `mutant ${index} of seed ${seed}`;
    const mutant = mutate(archives[index % archives.length] ?? END, next);
    const [found = [], ...others] = KERNELS.map((kernel) =>
      scanned(kernel, mutant, () => 1 + next(5000))
    );
    for (const other of others) assert.deepEqual(other, found, label);
    const text = new TextDecoder("latin1").decode(mutant);
    // A scan knows neither the sizes and names of metadata nor the maps of old sparse files.
    if (/ (size|path)=|GNU\.sparse/.test(text)) continue;
    const headers = new Set(found.map((line) => Number(line.split(" ")[0])));
    try {
      for await (const { headerOffset, typeFlag } of readTar(cut(mutant, next))) {
        assert.ok(headers.has(headerOffset), `${label}: ${typeFlag} at ${headerOffset}`);
        entries++;
        // Nor names by GNU, which make directories of headers of V7.
        if (typeFlag === "S" || typeFlag === "\0") break;
      }
    } catch (error) {
      if (!isLadingError(error)) throw error;
    }
  }
  return entries;
}
