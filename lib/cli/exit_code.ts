import {
  ArchiveError,
  AuthenticationError,
  AuthorizationError,
  DigestMismatchError,
  InvalidDigestError,
  InvalidPlatformError,
  InvalidReferenceError,
  NotFoundError,
  PlatformNotFoundError,
  SizeMismatchError,
} from "../model/errors.ts";
import { UsageError, ValidationFailedError } from "./_command.ts";

/** The exit codes of the command line. */
export const EXIT_CODE = {
  ok: 0,
  failure: 1,
  usage: 2,
  notFound: 3,
  authentication: 4,
  verification: 5,
  unsafeInput: 6,
  interrupted: 130,
} as const;

/**
 * Chooses the exit code for a failure.
 *
 * @param error What was thrown.
 * @returns A code that scripts can act upon.
 */
export function exitCode(error: unknown): number {
  if (
    error instanceof UsageError || error instanceof InvalidReferenceError ||
    error instanceof InvalidPlatformError || error instanceof InvalidDigestError
  ) return EXIT_CODE.usage;
  if (error instanceof NotFoundError || error instanceof PlatformNotFoundError) {
    return EXIT_CODE.notFound;
  }
  if (error instanceof AuthenticationError || error instanceof AuthorizationError) {
    return EXIT_CODE.authentication;
  }
  if (
    error instanceof DigestMismatchError || error instanceof SizeMismatchError ||
    error instanceof ValidationFailedError
  ) return EXIT_CODE.verification;
  if (error instanceof ArchiveError) return EXIT_CODE.unsafeInput;
  return EXIT_CODE.failure;
}
