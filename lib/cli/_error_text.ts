import { AuthenticationError, isLadingError } from "../model/errors.ts";

/** How far back the causes of an error are followed. */
const MAX_CAUSES = 8;

/** Finds the host's own word for what went wrong, such as `ECONNREFUSED`. */
function hostCode(error: Error): string | undefined {
  let cause: unknown = error;
  for (let i = 0; i < MAX_CAUSES && cause instanceof Error; i++) {
    const { code } = cause as { readonly code?: unknown };
    if (!isLadingError(cause) && typeof code === "string") return code;
    cause = cause.cause;
  }
  return undefined;
}

/** Names what helps at the command line, where the library names an option of its own. */
function advised({ message, credentialsFor }: AuthenticationError): string {
  return message
    .replace(/, see the option credentials$/, `: lading login ${credentialsFor}`)
    .replace("; see allowedRealms", "; see --allowed-realm");
}

/** Writes what went wrong for people: the message, and the host's word where it adds something. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof AuthenticationError) return advised(error);
  const code = hostCode(error);
  // "fetch failed" is all that Node says of a connection that was refused.
  const isVague = code !== undefined && /fetch failed$/.test(error.message);
  return isVague ? `${error.message} (${code})` : error.message;
}
