import { deleteReferrers } from "../ops/delete_referrers.ts";
import { refuseFor } from "./_archive_output.ts";
import { argument, type Command, flag, UsageError } from "./_command.ts";
import { namedArgument } from "./_named.ts";
import { REGISTRY_OPTION } from "./_options.ts";
import { v1Argument } from "./_v1.ts";

/** `lading delete PLACE@DIGEST`. */
export const deleteCommand: Command = {
  name: "delete",
  synopsis: "PLACE@DIGEST",
  summary: "delete a manifest from a registry or a layout, and every tag of it",
  arity: [1, 1],
  options: {
    referrers: {
      type: "boolean",
      help: "delete signatures, SBOMs and whatever else refers to it before",
    },
    ...REGISTRY_OPTION,
  },
  details:
    "It takes digests alone: a tag may be another image a moment later. An index leaves its\n" +
    "images, and blobs stay: lading gc deletes those of a layout. Without --referrers, what refers\n" +
    "to it stays too, and most registries keep it for ever. Of a registry of version 1 it deletes\n" +
    "the whole repository: docker-v1://REPOSITORY.",
  examples: [
    "lading delete ghcr.io/acme/app@sha256:9e01…",
    "lading delete ghcr.io/acme/app@sha256:9e01… --referrers",
  ],
  async run(context) {
    const { signal, output } = context;
    const text = argument(context, 0);
    const v1 = v1Argument(context, text);
    if (v1 !== undefined) {
      refuseFor("a registry of version 1", context, ["referrers"]);
      await v1.repository.delete({ signal });
      return output.note(`deleted ${text} with all its tags`);
    }
    const { content, digest } = namedArgument(context);
    if (digest === undefined) {
      throw new UsageError(
        `name the digest to delete, as lading digest ${text} tells it; lading untag removes a tag`,
      );
    }
    const descriptor = await content.resolve(digest, { signal });
    if (flag(context, "referrers")) {
      for (const referrer of await deleteReferrers(content, descriptor, { signal })) {
        output.note(`deleted ${referrer.digest}, which refers to it`);
      }
    }
    await content.delete(descriptor, { signal });
    output.note(`deleted ${digest}`);
  },
};
