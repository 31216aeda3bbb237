// Damaged tar archives whose checksums are right, judged by GNU tar: what it takes without a word
// has the same entries for lading, or is refused because a number is none.
import { spawnSync } from "node:child_process";
import assert from "node:assert/strict";
import { streamOf } from "../../lib/bytes/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { isLadingError } from "../../lib/model/errors.ts";
import { readTar } from "../../lib/tar/mod.ts";
import { join, randomNumbers } from "../kernel/_kernels.ts";
import { base256, BLOCK, encode, END, header, record, seal } from "../tar/blocks.ts";

/** Types of files: what content the others have is a matter of taste. */
const TYPES = ["0", "\0", "7"];
const NUMBERS: readonly Uint8Array[] = [
  ...["0", "00000000017", "       17 ", "17\0 ", " 1000 \0", "8", "7 7", "-1", ""].map(encode),
  ...[0n, 17n, 513n, -1n, 2n ** 40n].map((value) => base256(value)),
];

/** An archive of a few entries, each with a body of its size. */
function archive(next: () => number): Bytes {
  const parts: Bytes[] = [];
  for (let count = 1 + next() % 4; count > 0; count--) {
    const size = next() % 1200;
    const body = new Uint8Array(Math.ceil(size / BLOCK) * BLOCK).fill(0x61, 0, size);
    const metadata = next() % 4;
    if (metadata === 0) {
      const name = encode(`long/${"n".repeat(1 + next() % 140)}\0`);
      parts.push(
        header({ name: "././@LongLink", type: "L", size: name.length, magic: "ustar  \0" }),
      );
      parts.push(join(name, new Uint8Array(BLOCK - name.length % BLOCK)));
    } else if (metadata === 1) {
      const records = join(record("path", `pax/${count}`), record("mtime", "1.5"));
      parts.push(header({ name: "pax", type: "x", size: records.length }));
      parts.push(join(records, new Uint8Array(BLOCK - records.length)));
    }
    const prefix = next() % 5 === 0 ? "before" : "";
    parts.push(header({ name: `entry${count}`, size, prefix, mtime: next() % 1e6 }), body);
  }
  return join(...parts, END);
}

/** Changes fields of headers of files, and gives the headers their checksums again. */
function mutate(bytes: Bytes, next: () => number): Bytes {
  const headers: number[] = [];
  for (let at = 0; at < bytes.length; at += BLOCK) {
    const isHeader = String.fromCharCode(...bytes.subarray(at + 257, at + 262)) === "ustar";
    if (isHeader && bytes[at + 156] === 0x30) headers.push(at);
  }
  for (let changes = 1 + next() % 2; changes > 0; changes--) {
    const at = headers[next() % headers.length] ?? 0;
    const number = NUMBERS[next() % NUMBERS.length] ?? new Uint8Array(0);
    switch (next() % 4) {
      case 0:
        bytes.fill(0, at + 124, at + 136);
        bytes.set(number.subarray(0, 12), at + 124);
        break;
      case 1:
        bytes.fill(0, at + 136, at + 148);
        bytes.set(number.subarray(0, 12), at + 136);
        break;
      case 2:
        bytes.set(encode(TYPES[next() % TYPES.length] ?? "0"), at + 156);
        break;
      default:
        bytes[at + 257 + next() % 8] = next() % 2 === 0 ? 0 : 0x20;
    }
    seal(bytes.subarray(at, at + BLOCK));
  }
  return bytes;
}

/** What GNU tar lists; `undefined` when it has a word to say. */
function listed(bytes: Bytes): string[] | undefined {
  const { status, stdout, stderr } = spawnSync(
    "tar",
    ["-tvf", "-", "--numeric-owner", "--absolute-names"],
    { input: bytes, env: { ...globalThis.process.env, TZ: "UTC", LC_ALL: "C" } },
  );
  if (status !== 0 || stderr.length > 0) return undefined;
  return stdout.toString("latin1").split("\n").filter((line) => line !== "").map((line) => {
    const [, size = "", name = ""] = /^\S+ +\S+ +(\d+) +\S+ +\S+ +(.*)$/.exec(line) ?? [];
    return `${name} ${size}`;
  });
}

async function read(bytes: Bytes): Promise<string[] | string> {
  const entries: string[] = [];
  try {
    for await (const entry of readTar(streamOf(bytes))) entries.push(`${entry.path} ${entry.size}`);
    return entries;
  } catch (error) {
    if (!isLadingError(error)) throw error;
    return error.message;
  }
}

/** Makes mutants and has them judged; gives how many both took. */
export async function judgeArchives(seed: number, count: number): Promise<number> {
  const next = randomNumbers(seed);
  let both = 0;
  for (let turn = 0; turn < count; turn++) {
    const bytes = mutate(archive(next), next);
    const expected = listed(bytes);
    if (expected === undefined) continue;
    const found = await read(bytes);
    const what = `mutant ${turn} of seed ${seed}`;
    if (typeof found === "string") {
      assert.match(found, /: the (size|time) is no number$/, what);
      continue;
    }
    both++;
    assert.deepEqual(found, expected, what);
  }
  return both;
}
