import { argument, type Command } from "./_command.ts";
import { nameArgument, namedArgument } from "./_named.ts";
import { REGISTRY_OPTION } from "./_options.ts";
import { v1Argument } from "./_v1.ts";

/** `lading untag IMAGE`. */
export const untagCommand: Command = {
  name: "untag",
  synopsis: "REPOSITORY:TAG",
  summary: "remove a tag from a registry, or from a layout, and keep its image",
  arity: [1, 1],
  options: { ...REGISTRY_OPTION },
  examples: ["lading untag ghcr.io/acme/app:old", "lading untag oci:./images:old"],
  async run(context) {
    const name = argument(context, 0);
    const { signal } = context;
    const v1 = v1Argument(context, name);
    if (v1 !== undefined) await v1.repository.untag(v1.reference, { signal });
    else {
      const named = namedArgument(context);
      await named.content.untag(nameArgument(context, named), { signal });
    }
    context.output.note(`removed ${name}`);
  },
};
