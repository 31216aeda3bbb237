import type { ArtifactFile, ArtifactOptions } from "../ops/push_artifact.ts";
import { nodeFileSystem } from "../runtime/node_file_system.ts";
import { fileContent } from "../store/file_content.ts";
import { type CommandContext, type OptionSpecs, text, UsageError } from "./_command.ts";
import { pairsOption } from "./_options.ts";

/** The options that say what an artifact is. */
export const ARTIFACT_OPTIONS: OptionSpecs = {
  "artifact-type": {
    type: "string",
    value: "TYPE",
    help: "what kind of artifact it is, such as application/spdx+json",
  },
  annotation: {
    type: "string",
    isList: true,
    value: "KEY=VALUE",
    help: "say more about it; may be given several times",
  },
};

/** What has the form of a media type at all (RFC 6838 §4.2). */
const MEDIA_TYPE_REGEXP = /^[\w!#$&^.+-]{1,127}\/[\w!#$&^.+-]{1,127}$/;

/**
 * Reads what an artifact is.
 *
 * @param context The command.
 * @param otherwise What kind it is when nobody says: a manifest with the empty config has to name one
 * (image-spec, manifest.md §guidelines for artifact usage).
 */
export function artifactOption(
  context: CommandContext,
  otherwise?: string,
): Pick<ArtifactOptions, "artifactType" | "annotations"> {
  const artifactType = text(context, "artifact-type") ?? otherwise;
  if (artifactType === undefined) {
    throw new UsageError("name the kind of artifact: --artifact-type application/spdx+json");
  }
  if (!MEDIA_TYPE_REGEXP.test(artifactType)) {
    throw new UsageError(
      `--artifact-type takes a media type, not ${JSON.stringify(artifactType)}`,
    );
  }
  return { artifactType, annotations: pairsOption(context, "annotation") };
}

/** Reads `FILE:TYPE`; a colon without a media type behind it belongs to the name. */
export function artifactFile(argument: string): ArtifactFile {
  const [, path = argument, mediaType] = /^(.+):([\w!#$&^.+-]+\/[\w!#$&^.+-]+)$/.exec(argument) ??
    [];
  return {
    content: fileContent(nodeFileSystem(), path),
    title: path.slice(path.lastIndexOf("/") + 1),
    mediaType,
  };
}
