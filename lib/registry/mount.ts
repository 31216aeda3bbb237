import type { CallOptions } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { digestAlgorithm } from "../model/digest.ts";
import { InvalidReferenceError, isLadingError } from "../model/errors.ts";
import { isRepositoryName } from "../model/reference.ts";
import { type Answer, discard } from "./_answer.ts";
import { pushScopes, quotedBlob, type RepositoryContext } from "./_context.ts";
import { expectStored } from "./_digest_header.ts";
import { UploadSession } from "./_upload_session.ts";

/** What came of a mount. */
export interface MountOutcome {
  /** Whether the registry has taken the blob over. */
  readonly isMounted: boolean;
  /** The upload that the registry has opened instead. */
  readonly session?: UploadSession | undefined;
}

const NOT_MOUNTED: MountOutcome = { isMounted: false };

/**
 * Takes a blob over from another repository of the registry (distribution-spec, mounting). Whatever
 * keeps that from happening, a missing right included, is no error: the blob is uploaded then
 * (ggcr#1404, containerd#14086).
 *
 * @returns Whether the registry has taken it over, and the session that it may have opened instead.
 * @throws {DigestMismatchError} when it took something else.
 * @throws {InvalidReferenceError} when `from` is no repository.
 */
export async function mountBlob(
  context: RepositoryContext,
  target: Descriptor,
  from: string,
  options: CallOptions,
): Promise<MountOutcome> {
  digestAlgorithm(target.digest);
  if (!isRepositoryName(from)) {
    throw new InvalidReferenceError(
      `Cannot mount ${target.digest} from ${JSON.stringify(from)}: that is no repository`,
      { input: from },
    );
  }
  const { client, name } = context;
  const action = `mount ${quotedBlob(context, target.digest)}`;
  const url = client.url(`/v2/${name}/blobs/uploads/`);
  url.search = new URLSearchParams({ mount: target.digest, from }).toString();
  let answer: Answer;
  try {
    answer = await client.send({
      action,
      method: "POST",
      url,
      // One token for both: registries ask for two scopes in one challenge.
      scopes: [...pushScopes(context), `repository:${from}:pull`],
      lane: "metadata",
      signal: options.signal,
    });
  } catch (error) {
    options.signal?.throwIfAborted();
    if (isLadingError(error)) return NOT_MOUNTED;
    throw error;
  }
  discard(answer);
  if (answer.status === 202) {
    return { isMounted: false, session: sessionOf(context, target, answer) };
  }
  if (answer.status !== 201) return NOT_MOUNTED;
  expectStored(answer.headers, target, action);
  return { isMounted: true };
}

function sessionOf(
  context: RepositoryContext,
  { digest }: Descriptor,
  answer: Answer,
): UploadSession | undefined {
  try {
    return UploadSession.of(context, `push ${quotedBlob(context, digest)}`, answer);
  } catch {
    // Where it leads is refused.
    return undefined;
  }
}
