import { RegistryError } from "../model/errors.ts";
import { redactURL } from "../model/redact.ts";

/** What the runtimes say, on all systems, of a name that nobody has. */
const UNKNOWN_REGEXP =
  /\bENOTFOUND\b|(?:service|or) not known|does not resolve|no such host|no address associated/i;

/**
 * Makes the error of a request to a host that does not exist. It is final, for asking again does
 * not help; a name server that does not answer may do so a moment later, and is another failure.
 *
 * @param error What the request failed with, as `fetch` fails.
 * @param request The request.
 * @returns The error; `undefined` when something else went wrong.
 */
export function unknownHost(error: unknown, request: Request): RegistryError | undefined {
  const cause = error instanceof TypeError ? error.cause : undefined;
  if (!(cause instanceof Error) || !UNKNOWN_REGEXP.test(cause.message)) return undefined;
  const { method, url } = request;
  const { hostname } = new URL(url);
  return new RegistryError(`Cannot reach ${JSON.stringify(hostname)}: there is no such host`, {
    status: 0,
    method,
    url: redactURL(url),
    cause,
  });
}
