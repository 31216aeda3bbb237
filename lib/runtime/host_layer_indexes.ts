import {
  layerIndexDirectory,
  type LayerIndexDirectoryOptions,
} from "../image/layer_index_directory.ts";
import type { LayerIndexes } from "../image/layer_indexes.ts";
import { readVariable } from "./_helper_process.ts";
import { nodeFileSystem } from "./node_file_system.ts";

interface Host {
  readonly process?: { readonly platform?: string; getuid?(): number };
}

/** Options of {@linkcode hostLayerIndexes}. */
export interface HostLayerIndexesOptions extends Omit<LayerIndexDirectoryOptions, "uid"> {
  /** Where to keep them; default {@linkcode layerIndexLocation}. */
  readonly directory?: string | undefined;
}

/**
 * Tells where the command keeps indexes of layers: in the directory that `LADING_CACHE` names, else
 * in `lading` of the user's caches, which is `XDG_CACHE_HOME` or `~/.cache`, on macOS
 * `~/Library/Caches`, on Windows `LOCALAPPDATA`.
 *
 * @returns The directory, whether it is there or not; nothing where there are no variables.
 */
export function layerIndexLocation(): string | undefined {
  const cache = readVariable("LADING_CACHE") ?? userCache();
  return cache === undefined ? undefined : `${cache}/layers`;
}

function userCache(): string | undefined {
  const caches = userCaches();
  return caches === undefined ? undefined : `${caches}/lading`;
}

function userCaches(): string | undefined {
  // XDG Base Directory Specification: relative paths are to be ignored.
  const named = readVariable("XDG_CACHE_HOME");
  if (named?.startsWith("/")) return named;
  const { platform } = (globalThis as Host).process ?? {};
  if (platform === "win32") return readVariable("LOCALAPPDATA");
  const home = readVariable("HOME");
  if (home === undefined) return undefined;
  return platform === "darwin" ? `${home}/Library/Caches` : `${home}/.cache`;
}

/**
 * Keeps indexes of layers on this machine's disk, where the command keeps them too: what one process
 * has read whole, the next reads by ranges. A directory that belongs to another user, or that others
 * may write to, keeps nothing.
 *
 * @param options Another directory, and limits.
 * @returns The indexes; nothing where no variable leads to a directory.
 * @throws {FileSystemError} when the runtime has no disk.
 *
 * @example Read a file of a layer that was fetched before
 * ```ts
 * import { openImage } from "@lading/lading";
 * import { hostLayerIndexes } from "@lading/lading/node"; // or /deno, /bun
 *
 * const layerIndexes = hostLayerIndexes();
 * const image = await openImage("alpine:3.20");
 * await image.rootfs({ layerIndexes }); // all layers, once
 * await image.readFile("/etc/os-release", { layerIndexes }); // what lies around the file
 * ```
 */
export function hostLayerIndexes(options: HostLayerIndexesOptions = {}): LayerIndexes | undefined {
  const { directory = layerIndexLocation(), ...limits } = options;
  if (directory === undefined) return undefined;
  return layerIndexDirectory(nodeFileSystem(), directory, { ...limits, uid: userID() });
}

/** Deno throws where it is not allowed; Windows has none. */
function userID(): number | undefined {
  try {
    return (globalThis as Host).process?.getuid?.();
  } catch {
    return undefined;
  }
}
