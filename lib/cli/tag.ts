import { familiarReference, isTag } from "../model/reference.ts";
import { argument, type Command, UsageError } from "./_command.ts";
import { namedArgument } from "./_named.ts";
import { REGISTRY_OPTION } from "./_options.ts";
import { v1Argument } from "./_v1.ts";

/** `lading tag IMAGE TAG`. */
export const tagCommand: Command = {
  name: "tag",
  synopsis: "IMAGE TAG",
  summary: "give an image of a registry another tag in its repository",
  arity: [2, 2],
  options: { ...REGISTRY_OPTION },
  details: "The answer is the digest-pinned reference.",
  examples: ["lading tag ghcr.io/acme/app:1.2.3 latest"],
  async run(context) {
    const tag = argument(context, 1);
    if (!isTag(tag)) throw new UsageError(`"${tag}" is no tag`);
    const { signal } = context;
    const v1 = v1Argument(context, argument(context, 0));
    if (v1 !== undefined) {
      const id = await v1.repository.resolve(v1.reference, { signal });
      await v1.repository.tag(id, tag, { signal });
      return await context.output.line(id);
    }
    const { repository, reference } = namedArgument(context);
    const name = reference.digest ?? reference.tag ?? "latest";
    const descriptor = await repository.resolve(name, { signal });
    await repository.tag(descriptor, tag, { signal });
    const { registry, repository: path } = reference;
    await context.output.line(
      familiarReference({ registry, repository: path, digest: descriptor.digest }),
    );
  },
};
