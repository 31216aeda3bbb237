import { argument, type Command, UsageError } from "./_command.ts";
import { namedArgument } from "./_named.ts";
import { REGISTRY_OPTION } from "./_options.ts";
import { v1Argument } from "./_v1.ts";

/** `lading delete REPOSITORY@DIGEST`. */
export const deleteCommand: Command = {
  name: "delete",
  synopsis: "REPOSITORY@DIGEST",
  summary: "delete a manifest from a registry, and every tag of it",
  arity: [1, 1],
  options: { ...REGISTRY_OPTION },
  details:
    "It takes digests alone: a tag may be another image a moment later. An index leaves its " +
    "images. Of a registry of version 1 it deletes the whole repository: docker-v1://REPOSITORY.",
  examples: ["lading delete ghcr.io/acme/app@sha256:9e01…"],
  async run(context) {
    const v1 = v1Argument(context, argument(context, 0));
    if (v1 !== undefined) {
      await v1.repository.delete({ signal: context.signal });
      return context.output.note(`deleted ${argument(context, 0)} with all its tags`);
    }
    const { repository, reference } = namedArgument(context);
    if (reference.digest === undefined) {
      throw new UsageError(
        `name the digest to delete, as lading digest ${argument(context, 0)} tells it; ` +
          "lading untag removes a tag",
      );
    }
    const { signal } = context;
    const descriptor = await repository.resolve(reference.digest, { signal });
    await repository.delete(descriptor, { signal });
    context.output.note(`deleted ${descriptor.digest}`);
  },
};
