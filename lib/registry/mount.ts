import type { CallOptions } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { digestAlgorithm } from "../model/digest.ts";
import { InvalidReferenceError, isLadingError } from "../model/errors.ts";
import { isRepositoryName } from "../model/reference.ts";
import { type Answer, discard } from "./_answer.ts";
import { pushScopes, quotedBlob, type RepositoryContext } from "./_context.ts";
import { expectStored } from "./_digest_header.ts";
import { UploadSession } from "./_upload_session.ts";

/**
 * Takes a blob over from another repository of the registry (distribution-spec, mounting). Whatever
 * keeps that from happening, a missing right included, is no error: the blob is uploaded then
 * (ggcr#1404, containerd#14086).
 *
 * @returns Whether the registry has taken it over.
 * @throws {DigestMismatchError} when it took something else.
 * @throws {InvalidReferenceError} when `from` is no repository.
 */
export async function mountBlob(
  context: RepositoryContext,
  target: Descriptor,
  from: string,
  options: CallOptions,
): Promise<boolean> {
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
    if (isLadingError(error)) return false;
    throw error;
  }
  discard(answer);
  if (answer.status === 202) await abandon(context, answer, action, options);
  if (answer.status !== 201) return false;
  expectStored(answer.headers, target, action);
  return true;
}

/** Gives back the upload session that a registry opens instead. */
async function abandon(
  context: RepositoryContext,
  answer: Answer,
  action: string,
  { signal }: CallOptions,
): Promise<void> {
  let session: UploadSession;
  try {
    session = UploadSession.of(context, action, answer);
  } catch {
    // Where it leads is refused.
    return;
  }
  await session.cancel(signal);
  signal?.throwIfAborted();
}
