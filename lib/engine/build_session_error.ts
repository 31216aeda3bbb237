import { BuildError } from "../model/errors.ts";

/**
 * Thrown when a build needs what BuildKit gets over a session only, which plain HTTP has not:
 * credentials, secrets, `ssh`, files that come back.
 */
export class BuildSessionError extends BuildError {
  /** A stable name of the kind of failure. */
  override readonly code: string = "BUILD_NEEDS_SESSION";
}

const SESSION_REGEXP =
  /no active sessions?|session \S+ not found|no session|local exporter|client-session/i;

/** Tells whether the words of an engine mean that a session would be needed. */
export function isAboutSession(said: string): boolean {
  return SESSION_REGEXP.test(said);
}
