/**
 * Does work for items before it is asked for: a question to a registry takes as long as the network
 * takes, and meanwhile other items move.
 *
 * @param items The items, in the order they are asked for.
 * @param count On how many items behind the one that is asked for work is begun.
 * @param work The work.
 * @returns Gives what the work came to, by the index of the item; it is asked for once each.
 */
export function lookAhead<Item, Result>(
  items: readonly Item[],
  count: number,
  work: (item: Item, signal: AbortSignal) => Promise<Result>,
): (index: number, signal: AbortSignal) => Promise<Result> {
  const begun: Promise<Result>[] = [];
  return async (index, signal) => {
    for (const item of items.slice(begun.length, index + 1 + count)) {
      const result = work(item, signal);
      // A failure is that of its item, if that is ever asked for.
      result.catch(() => {});
      begun.push(result);
    }
    return await begun[index] as Result;
  };
}
