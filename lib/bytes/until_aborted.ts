/**
 * Waits for an answer, and no longer than until the signal aborts, whatever the transport does. It
 * holds the request: Node collects one that is only waited for, and its signal with it.
 *
 * @param answer What was asked of the transport.
 * @param request The request it was asked with.
 * @param signal The signal; without one, the answer is given as it is.
 * @returns The answer, or the reason of the signal as an error.
 */
export function untilAborted(
  answer: Promise<Response>,
  request: Request,
  signal: AbortSignal | undefined,
): Promise<Response> {
  if (signal === undefined) return answer;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      reject(signal.reason);
      // What still comes is nobody's.
      answer.then(({ body }) => body?.cancel(request.signal.reason)).catch(() => {});
    };
    signal.addEventListener("abort", onAbort, { once: true });
    const forget = (): void => signal.removeEventListener("abort", onAbort);
    answer.then(resolve, reject).finally(forget);
    if (signal.aborted) onAbort();
  });
}
