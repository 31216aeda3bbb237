import { LimitExceededError, UnsafePathError } from "../model/errors.ts";

/** The longest path in bytes of UTF-8: PATH_MAX of Linux, which no unpacked path can exceed. */
export const MAX_PATH_LENGTH = 4096;

/** The most components of a path; deeper ones serve nothing but attacks on recursion. */
export const MAX_PATH_DEPTH = 1024;

const DRIVE_REGEXP = /^[A-Za-z]:/;

/** Finds paths that have to be looked at part by part, behind a `./` and before a slash at the end. */
const UNUSUAL_REGEXP = /[\0\\]|^[A-Za-z]:|(?:^|\/)\.{0,2}(?:\/|$)/;

/** Options of {@linkcode sanitizePath}. */
export interface SanitizePathOptions {
  /**
   * Whose rules the path has to be safe by. With `any`, the default, backslashes and drive letters
   * are refused: a path that is one name on Linux is several on Windows. With `posix` they are
   * letters like any other, as in `system-systemd\x2dcryptsetup.slice` of many images; for trees
   * that never meet a disk, or one of Linux only.
   */
  readonly system?: "any" | "posix" | undefined;
}

function reasonAgainst(
  raw: string,
  parts: readonly string[],
  system: "any" | "posix",
): string | undefined {
  if (raw.includes("\0")) return "it holds a NUL character";
  if (parts.includes("..")) return "it leads upwards with `..`";
  if (system === "posix") return undefined;
  if (raw.includes("\\")) return "it holds a backslash, which separates folders on Windows";
  if (DRIVE_REGEXP.test(parts[0] ?? "")) return "it starts with a drive letter";
  return undefined;
}

/** Tells whether UTF-8 of a text may be too long; no code unit takes more than three bytes. */
function isTooLong(text: string): boolean {
  // No character takes less than a byte, so this bounds the work.
  if (text.length > MAX_PATH_LENGTH) return true;
  return 3 * text.length > MAX_PATH_LENGTH && byteLength(text) > MAX_PATH_LENGTH;
}

/** Counts bytes of UTF-8. A lone surrogate stands for one byte that is no UTF-8. */
function byteLength(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    const isLone = code >= 0xd800 && code < 0xe000;
    bytes += code < 0x80 || isLone ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}

/**
 * Turns the raw name of an archive entry into a path that stays below a root. Slashes at the begin
 * and the end, doubled slashes and `.` components go away. Nothing is unescaped or normalised, and
 * symbolic links are not looked at: who writes to a disk has to resolve them below the root.
 *
 * @param raw The name as the archive has it.
 * @param options Whose rules count.
 * @returns The path without a leading slash; `""` is the root itself.
 * @throws {UnsafePathError} when a part is `..`, or the name holds a NUL, a backslash or a drive.
 * @throws {LimitExceededError} when it is longer than 4,096 bytes or deeper than 1,024 levels.
 *
 * @example What stays and what is refused
 * ```ts
 * import { sanitizePath } from "@lading/lading/tar";
 *
 * console.log(sanitizePath("./etc//passwd")); // etc/passwd
 * console.log(sanitizePath("units/a\\x2db.slice", { system: "posix" })); // units/a\x2db.slice
 * ```
 */
export function sanitizePath(raw: string, options: SanitizePathOptions = {}): string {
  if (isTooLong(raw)) {
    throw new LimitExceededError(`${attempted(raw)}: it is longer than ${MAX_PATH_LENGTH} bytes`, {
      limit: MAX_PATH_LENGTH,
      unit: "bytes",
    });
  }
  const path = raw.slice(raw.startsWith("./") ? 2 : 0, raw.endsWith("/") ? -1 : undefined);
  // A path of so few letters is not too deep.
  if (path.length <= MAX_PATH_DEPTH && !UNUSUAL_REGEXP.test(path)) return path;
  const parts = raw.split("/").filter((part) => part !== "" && part !== ".");
  const reason = reasonAgainst(raw, parts, options.system ?? "any");
  if (reason !== undefined) {
    throw new UnsafePathError(`${attempted(raw)}: ${reason}`, { path: raw, reason });
  }
  if (parts.length > MAX_PATH_DEPTH) {
    throw new LimitExceededError(`${attempted(raw)}: it is deeper than ${MAX_PATH_DEPTH} levels`, {
      limit: MAX_PATH_DEPTH,
      unit: "levels",
    });
  }
  return parts.join("/");
}

function attempted(raw: string): string {
  return `Cannot use the path ${JSON.stringify(raw.slice(0, 256))}`;
}
