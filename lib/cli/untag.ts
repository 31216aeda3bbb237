import { argument, type Command } from "./_command.ts";
import { namedArgument, tagOf } from "./_named.ts";
import { REGISTRY_OPTION } from "./_options.ts";

/** `lading untag IMAGE`. */
export const untagCommand: Command = {
  name: "untag",
  synopsis: "REPOSITORY:TAG",
  summary: "remove a tag from a registry and keep its image",
  arity: [1, 1],
  options: { ...REGISTRY_OPTION },
  examples: ["lading untag ghcr.io/acme/app:old"],
  async run(context) {
    const { repository, reference } = namedArgument(context);
    await repository.untag(tagOf(reference, argument(context, 0)), { signal: context.signal });
    context.output.note(`removed ${argument(context, 0)}`);
  },
};
