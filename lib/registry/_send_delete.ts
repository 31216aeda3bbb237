import type { CallOptions } from "../model/content.ts";
import type { Answer } from "./_answer.ts";
import type { RepositoryContext } from "./_context.ts";

/** Sends a DELETE for something in a repository. */
export async function sendDelete(
  context: RepositoryContext,
  path: string,
  action: string,
  { signal }: CallOptions,
): Promise<Answer> {
  const { client, name } = context;
  return await client.send({
    action,
    method: "DELETE",
    url: client.url(`/v2/${name}/${path}`),
    // Registries differ on what deleting is called; their challenge says it in the end.
    scopes: [`repository:${name}:delete`],
    lane: "metadata",
    signal,
  });
}
