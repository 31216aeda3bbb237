import { isTag } from "../model/reference.ts";
import { pinnedReference } from "../runtime/pinned_reference.ts";
import { argument, type Command, UsageError } from "./_command.ts";
import { namedArgument } from "./_named.ts";
import { REGISTRY_OPTION } from "./_options.ts";
import { v1Argument } from "./_v1.ts";

/** `lading tag IMAGE TAG…`. */
export const tagCommand: Command = {
  name: "tag",
  synopsis: "IMAGE TAG...",
  summary: "give an image of a registry, or of a layout, more tags where it is",
  arity: [2, 100],
  options: { ...REGISTRY_OPTION },
  details: "Nothing is moved. The answer is the digest-pinned reference.",
  examples: [
    "lading tag ghcr.io/acme/app:1.2.3 1.2 1 latest",
    "lading tag oci:./images:app app:stable",
  ],
  async run(context) {
    const { signal, output } = context;
    const [text, ...tags] = [argument(context, 0), ...context.args.slice(1)];
    const v1 = v1Argument(context, text);
    const named = v1 === undefined ? namedArgument(context) : undefined;
    const wrong = named?.isRegistry === false ? undefined : tags.find((tag) => !isTag(tag));
    if (wrong !== undefined) {
      throw new UsageError(
        `${JSON.stringify(wrong)} is no tag; lading copy copies to other repositories`,
      );
    }
    if (named !== undefined) {
      const descriptor = await named.content.resolve(named.reference, { signal });
      for (const tag of tags) await named.content.tag(descriptor, tag, { signal });
      await output.line(pinnedReference(text, descriptor.digest));
    } else if (v1 !== undefined) {
      const id = await v1.repository.resolve(v1.reference, { signal });
      for (const tag of tags) await v1.repository.tag(id, tag, { signal });
      await output.line(id);
    }
  },
};
