import type { LayerEntry } from "./layer_source.ts";
import { type LayerRules, linkTarget, parentEntry, type PlacedEntry } from "./_layer_rules.ts";
import { encodeName, showName } from "./_lossless_name.ts";

// A layer of Windows has the files of drive C below `Files`, and the hives of the registry below
// `Hives`; each layer has both directories (microsoft/hcsshim, internal/wclayer).
const FILES = "Files";
const HIVES = "Hives";

// [MS-DTYP] §2.4.6, self-relative: owner and group are S-1-5-32-545, BUILTIN\Users, and there is no
// access list, so that any user of the container may use the files, and run them. SDDL: O:BUG:BU.
const SECURITY_DESCRIPTOR =
  "AQAAgBQAAAAkAAAAAAAAAAAAAAABAgAAAAAABSAAAAAhAgAAAQIAAAAAAAUgAAAAIQIAAA==";

// [MS-FSCC] §2.6: FILE_ATTRIBUTE_DIRECTORY and FILE_ATTRIBUTE_REPARSE_POINT. For anything else the
// type of the entry tells.
const DIRECTORY_LINK_ATTRIBUTES = String(0x10 | 0x400);

// What NTFS has no names with; a colon would name a stream of a file, and a backslash is a slash.
// deno-lint-ignore no-control-regex
const FORBIDDEN_REGEXP = /[<>:"\\|?*\u0001-\u001f\udc80-\udcff]/;

const WINDOWS_FORM_REGEXP = /^(?:files|hives)(?:\/|$)/i;

/** Makes the two directories that each layer of Windows has. */
export function windowsRoots(rules: LayerRules): PlacedEntry[] {
  return [FILES, HIVES].map((path) => ({
    path,
    entry: described(parentEntry(path, rules), false),
  }));
}

/**
 * Puts an entry where a layer of Windows has it, with the records that Windows wants of each
 * (image-spec, layer.md §Platform-specific attributes); those that it has already stay.
 *
 * @param placed The entry, and its path on drive C.
 * @param isDirectory Tells whether a path on drive C is a directory of the layer.
 */
export function windowsEntry(
  { path, entry }: PlacedEntry,
  isDirectory: (path: string) => boolean,
): PlacedEntry {
  checkName(path);
  const toDirectory = entry.type === "symlink" && isDirectory(symlinkTarget(path, entry));
  const moved = { ...described(entry, toDirectory), ...named(path) };
  if (entry.type !== "hardlink") return { path: `${FILES}/${path}`, entry: moved };
  const { path: linkPath, pathBytes: linkPathBytes } = named(linkTarget(entry));
  return { path: `${FILES}/${path}`, entry: { ...moved, linkPath, linkPathBytes } };
}

function named(path: string): Pick<LayerEntry, "path" | "pathBytes"> {
  const inside = `${FILES}/${path}`;
  return { path: showName(inside), pathBytes: encodeName(inside) };
}

function described(entry: LayerEntry, isDirectoryLink: boolean): LayerEntry {
  const pax = new Map<string, string | Uint8Array<ArrayBuffer>>();
  if (isDirectoryLink) pax.set("MSWINDOWS.fileattr", DIRECTORY_LINK_ATTRIBUTES);
  pax.set("MSWINDOWS.rawsd", SECURITY_DESCRIPTOR);
  for (const [key, value] of entry.pax ?? []) pax.set(key, value);
  return { ...entry, pax };
}

function checkName(path: string): void {
  const refuse = (reason: string): never => {
    throw new RangeError(
      `Cannot make the layer for Windows: ${JSON.stringify(showName(path))}: ${reason}`,
    );
  };
  if (FORBIDDEN_REGEXP.test(path)) refuse("Windows has no such names");
  if (WINDOWS_FORM_REGEXP.test(path)) {
    refuse("it has the form of a layer for Windows already; leave it as it is, or give a prefix");
  }
}

/** Gives the path that a symbolic link leads to, without regard to other links. */
function symlinkTarget(path: string, { linkPath = "" }: LayerEntry): string {
  const parts = linkPath.startsWith("/") ? [] : path.split("/").slice(0, -1);
  for (const part of linkPath.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts.join("/");
}
