/** A second. */
export const SECOND_NS: bigint = 1_000_000_000n;

/** What was asked for last: many entries have the time of the one before. */
let last = { seconds: 0, nanoseconds: 0n };

/**
 * Gives whole seconds in nanoseconds.
 *
 * @param seconds A safe integer.
 */
export function nanosecondsOf(seconds: number): bigint {
  if (seconds !== last.seconds) {
    last = { seconds, nanoseconds: BigInt(seconds) * SECOND_NS };
  }
  return last.nanoseconds;
}

/** Gives nanoseconds in seconds. Whole ones stay whole, which they do not when they are divided. */
export function secondsOf(nanoseconds: bigint): number {
  return Number(nanoseconds / SECOND_NS) + Number(nanoseconds % SECOND_NS) / 1e9;
}
