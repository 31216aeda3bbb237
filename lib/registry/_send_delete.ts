import type { CallOptions } from "../model/content.ts";
import { type Answer, contentLength, discard } from "./_answer.ts";
import type { RepositoryContext } from "./_context.ts";
import { isWebPage } from "./_digest_header.ts";
import { notARegistry } from "./errors.ts";
import { isGood } from "./_upload_session.ts";

/**
 * Sends a DELETE for something in a repository.
 *
 * @throws {RegistryError} when what answers is no registry.
 */
export async function sendDelete(
  context: RepositoryContext,
  path: string,
  action: string,
  { signal }: CallOptions,
): Promise<Answer> {
  const { client, name } = context;
  const answer = await client.send({
    action,
    method: "DELETE",
    url: client.url(`/v2/${name}/${path}`),
    // Registries differ on what deleting is called; their challenge says it in the end.
    scopes: [`repository:${name}:delete`],
    lane: "metadata",
    signal,
  });
  if (isGood(answer) && isPage(answer)) {
    discard(answer);
    throw notARegistry(answer, action, "HTML, which does not say that anything was deleted");
  }
  return answer;
}

/** Whether a good answer is a page: frameworks give an answer without content that type too. */
function isPage({ status, headers }: Answer): boolean {
  return status !== 202 && isWebPage(headers) && contentLength(headers) !== 0;
}
