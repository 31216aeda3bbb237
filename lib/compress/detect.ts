/** A format of compressed data, or `none`. */
export type Compression = "gzip" | "zstd" | "bzip2" | "xz" | "none";

/** The bytes that {@linkcode detectCompression} looks at: those of the longest signature. */
export const DETECTION_BYTES: number = 10;

const GZIP = [0x1f, 0x8b] as const; // RFC 1952 §2.3.1
const ZSTD = [0x28, 0xb5, 0x2f, 0xfd] as const; // RFC 8878 §3.1.1
const XZ = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00] as const;
const BZIP2_BLOCK = [0x31, 0x41, 0x59, 0x26, 0x53, 0x59] as const;
const BZIP2_END = [0x17, 0x72, 0x45, 0x38, 0x50, 0x90] as const;

function hasAt(bytes: Uint8Array, at: number, signature: readonly number[]): boolean {
  for (let index = 0; index < signature.length; index++) {
    if (bytes[at + index] !== signature[index]) return false;
  }
  return true;
}

// "BZh", the level, and the number that starts a block or the end: a tar may begin with "BZh5",
// as the name of its first entry.
function isBzip2(bytes: Uint8Array): boolean {
  const level = bytes[3] ?? 0;
  return hasAt(bytes, 0, [0x42, 0x5a, 0x68]) && level >= 0x31 && level <= 0x39 &&
    (hasAt(bytes, 4, BZIP2_BLOCK) || hasAt(bytes, 4, BZIP2_END));
}

// RFC 8878 §3.1.2: 16 numbers mark skippable frames. zstd:chunked layers may begin with one.
function isSkippableFrame(bytes: Uint8Array): boolean {
  return ((bytes[0] ?? 0) & 0xf0) === 0x50 && hasAt(bytes, 1, [0x2a, 0x4d, 0x18]);
}

/**
 * Tells how content is compressed by its first bytes. Media types are no proof: layers of a wrong
 * type are common.
 *
 * @param prefix The first {@linkcode DETECTION_BYTES} bytes, or all there are.
 * @returns The format; `none` for anything else.
 *
 * @example
 * ```ts
 * import { detectCompression } from "@lading/lading/compress";
 *
 * console.log(detectCompression(Uint8Array.of(0x1f, 0x8b, 8))); // gzip
 * ```
 */
export function detectCompression(prefix: Uint8Array): Compression {
  if (hasAt(prefix, 0, GZIP)) return "gzip";
  if (hasAt(prefix, 0, ZSTD) || isSkippableFrame(prefix)) return "zstd";
  if (hasAt(prefix, 0, XZ)) return "xz";
  return isBzip2(prefix) ? "bzip2" : "none";
}
