import type { LayerEntry } from "./layer_source.ts";
import type { LayerOptions, LayerOwner } from "./layer_options.ts";
import { layerPath } from "./layer_path.ts";
import { encodeName, showName } from "./_lossless_name.ts";

/** What is done to each entry of a layer. */
export interface LayerRules {
  /** The directory that entries go to, without slashes at its ends. */
  readonly prefix: string;
  readonly owner: LayerOwner | undefined;
  /** The time of everything, in nanoseconds. */
  readonly mtimeNs: bigint | undefined;
  readonly file: number | undefined;
  readonly directory: number | undefined;
  readonly parents: boolean;
  /** Whether the layer gets the form that Windows wants. */
  readonly isWindows: boolean;
}

/** An entry and the path that it has in the image. */
export interface PlacedEntry {
  readonly path: string;
  readonly entry: LayerEntry;
}

const OWNER_REGEXP = /^(\d+):(\d+)$/;
const encoder = new TextEncoder();

/** Reads the rules out of options; `fallback` is what counts for owner and time without one. */
export function layerRules(options: LayerOptions, fallback: "keep" | "reset"): LayerRules {
  const { prefix = "", mode = {}, parents = true } = options;
  const standard = fallback === "keep" ? { owner: "keep", mtime: "keep" } as const : {};
  return {
    prefix: layerPath(encoder.encode(prefix)),
    owner: ownerOf(options.owner ?? standard.owner ?? { uid: 0, gid: 0 }),
    mtimeNs: timeOf(options.mtime ?? standard.mtime ?? 0),
    file: mode.file,
    directory: mode.directory,
    parents,
    isWindows: options.os === "windows",
  };
}

/** Tells whether the rules leave every entry of an archive as it is. */
export function changeNothing(rules: LayerRules): boolean {
  const { prefix, owner, mtimeNs, file, directory, isWindows } = rules;
  const none = owner === undefined && mtimeNs === undefined && !isWindows;
  return prefix === "" && none && file === undefined && directory === undefined;
}

/**
 * Puts an entry where it belongs. The one that stands for the root becomes the prefix, and is left
 * out where there is none: the root of an image is not what somebody packed.
 */
export function placeEntry(entry: LayerEntry, rules: LayerRules): PlacedEntry | undefined {
  const { type = "file" } = entry;
  const name = nameOf(entry);
  if (type === "file" && name.endsWith("/")) {
    const reason = "the name of a file ends in a slash";
    throw new RangeError(`Cannot make the layer: ${JSON.stringify(entry.path)}: ${reason}`);
  }
  const path = below(rules.prefix, layerPath(bytesOf(entry)));
  if (path === "") return undefined;
  const { owner, mtimeNs } = rules;
  const mode = type === "file" ? rules.file : type === "directory" ? rules.directory : undefined;
  const placed: LayerEntry = {
    ...entry,
    path: showName(path),
    pathBytes: encodeName(path),
    ...(mode === undefined ? {} : { mode }),
    ...(owner === undefined ? {} : { ...owner, userName: "", groupName: "" }),
    ...(mtimeNs === undefined ? {} : { mtimeNs }),
  };
  if (type !== "hardlink") return { path, entry: placed };
  // The target of a hard link counts from the root of the archive; that of a symlink is free.
  const target = below(rules.prefix, linkTarget(entry));
  const linkPathBytes = encodeName(target);
  return { path, entry: { ...placed, linkPath: showName(target), linkPathBytes } };
}

/** Makes the entry of a directory that none names. */
export function parentEntry(path: string, rules: LayerRules): LayerEntry {
  const { owner = { uid: 0, gid: 0 }, mtimeNs = 0n, directory = 0o755 } = rules;
  const pathBytes = encodeName(path);
  return { path: showName(path), pathBytes, type: "directory", mode: directory, ...owner, mtimeNs };
}

/** Gives the path in the image that a hard link leads to. */
export function linkTarget({ linkPath = "", linkPathBytes }: LayerEntry): string {
  return layerPath(linkPathBytes ?? encoder.encode(linkPath));
}

function nameOf({ path, pathBytes }: LayerEntry): string {
  return pathBytes?.at(-1) === 0x2f ? "/" : pathBytes === undefined ? path : "";
}

function bytesOf({ path, pathBytes }: LayerEntry): Uint8Array {
  return pathBytes ?? encoder.encode(path);
}

function below(prefix: string, path: string): string {
  return prefix === "" || path === "" ? prefix + path : `${prefix}/${path}`;
}

function ownerOf(owner: string | LayerOwner): LayerOwner | undefined {
  if (owner === "keep") return undefined;
  if (typeof owner !== "string") return { uid: owner.uid, gid: owner.gid };
  const [, uid, gid] = OWNER_REGEXP.exec(owner) ?? [];
  if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  throw new RangeError(
    `Cannot make the layer: ${JSON.stringify(owner)} is no owner; give numbers, such as "0:0"`,
  );
}

function timeOf(mtime: number | Date | "keep"): bigint | undefined {
  if (mtime === "keep") return undefined;
  const ms = typeof mtime === "number" ? Math.round(mtime * 1000) : mtime.getTime();
  if (Number.isSafeInteger(ms)) return BigInt(ms) * 1_000_000n;
  throw new RangeError(`Cannot make the layer: ${String(mtime)} is no time`);
}
