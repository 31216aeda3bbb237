import { type LadingError, NotFoundError, RegistryError, UploadError } from "../model/errors.ts";
import { redactURL } from "../model/redact.ts";
import type { Answer } from "./_answer.ts";
import type { Clock } from "./clock.ts";
import { answerError } from "./errors.ts";
import { isTemporary } from "./retry.ts";

/** Where an upload stands that fails. */
export interface UploadPlace {
  readonly action: string;
  readonly clock: Clock;
  /** Bytes that the registry has. */
  readonly offset: number;
  /** The session, once there is one. */
  readonly location?: URL | undefined;
}

/** Why registries forget an upload that they have just opened (distribution#970, #2225). */
const LOST_ADVICE =
  "; where several servers stand behind one name, they need a common secret and " +
  "common storage";

/**
 * Makes the error of a refused upload: missing rights and repositories keep their own class. What is
 * not found of an open session is the session.
 */
export async function uploadError(answer: Answer, place: UploadPlace): Promise<LadingError> {
  const error = await answerError(answer, place.action, place.clock);
  const isMissing = error instanceof NotFoundError && place.location === undefined;
  const refusal = refusalIn(error);
  if (isMissing || refusal?.code !== "REGISTRY_ERROR") return error;
  const { status, method, url, diagnostics, retryAfter, message } = refusal;
  return new UploadError(message + (isLostSession(refusal) ? LOST_ADVICE : ""), {
    ...{ status, method, url, diagnostics, retryAfter, offset: place.offset },
    ...(place.location === undefined ? {} : { location: redactURL(place.location) }),
  });
}

/** What a registry said, also where it said that something is not there. */
export function refusalIn(error: unknown): RegistryError | undefined {
  if (error instanceof NotFoundError) return refusalIn(error.cause);
  return error instanceof RegistryError ? error : undefined;
}

/** Tells whether a registry does not know the session any more. */
export function isLostSession(error: unknown): boolean {
  const codes = refusalIn(error)?.diagnostics.map(({ code }) => code) ?? [];
  // Behind a load balancer without shared state a session is known to one of the servers only.
  return codes.includes("BLOB_UPLOAD_UNKNOWN");
}

/** Tells whether an upload may succeed when it is tried again. */
export function isPassing(error: unknown): boolean {
  const refusal = refusalIn(error);
  return refusal !== undefined &&
    (refusal.status === 0 || isLostSession(error) || isTemporary(refusal));
}
