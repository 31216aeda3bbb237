/** The last piece of work for each key. */
const LAST = new Map<string, Promise<unknown>>();

/**
 * Runs pieces of work with the same key one after the other, whoever in the process asks for them.
 *
 * @param key What the work is about.
 * @param work Does it.
 * @param signal Takes this piece out while it waits; the promise rejects with its reason.
 * @returns What the work gave.
 */
export async function inTurn<Result>(
  key: string,
  work: () => Promise<Result>,
  signal: AbortSignal | undefined,
): Promise<Result> {
  const before = LAST.get(key) ?? Promise.resolve();
  const mine = before.then(() => {
    signal?.throwIfAborted();
    return work();
  });
  const settled = mine.catch(() => {});
  LAST.set(key, settled);
  settled.then(() => {
    if (LAST.get(key) === settled) LAST.delete(key);
  });
  if (signal === undefined) return await mine;
  return await new Promise<Result>((resolve, reject) => {
    const leave = () => reject(signal.reason);
    if (signal.aborted) leave();
    signal.addEventListener("abort", leave, { once: true });
    mine.then(resolve, reject).finally(() => signal.removeEventListener("abort", leave));
  });
}
