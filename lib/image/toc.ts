import type { FetchRange } from "../compress/checkpoints.ts";
import type { CallOptions } from "../model/content.ts";
import { readEstargzTable } from "./_estargz_table.ts";
import { type Layer, layerContent } from "./layer.ts";
import { hasEstargzAnnotation, hasZstdChunkedAnnotation } from "./_toc_annotations.ts";
import { readZstdChunkedTable } from "./_zstd_chunked_table.ts";
import type { LayerTable } from "./layer_table.ts";

/**
 * Which tables of contents are used: `proved` ones, whose digest an annotation of the manifest
 * gives; `any`, also those that only the end of the layer speaks of, which nothing proves; `none`.
 * A table and the archive are both the word of whoever made the image, and nothing but reading the
 * whole layer shows that they say the same.
 */
export type TableUse = "proved" | "any" | "none";

/** Options of {@linkcode readLayerTable}. */
export interface LayerTableOptions extends CallOptions {
  /** Which tables may be used; default `proved`. */
  readonly tables?: TableUse | undefined;
}

/**
 * Tells whether the manifest says that a layer has a table of contents, and gives its digest.
 *
 * @param layer The layer.
 * @returns Whether there should be a table that can be proved.
 */
export function hasProvableTable(layer: Layer): boolean {
  const descriptor = layer.descriptor();
  return hasZstdChunkedAnnotation(descriptor) || hasEstargzAnnotation(descriptor);
}

/**
 * Reads the table of contents of an eStargz or zstd:chunked layer by ranges: only the table and
 * its place are fetched. It is proved by the digest that the manifest has for it. At most 64 MiB
 * are held, and every number of it is checked before it is used.
 *
 * @param layer The layer.
 * @param options A signal, and whether a table without proof is read too.
 * @returns The table; nothing when the layer has none, or none that may be used.
 * @throws {DigestMismatchError} when the table is not the one that the manifest speaks of.
 * @throws {CorruptStreamError} when it is damaged or contradicts itself.
 * @throws {LimitExceededError} when it is too large.
 */
export async function readLayerTable(
  layer: Layer,
  options: LayerTableOptions = {},
): Promise<LayerTable | undefined> {
  const { tables = "proved", signal } = options;
  const descriptor = layer.descriptor();
  const fetchRange = rangesOf(layer);
  if (hasZstdChunkedAnnotation(descriptor)) {
    return tables === "none"
      ? undefined
      : await readZstdChunkedTable(descriptor, fetchRange, signal);
  }
  if (hasEstargzAnnotation(descriptor)) {
    return tables === "none" ? undefined : await readEstargzTable(descriptor, fetchRange, signal);
  }
  if (tables !== "any") return undefined;
  return await readEstargzTable(descriptor, fetchRange, signal) ??
    await readZstdChunkedTable(descriptor, fetchRange, signal);
}

/**
 * Gives the function that reads ranges of a layer as it is stored.
 *
 * @param layer The layer.
 * @returns The function; its streams error when they come too short or too long.
 */
export function rangesOf(layer: Layer): FetchRange {
  const content = layerContent(layer);
  const descriptor = layer.descriptor();
  return (start, end, { signal }) =>
    content.fetch(descriptor, { range: { start, end: end - 1 }, signal });
}
