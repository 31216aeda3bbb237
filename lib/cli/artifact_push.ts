import { pushArtifact } from "../ops/push_artifact.ts";
import { openTarget } from "../runtime/open.ts";
import { pinnedReference } from "../runtime/pinned_reference.ts";
import { ARTIFACT_OPTIONS, artifactFile, artifactOption } from "./_artifact_options.ts";
import { argument, type Command, flag } from "./_command.ts";
import { JSON_OPTION, openOptions, REGISTRY_OPTION } from "./_options.ts";

/** What oras calls artifacts of which nobody says what they are. */
const UNKNOWN_TYPE = "application/vnd.unknown.artifact.v1";

/** `lading artifact push PLACE FILE[:TYPE]…`. */
export const artifactPushCommand: Command = {
  name: "push",
  group: "artifact",
  synopsis: "PLACE FILE[:TYPE]...",
  summary: "store files as an artifact with a name of its own",
  arity: [2, 100],
  options: { ...ARTIFACT_OPTIONS, ...JSON_OPTION, ...REGISTRY_OPTION },
  details:
    "Files keep their names, without their directories. What has no --artifact-type is of the type\n" +
    `${UNKNOWN_TYPE}, as with oras; files without one are application/octet-stream.\n` +
    "lading attach stores files that speak about an image. The answer is the digest-pinned reference.",
  examples: [
    "lading artifact push ghcr.io/acme/rules:1 rules.json --artifact-type application/vnd.acme.rules",
    "lading artifact push oci:./art:1 a.csv:text/csv b.csv:text/csv --artifact-type text/csv",
  ],
  async run(context) {
    const [place, ...files] = [argument(context, 0), ...context.args.slice(1)];
    const described = artifactOption(context, UNKNOWN_TYPE);
    const { signal, output } = context;
    const target = openTarget(place, openOptions(context));
    try {
      const reference = target.reference === "" ? undefined : target.reference;
      const options = { ...described, reference, signal };
      const descriptor = await pushArtifact(target.content, files.map(artifactFile), options);
      await target.commit({ signal });
      if (flag(context, "json")) return await output.json(descriptor);
      await output.line(pinnedReference(place, descriptor.digest));
    } finally {
      await target.close();
    }
  },
};
