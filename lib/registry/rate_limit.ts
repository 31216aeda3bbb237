import type { CallOptions } from "../model/content.ts";
import { MANIFEST_TYPES } from "./accept.ts";
import { discard } from "./_answer.ts";
import { pullScopes, quotedName, type RepositoryContext } from "./_context.ts";
import { answerError } from "./errors.ts";
import { manifestName } from "./_manifest_name.ts";

/** What a registry says of the requests that it still takes; `undefined` is what it does not say. */
export interface RateLimit {
  /** How many requests it takes in a window (`ratelimit-limit`). */
  readonly limit: number | undefined;
  /** How many of them are left (`ratelimit-remaining`). */
  readonly remaining: number | undefined;
  /** How long a window is, in seconds (`w` of either). */
  readonly windowSeconds: number | undefined;
  /** How long it takes until there are more, in seconds (`ratelimit-reset`). */
  readonly resetSeconds: number | undefined;
  /** Whom it counts the requests of, an address or a user (`docker-ratelimit-source`). */
  readonly source: string | undefined;
}

/**
 * Asks for the header of a manifest, which counts as no pull, and reads what it says of limits: as
 * Docker Hub does, and draft-ietf-httpapi-ratelimit-headers-03.
 *
 * @throws {NotFoundError} when there is no such manifest.
 * @throws {RateLimitError} when nothing is left, and the registry says no more than that.
 */
export async function readRateLimit(
  context: RepositoryContext,
  reference: string,
  { signal }: CallOptions,
): Promise<RateLimit> {
  const { client, name } = context;
  const { text } = manifestName(reference);
  const action = `ask for the rate limit of ${quotedName(context, text)}`;
  const answer = await client.send({
    action,
    method: "HEAD",
    url: client.url(`/v2/${name}/manifests/${text}`),
    scopes: pullScopes(context),
    lane: "metadata",
    headers: { accept: MANIFEST_TYPES.join(", ") },
    signal,
  });
  const limit = limitIn(answer.headers);
  const isTold = answer.status === 429 && limit.limit !== undefined;
  if (answer.status !== 200 && !isTold) throw await answerError(answer, action, client.clock);
  discard(answer);
  return limit;
}

function limitIn(headers: Headers): RateLimit {
  const [limit, window] = quotaIn(headers, "ratelimit-limit");
  const [remaining, otherWindow] = quotaIn(headers, "ratelimit-remaining");
  const [resetSeconds] = quotaIn(headers, "ratelimit-reset");
  const source = headers.get("docker-ratelimit-source") ?? undefined;
  return { limit, remaining, windowSeconds: window ?? otherWindow, resetSeconds, source };
}

/** Reads `100;w=21600`: a number, and its window; of several policies the first one is in force. */
function quotaIn(headers: Headers, name: string): (number | undefined)[] {
  const text = headers.get(name) ?? "";
  const [, count, seconds] = /^\s*(\d{1,15})(?:\s*;\s*w=(\d{1,15}))?(?![^\s;,])/.exec(text) ?? [];
  return [count, seconds].map((digits) => digits === undefined ? undefined : Number(digits));
}
