import { UnsafePathError } from "../model/errors.ts";

const PREFIX = ".wh.";
const OPAQUE = ".wh..wh..opq";
/** What AUFS kept for itself in layers of its time; no file of the image. */
const METADATA_PREFIX = ".wh..wh.";

/** What the last part of a path means in a layer. */
export type Whiteout =
  | { readonly kind: "delete"; readonly name: string }
  | { readonly kind: "opaque" }
  | { readonly kind: "metadata" };

/**
 * Reads a whiteout (OCI image-spec, layer.md §whiteouts): `.wh.name` deletes `name` of the lower
 * layers in the same directory, `.wh..wh..opq` everything that they have in it. Only the last part
 * of a path counts: `.wh.etc/file` is a file in a directory of that name.
 *
 * @param path A sanitised path of a layer.
 * @returns What it does, or `undefined` when it is a file of its own.
 * @throws {UnsafePathError} when it would delete the directory itself or the one above.
 */
export function parseWhiteout(path: string): Whiteout | undefined {
  if (!path.includes(PREFIX)) return undefined;
  const base = path.slice(path.lastIndexOf("/") + 1);
  if (path.startsWith(METADATA_PREFIX) && path !== OPAQUE) return { kind: "metadata" };
  if (!base.startsWith(PREFIX)) return undefined;
  if (base === OPAQUE) return { kind: "opaque" };
  if (base.startsWith(METADATA_PREFIX)) return { kind: "metadata" };
  const name = base.slice(PREFIX.length);
  if (name === "" || name === "." || name === "..") {
    throw new UnsafePathError(
      `Cannot apply the whiteout ${JSON.stringify(path)}: it deletes nothing that has a name`,
      { path, reason: "a whiteout has to name an entry of its directory" },
    );
  }
  return { kind: "delete", name };
}
