import type { Bytes } from "../model/bytes.ts";
import type { CallOptions } from "../model/content.ts";
import { ArchiveError, ContentError, InvalidInputError } from "../model/errors.ts";
import type { FileTree } from "./_file_tree.ts";
import { applyEntry, type FileMeta } from "./_layer_files.ts";
import type { Layer } from "./layer.ts";
import { encodeName } from "./_lossless_name.ts";
import { readLayerTable, type TableUse } from "./toc.ts";
import type { LayerTable } from "./layer_table.ts";

/**
 * Reads the table of a layer where it has one that may be used. One that is damaged, too large or
 * another than the manifest says is no table: the layer itself is still to be read, and is proved.
 */
export async function usableTable(
  layer: Layer,
  tables: TableUse,
  { signal }: CallOptions,
): Promise<LayerTable | undefined> {
  if (tables === "none") return undefined;
  try {
    return await readLayerTable(layer, { tables, signal });
  } catch (error) {
    signal?.throwIfAborted();
    const isTable = error instanceof ArchiveError || error instanceof ContentError ||
      error instanceof InvalidInputError;
    if (isTable) return undefined;
    throw error;
  }
}

const NO_PAX: ReadonlyMap<string, Bytes> = new Map();

/** Applies a table to a tree in place of the entries of its layer. */
export function applyTable(tree: FileTree<FileMeta>, { entries }: LayerTable, layer: number): void {
  for (const [ordinal, entry] of entries.entries()) {
    const { linkPath, mtimeNs } = entry;
    const treeEntry = {
      ...entry,
      pathBytes: encodeName(entry.path),
      mtime: Number(mtimeNs) / 1e9,
      linkPathBytes: linkPath === undefined ? undefined : encodeName(linkPath),
      typeFlag: "",
      pax: NO_PAX,
      headerOffset: 0,
      bodyOffset: 0,
    };
    applyEntry(tree, treeEntry, layer, ordinal);
  }
}
