import { sleep } from "./clock.ts";
import type { Client } from "./request.ts";
import { atLeast, backoff } from "./retry.ts";
import { refusalIn } from "./_upload_error.ts";

/**
 * Waits before an upload is tried again: as long as the registry asks for, or a while.
 *
 * @throws The failure when the registry asks for more than is allowed.
 */
export async function pauseAfter(
  failure: unknown,
  { clock, policy }: Client,
  tries: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const wanted = refusalIn(failure)?.retryAfter;
  if (wanted !== undefined && wanted > policy.maxRetryAfterMs) throw failure;
  const ms = wanted === undefined ? backoff(policy, tries) : atLeast(policy, wanted);
  await sleep(clock, ms, signal);
}
