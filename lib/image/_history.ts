import type { HistoryEntry, ImageConfig } from "../model/image_config.ts";

/** Counts the layers that a history tells of. */
export function layersIn(history: readonly HistoryEntry[]): number {
  return history.filter(({ empty_layer: isEmpty }) => isEmpty !== true).length;
}

/** Tells whether there is one entry for each layer, so that entries and layers can be paired. */
export function isPaired({ history = [], rootfs }: ImageConfig): boolean {
  return layersIn(history) === rootfs.diff_ids.length;
}

/**
 * Finds where the history of the upper layers begins: behind the entry of the last lower one, and
 * behind what the base of these has to say after it.
 *
 * @param history A history that pairs with its layers.
 * @param layers How many layers lie below.
 * @param entries How many entries the history of the base has, where it is known.
 * @returns The number of entries below.
 */
export function historyBelow(
  history: readonly HistoryEntry[],
  layers: number,
  entries: number = 0,
): number {
  let count = 0;
  let seen = 0;
  for (const { empty_layer: isEmpty } of history) {
    const isAbove = seen === layers && (isEmpty !== true || count >= entries);
    if (isAbove) break;
    if (isEmpty !== true) seen++;
    count++;
  }
  return count;
}
