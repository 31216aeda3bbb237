// Mutants of archives of the corpus, and what is asked of the reader whatever comes: that it ends,
// throws nothing but its own errors, goes forward only, and says the same of the same bytes however
// they are cut. Headers get their checksum again, so that mutants come past the front door.
import assert from "node:assert/strict";
import { type Feed, feedOf } from "../../lib/bytes/feed.ts";
import { decompressFeed } from "../../lib/compress/decompress.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";
import { isLadingError } from "../../lib/model/errors.ts";
import { EntryReader } from "../../lib/tar/entry_reader.ts";
import { readEntries } from "../../lib/tar/read_entries.ts";
import { corpusBytes, corpusList } from "../support/corpus.ts";
import { deflate, KERNELS } from "../kernel/_kernels.ts";
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
async function tell(archive: Feed, length: number): Promise<string[]> {
  const lines: string[] = [];
  let last = -1;
  try {
    for await (const entry of readEntries(new EntryReader(() => archive, {}), () => {})) {
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
    const lines = await tell(feedOf(cut(mutant, () => 2999)), mutant.length).catch(
      (cause: unknown) => {
        throw new Error(label, { cause });
      },
    );
    assert.deepEqual(await tell(feedOf(cut(mutant, next)), mutant.length), lines, label);
    if (/^(INVALID_TAR|LIMIT_EXCEEDED) /.test(lines.at(-1) ?? "")) refused++;
  }
  return { taken: count - refused, refused };
}

/**
 * Has mutants read where kernels inflate them to: each says what is said of the bytes alone; gives how
 * many entries there were.
 */
export async function readInflatedMutants(
  archives: readonly Bytes[],
  seed: number,
  count: number,
): Promise<number> {
  const next = randomNumbers(seed);
  let entries = 0;
  for (let index = 0; index < count; index++) {
    const mutant = mutate(archives[index % archives.length] ?? END, next);
    const label = `mutant ${index} of seed ${seed}, ${mutant.length} bytes`;
    const lines = await tell(feedOf(cut(mutant, next)), mutant.length);
    for (const kernel of KERNELS) {
      const compressed = deflate(kernel, mutant, { level: 1 });
      const inflated = decompressFeed(feedOf(cut(compressed, next)), { kernel });
      assert.deepEqual(await tell(inflated, mutant.length), lines, `${label}, ${kernel.kind}`);
    }
    entries += lines.length;
  }
  return entries;
}
