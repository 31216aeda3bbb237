import type { TarEntry } from "../tar/entry.ts";
import { MAX_PATH_LENGTH, sanitizePath } from "../tar/path.ts";
import { decodeName } from "./_lossless_name.ts";

/**
 * Turns the name of a layer's entry into the path it has in the file tree of an image, under the
 * rules of Linux: a backslash and a colon are letters like any other, as in the unit
 * `system-systemd\x2dcryptsetup.slice` of many images. Names that are no UTF-8 keep their bytes as
 * lone surrogates.
 *
 * @param name The bytes of the name.
 * @returns The path without a leading slash; `""` is the root.
 * @throws {UnsafePathError} when it leads upwards or holds a NUL.
 * @throws {LimitExceededError} when it is too long or too deep.
 */
export function layerPath(name: Uint8Array): string {
  // Too long a name is refused as text, whose begin says which one.
  if (name.length > MAX_PATH_LENGTH) name = name.subarray(0, MAX_PATH_LENGTH + 1);
  return sanitizePath(decodeName(name), { system: "posix" });
}

/**
 * Gives the path that an entry has in the file tree of an image; see {@linkcode layerPath}.
 *
 * @param entry The entry.
 * @returns The path.
 */
export function entryPath({ path, pathBytes }: Pick<TarEntry, "path" | "pathBytes">): string {
  // The text of a name says all where no bytes of it were replaced.
  return path.includes("\ufffd") ? layerPath(pathBytes) : sanitizePath(path, { system: "posix" });
}
