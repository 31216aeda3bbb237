import {
  ArchiveError,
  AuthenticationError,
  AuthorizationError,
  BuildError,
  DigestMismatchError,
  EngineError,
  ImageNotFoundError,
  InvalidDigestError,
  InvalidManifestError,
  InvalidPlatformError,
  InvalidReferenceError,
  NotFoundError,
  PlatformNotFoundError,
  SizeMismatchError,
} from "../model/errors.ts";
import { FileSystemError } from "../store/file_system.ts";
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

type ErrorClass = abstract new (...args: never[]) => Error;

/** Which classes of errors stand for which code; what is not listed is a failure. */
const CLASSES: readonly (readonly [number, readonly ErrorClass[]])[] = [
  [EXIT_CODE.usage, [UsageError, InvalidReferenceError, InvalidPlatformError, InvalidDigestError]],
  [EXIT_CODE.notFound, [NotFoundError, ImageNotFoundError, PlatformNotFoundError]],
  [EXIT_CODE.authentication, [AuthenticationError, AuthorizationError]],
  [EXIT_CODE.verification, [DigestMismatchError, SizeMismatchError, ValidationFailedError]],
  [EXIT_CODE.unsafeInput, [ArchiveError, InvalidManifestError]],
];

/** What an engine says of why it failed, where that has a code of its own. */
const ENGINE_REASONS: ReadonlyMap<string, number> = new Map([
  ["not-found", EXIT_CODE.notFound],
  ["authentication", EXIT_CODE.authentication],
  ["authorization", EXIT_CODE.authentication],
]);

/**
 * Chooses the exit code for a failure.
 *
 * @param error What was thrown.
 * @returns A code that scripts can act upon.
 */
export function exitCode(error: unknown): number {
  if (error instanceof FileSystemError && error.reason === "not-found") return EXIT_CODE.notFound;
  // What a build does not find is part of the build.
  const isBuild = error instanceof BuildError;
  if (error instanceof EngineError && !isBuild && error.reason !== undefined) {
    const code = ENGINE_REASONS.get(error.reason);
    if (code !== undefined) return code;
  }
  const found = CLASSES.find(([, classes]) => classes.some((kind) => error instanceof kind));
  return found?.[0] ?? EXIT_CODE.failure;
}
