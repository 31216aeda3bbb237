import { LimitExceededError, UnsafePathError } from "../model/errors.ts";

/** The longest path in characters: PATH_MAX of Linux, which no unpacked path can exceed. */
export const MAX_PATH_LENGTH = 4096;

/** The most components of a path; deeper ones serve nothing but attacks on recursion. */
export const MAX_PATH_DEPTH = 1024;

const DRIVE_REGEXP = /^[A-Za-z]:/;

function reasonAgainst(raw: string): string | undefined {
  if (raw.includes("\0")) return "it holds a NUL character";
  if (raw.includes("\\")) return "it holds a backslash, which separates folders on Windows";
  if (DRIVE_REGEXP.test(raw)) return "it starts with a drive letter";
  if (raw.split("/").includes("..")) return "it leads upwards with `..`";
  return undefined;
}

/**
 * Turns the raw name of an archive entry into a path that stays below a root. Slashes at the begin
 * and the end, doubled slashes and `.` components go away.
 *
 * @param raw The name as the archive has it.
 * @returns The path without a leading slash; `""` is the root itself.
 * @throws {UnsafePathError} when a part is `..`, or the name holds a NUL, a backslash or a drive.
 * @throws {LimitExceededError} when it is longer than 4,096 characters or deeper than 1,024 levels.
 *
 * @example What stays and what is refused
 * ```ts
 * import { sanitizePath } from "./path.ts";
 *
 * console.log(sanitizePath("./etc//passwd")); // etc/passwd
 * ```
 */
export function sanitizePath(raw: string): string {
  const attempted = `Cannot use the path ${JSON.stringify(raw.slice(0, 256))}`;
  const reason = reasonAgainst(raw);
  if (reason !== undefined) {
    throw new UnsafePathError(`${attempted}: ${reason}`, { path: raw, reason });
  }
  if (raw.length > MAX_PATH_LENGTH) {
    throw new LimitExceededError(`${attempted}: it is longer than ${MAX_PATH_LENGTH} characters`, {
      limit: MAX_PATH_LENGTH,
      unit: "characters",
    });
  }
  const parts = raw.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.length > MAX_PATH_DEPTH) {
    throw new LimitExceededError(`${attempted}: it is deeper than ${MAX_PATH_DEPTH} levels`, {
      limit: MAX_PATH_DEPTH,
      unit: "levels",
    });
  }
  return parts.join("/");
}
