import { pushToV1 } from "../dockerreg/push_to_v1.ts";
import { parsePlace } from "../model/place.ts";
import type { Platform } from "../model/platform.ts";
import { hostPlatform } from "../runtime/host_platform.ts";
import { RegistryV1 } from "../registry/v1/registry_v1.ts";
import { registryOptions } from "../runtime/host_registry_options.ts";
import { openSource } from "../runtime/open.ts";
import { type NamedV1, openV1Repository } from "../runtime/v1_place.ts";
import type { CommandContext } from "./_command.ts";
import { openOptions } from "./_options.ts";

/** Opens what an argument names in a registry of version 1; `undefined` for other places. */
export function v1Argument(context: CommandContext, text: string): NamedV1 | undefined {
  const place = parsePlace(text);
  if (place.transport !== "docker-v1") return undefined;
  return openV1Repository(place.reference, openOptions(context, "target"));
}

/** Pushes an image to a registry of version 1, and answers with its ID. */
export async function pushImageToV1(
  context: CommandContext,
  from: string,
  { repository, reference }: NamedV1,
  platform: Platform | "all" | undefined,
): Promise<void> {
  const { signal, output } = context;
  const source = openSource(from, openOptions(context));
  try {
    const id = await pushToV1(source.content, source.reference, repository, reference, {
      platform: platform === undefined || platform === "all" ? hostPlatform() : platform,
      signal,
    });
    await output.line(id);
  } finally {
    await source.close();
  }
}

/** Lists the tags of a repository of version 1. */
export async function* v1Tags(
  { signal }: CommandContext,
  { repository }: NamedV1,
): AsyncGenerator<string, void, undefined> {
  yield* (await repository.tags({ signal })).keys();
}

/** Lists the repositories that a registry of version 1 finds. */
export async function* v1Repositories(
  context: CommandContext,
  host: string,
): AsyncGenerator<string, void, undefined> {
  const registry = new RegistryV1(host, registryOptions(openOptions(context)));
  for await (const { name } of registry.search("", { signal: context.signal })) yield name;
}
