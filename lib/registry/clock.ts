/** Time, as the registry client sees it. Tests bring their own. */
export interface Clock {
  /** Gives the time in milliseconds since 1970. */
  now(): number;
  /**
   * Calls back once after a while.
   *
   * @param ms How long to wait, in milliseconds.
   * @param callback Is called then.
   * @returns Cancels the timer.
   */
  setTimer(ms: number, callback: () => void): () => void;
}

/** The clock of the host. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimer(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

/**
 * Waits. An abort ends the wait at once.
 *
 * @param clock Measures the time.
 * @param ms How long, in milliseconds.
 * @param signal Ends the wait; the promise rejects with its reason.
 * @returns Resolves when the time has passed.
 */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    const wake = () => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = clock.setTimer(ms, () => {
      signal?.removeEventListener("abort", wake);
      resolve();
    });
    signal?.addEventListener("abort", wake, { once: true });
  });
}
