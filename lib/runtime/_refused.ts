/**
 * Tells whether a request failed because nothing listens where it was sent to.
 *
 * @param error What the request failed with, as `fetch` fails.
 * @returns Whether the connection was refused.
 */
export function isRefused(error: unknown): error is TypeError {
  const cause = error instanceof TypeError ? error.cause : undefined;
  return cause instanceof Error && "code" in cause && cause.code === "ECONNREFUSED";
}
