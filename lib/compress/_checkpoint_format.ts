import { concatBytes } from "../bytes/concat.ts";
import { digestBytes } from "../hash/digest_bytes.ts";
import type { Bytes } from "../model/bytes.ts";
import { parseDigest } from "../model/digest.ts";
import { CorruptStreamError } from "../model/errors.ts";
import { decodeHex, encodeHex } from "../model/hex.ts";
import type { Checkpoint, Checkpoints } from "./checkpoint.ts";

// Numbers are little endian.
//
//   "LADINGCP" | version 4 | count 4 | compressed size 8 | size 8
//   count times: compressed offset 8 | offset 8 | bit 1 | is member 1 | history length 2 |
//                SHA-256 of the span 32 | history
//   SHA-256 of all that 32
const MAGIC = new TextEncoder().encode("LADINGCP");
const VERSION = 1;
const HEADER_BYTES = 32;
const POINT_BYTES = 52;
const HASH_BYTES = 32;

/** RFC 1951 §2: a distance reaches at most 32 KiB back. */
export const HISTORY_BYTES = 32_768;

/**
 * The most checkpoints that are kept or taken in: 128 MiB with their histories.
 */
export const MAX_CHECKPOINTS: number = 4096;

/** Turns checkpoints into bytes. */
export function encodePoints({ points, compressedSize, size }: Checkpoints): Bytes {
  const header = new DataView(new ArrayBuffer(HEADER_BYTES));
  new Uint8Array(header.buffer).set(MAGIC);
  header.setUint32(8, VERSION, true);
  header.setUint32(12, points.length, true);
  header.setBigUint64(16, BigInt(compressedSize), true);
  header.setBigUint64(24, BigInt(size), true);
  const parts: Bytes[] = [new Uint8Array(header.buffer)];
  for (const point of points) {
    const view = new DataView(new ArrayBuffer(POINT_BYTES));
    view.setBigUint64(0, BigInt(point.compressedOffset), true);
    view.setBigUint64(8, BigInt(point.offset), true);
    view.setUint8(16, point.bit);
    view.setUint8(17, point.isMember ? 1 : 0);
    view.setUint16(18, point.history.byteLength, true);
    const bytes = new Uint8Array(view.buffer);
    bytes.set(decodeHex(parseDigest(point.digest).encoded), 20);
    parts.push(bytes, point.history);
  }
  const body = concatBytes(parts);
  return concatBytes([body, hashOf(body)]);
}

/** Takes bytes of {@linkcode encodePoints} apart, trusting none of them. */
export function decodePoints(bytes: Uint8Array): Checkpoints {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const bodyBytes = bytes.byteLength - HASH_BYTES;
  if (bodyBytes < HEADER_BYTES || !MAGIC.every((byte, index) => bytes[index] === byte)) {
    throw damaged("they are not in lading's format");
  }
  const version = view.getUint32(8, true);
  if (version !== VERSION) throw damaged(`they have the version ${version}, not ${VERSION}`);
  const body = bytes.subarray(0, bodyBytes);
  if (!hashOf(body).every((byte, index) => bytes[bodyBytes + index] === byte)) {
    throw damaged("they have another digest than they say");
  }
  const count = view.getUint32(12, true);
  if (count > MAX_CHECKPOINTS) throw damaged(`there are more than ${MAX_CHECKPOINTS}`);
  const compressedSize = Number(view.getBigUint64(16, true));
  const size = Number(view.getBigUint64(24, true));
  const points: Checkpoint[] = [];
  let at = HEADER_BYTES;
  for (let index = 0; index < count; index++) {
    if (at + POINT_BYTES > bodyBytes) throw damaged("they are cut short");
    const historyBytes = view.getUint16(at + 18, true);
    const end = at + POINT_BYTES + historyBytes;
    if (historyBytes > HISTORY_BYTES || end > bodyBytes) throw damaged("they are cut short");
    points.push({
      compressedOffset: Number(view.getBigUint64(at, true)),
      offset: Number(view.getBigUint64(at + 8, true)),
      bit: view.getUint8(at + 16),
      isMember: view.getUint8(at + 17) === 1,
      digest: `sha256:${encodeHex(bytes.subarray(at + 20, at + POINT_BYTES))}`,
      history: bytes.slice(at + POINT_BYTES, end) as Bytes,
    });
    at = end;
  }
  if (at !== bodyBytes) throw damaged("other bytes follow them");
  checkPoints({ points, compressedSize, size });
  return { points, compressedSize, size };
}

/**
 * Checks that checkpoints can be ones: they go up from the begin of the stream, and lie in it.
 *
 * @throws {CorruptStreamError} when they cannot.
 */
export function checkPoints({ points, compressedSize, size }: Checkpoints): void {
  const isNumber = (value: number) => Number.isSafeInteger(value) && value >= 0;
  if (!isNumber(compressedSize) || !isNumber(size)) throw damaged("a size is no number of bytes");
  let last: Checkpoint | undefined;
  for (const point of points) {
    const { compressedOffset, offset, bit, isMember, history } = point;
    const isPlace = isNumber(compressedOffset) && compressedOffset < compressedSize &&
      isNumber(offset) && offset <= size && isNumber(bit) && bit < 8;
    const isNext = last === undefined
      ? compressedOffset === 0 && offset === 0 && isMember
      : compressedOffset > last.compressedOffset && offset >= last.offset;
    const isWhole = isMember ? bit === 0 && history.byteLength === 0 : last !== undefined &&
      history.byteLength === Math.min(offset, HISTORY_BYTES);
    if (!isPlace || !isNext || !isWhole) throw damaged("they contradict one another");
    last = point;
  }
  if (last === undefined) throw damaged("there are none");
}

function hashOf(bytes: Uint8Array): Bytes {
  return decodeHex(parseDigest(digestBytes("sha256", bytes)).encoded);
}

function damaged(reason: string): CorruptStreamError {
  return new CorruptStreamError(`Cannot read checkpoints: ${reason}`);
}
