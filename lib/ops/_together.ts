import { mapConcurrent } from "../bytes/map_concurrent.ts";

/** Work that ends with a signal. */
type Work<Result> = (signal: AbortSignal) => Promise<Result>;

/**
 * Does two things at the same time. When one of them fails, the other one is aborted and waited for.
 *
 * @param first One.
 * @param second The other one.
 * @param signal Ends both.
 * @returns What they came to.
 */
export async function together<First, Second>(
  first: Work<First>,
  second: Work<Second>,
  signal: AbortSignal,
): Promise<[First, Second]> {
  const works: Work<First | Second>[] = [first, second];
  const results = await mapConcurrent(works, 2, (work, _, signal) => work(signal), { signal });
  return results as [First, Second];
}
