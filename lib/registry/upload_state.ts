import type { ResumableHasher } from "../hash/hasher.ts";
import { resumeHasher } from "../hash/create_hasher.ts";
import { decodeHashState } from "../hash/state.ts";
import { decodeBase64 } from "../model/base64.ts";
import { isJSONObject } from "../model/json_object.ts";
import type { RepositoryContext } from "./_context.ts";
import { checkLocation } from "./redirect.ts";
import { UploadSession } from "./_upload_session.ts";

/**
 * Where an upload stands, as plain JSON of less than a kilobyte and the location: another process,
 * or another worker, goes on from it. Keep it as a secret: with some registries the location is all
 * that is needed to write to the upload.
 */
export interface UploadState {
  /** The form of the state. */
  readonly version: 1;
  /** The registry: `docker.io`. */
  readonly registry: string;
  /** The repository: `library/alpine`. */
  readonly repository: string;
  /** The digest, where it was known from the start. */
  readonly digest?: string | undefined;
  /** Where the next request goes. */
  readonly location: string;
  /** The bytes that the registry has: the content goes on from there. */
  readonly offset: number;
  /** The hash of these bytes, unfinished, in base64. */
  readonly hash: string;
  /** The fewest bytes that the registry takes in a chunk that is not the last. */
  readonly minChunkBytes?: number | undefined;
  /** The most bytes that it takes in a chunk. */
  readonly maxChunkBytes?: number | undefined;
  /** Whether the registry does not tell how far it is, so that this state is believed instead. */
  readonly ignoresRange?: boolean | undefined;
}

/** A state that was read back. */
export interface RestoredUpload {
  readonly session: UploadSession;
  readonly hasher: ResumableHasher;
  readonly state: UploadState;
}

/** The fields of a state, and what each has to be. */
const FIELDS: Readonly<Record<keyof UploadState, (value: unknown) => boolean>> = {
  version: (value) => value === 1,
  registry: isText,
  repository: isText,
  digest: (value) => value === undefined || isText(value),
  location: (value) => isText(value) && URL.canParse(value),
  offset: isCount,
  hash: isText,
  minChunkBytes: (value) => value === undefined || isCount(value),
  maxChunkBytes: (value) => value === undefined || isCount(value) && value !== 0,
  ignoresRange: (value) => value === undefined || typeof value === "boolean",
};

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isUploadState(value: unknown): value is UploadState {
  return isJSONObject(value) &&
    Object.entries(FIELDS).every(([name, isRight]) => isRight(value[name]));
}

/**
 * Reads a state back. Its location is trusted no further than one that the registry sends.
 *
 * @throws {TypeError} when it is none, or of another repository.
 * @throws {RegistryError} when its location is refused.
 */
export function restoreUpload(
  context: RepositoryContext,
  state: unknown,
  action: string,
): RestoredUpload {
  const { client, name } = context;
  if (!isUploadState(state)) {
    throw new TypeError(`Cannot ${action}: the state is none of this version`);
  }
  if (state.registry !== client.endpoint.name || state.repository !== name) {
    throw new TypeError(
      `Cannot ${action}: the state is of ${
        JSON.stringify(`${state.registry}/${state.repository}`)
      }`,
    );
  }
  const hash = decodeBase64(state.hash);
  if (decodeHashState(hash).byteCount !== state.offset) {
    throw new TypeError(`Cannot ${action}: the hash of the state is not that of its offset`);
  }
  const from = { action, method: "POST", status: 202, url: new URL(client.endpoint.origin) };
  const location = checkLocation(state.location, from, client.redirects);
  const { minChunkBytes: min = 0, maxChunkBytes: max = Infinity } = state;
  const session = new UploadSession(context, action, location, { min, max });
  return { session, hasher: resumeHasher(hash), state };
}
