import { whenAborted } from "./_abort.ts";

/**
 * Calls a function for each item, at most `limit` at the same time. After the first failure no
 * further item is started, the signal given to the running calls aborts with the error, and the
 * promise rejects with that error once they have all settled: nothing goes on behind its back.
 *
 * @param items The items, taken one by one as there is room.
 * @param limit How many may run at the same time.
 * @param fn Does the work for one item; what is no promise is not waited for.
 * @param options A signal that ends all of it.
 * @param options.signal Stops the work; the promise rejects with its reason.
 * @returns What the function gave back, in the order of the items.
 * @throws {RangeError} when `limit` is no positive integer.
 */
export async function mapConcurrent<Item, Result>(
  items: Iterable<Item>,
  limit: number,
  fn: (item: Item, index: number, signal: AbortSignal) => Promise<Result> | Result,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<Result[]> {
  if (!Number.isInteger(limit) || limit < 1) {
    throw new RangeError(`Cannot run ${limit} calls at the same time: give a positive integer`);
  }
  const results: Result[] = [];
  const stop = new AbortController();
  const forget = whenAborted(options.signal, (reason) => stop.abort(reason));
  const iterator = items[Symbol.iterator]();
  let next = 0;
  const worker = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      const { done, value } = iterator.next();
      if (done) return;
      const index = next++;
      const result = fn(value, index, stop.signal);
      results[index] = result instanceof Promise ? await result : result;
    }
  };
  const guarded = () => worker().catch((error) => stop.abort(error));
  try {
    await Promise.all(Array.from({ length: limit }, guarded));
    stop.signal.throwIfAborted();
    return results;
  } finally {
    forget();
  }
}
