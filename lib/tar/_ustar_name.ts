import type { Bytes } from "../model/bytes.ts";

const NONE: Bytes = new Uint8Array(0);

/** Splits a long name at a slash into prefix and name, as ustar has it. */
export function splitName(
  path: Bytes,
): { readonly prefix: Bytes; readonly name: Bytes } | undefined {
  if (path.length <= 100) return { prefix: NONE, name: path };
  for (let at = Math.min(155, path.length - 2); at > 0; at--) {
    if (path[at] !== 0x2f) continue;
    const name = path.slice(at + 1);
    return name.length <= 100 ? { prefix: path.slice(0, at), name } : undefined;
  }
  return undefined;
}
