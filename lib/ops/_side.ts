import type { Descriptor } from "../model/descriptor.ts";
import { CopyError, isLadingError } from "../model/errors.ts";

/**
 * Says which side of a copy failed, where the error does not tell by itself: errors of lading and
 * the reason of an abort pass unchanged.
 */
export function blame(
  side: "source" | "target",
  error: unknown,
  descriptor: Descriptor | undefined,
  signal: AbortSignal,
): unknown {
  if (isLadingError(error) || signal.aborted && error === signal.reason) return error;
  const reason = error instanceof Error ? error.message : String(error);
  const what = descriptor === undefined ? "the image" : descriptor.digest;
  return new CopyError(`Cannot copy ${what}: the ${side} failed: ${reason}`, {
    side,
    descriptor,
    cause: error,
  });
}
