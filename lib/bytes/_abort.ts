/**
 * Calls back when a signal aborts, or at once when it has.
 *
 * @param signal The signal, if there is one.
 * @param react Gets the signal's reason.
 * @returns Stops listening.
 */
export function whenAborted(
  signal: AbortSignal | undefined,
  react: (reason: unknown) => void,
): () => void {
  if (signal === undefined) return () => {};
  const listener = () => react(signal.reason);
  if (signal.aborted) listener();
  else signal.addEventListener("abort", listener, { once: true });
  return () => signal.removeEventListener("abort", listener);
}
