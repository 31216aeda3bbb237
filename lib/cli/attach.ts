import { resolveImage } from "../image/resolve_image.ts";
import { type ArtifactFile, pushArtifact } from "../ops/push_artifact.ts";
import { nodeFileSystem } from "../runtime/node_file_system.ts";
import { openTarget } from "../runtime/open.ts";
import { fileContent } from "../store/file_content.ts";
import { argument, type Command, flag, text, UsageError } from "./_command.ts";
import {
  JSON_OPTION,
  openOptions,
  pairsOption,
  platformOption,
  REGISTRY_OPTION,
} from "./_options.ts";
import { pinnedReference } from "../runtime/pinned_reference.ts";

/** Reads `FILE:TYPE`; a colon without a media type behind it belongs to the name. */
function fileOf(argument: string): ArtifactFile {
  const [, path = argument, mediaType] = /^(.+):([^/:]+\/[^/:]+)$/.exec(argument) ?? [];
  return {
    content: fileContent(nodeFileSystem(), path),
    title: path.slice(path.lastIndexOf("/") + 1),
    mediaType,
  };
}

/** `lading attach IMAGE [FILE[:TYPE]]…`. */
export const attachCommand: Command = {
  name: "attach",
  synopsis: "IMAGE [FILE[:TYPE]]...",
  summary: "attach files to an image: a signature, an SBOM, anything",
  arity: [1, 100],
  options: {
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
    platform: {
      type: "string",
      value: "OS/ARCH[/VARIANT]",
      help: "attach to the image for this platform (default: to what the name points at)",
    },
    ...JSON_OPTION,
    ...REGISTRY_OPTION,
  },
  details:
    "The files become an artifact whose subject is the image; lading referrers lists it, and\n" +
    "lading copy --referrers takes it along. The answer is the digest-pinned reference.",
  examples: [
    "lading attach ghcr.io/acme/app:1 sbom.json --artifact-type application/spdx+json",
    "lading attach oci:./app:1 result.sarif:application/sarif+json " +
    "--artifact-type application/sarif+json --annotation scanner=acme",
  ],
  async run(context) {
    const [place, ...files] = [argument(context, 0), ...context.args.slice(1)];
    const artifactType = text(context, "artifact-type");
    if (artifactType === undefined) {
      throw new UsageError("name the kind of artifact: --artifact-type application/spdx+json");
    }
    const { signal, output } = context;
    const target = openTarget(place, openOptions(context));
    try {
      const { content, reference } = target;
      const subject = await resolveImage(content, reference, platformOption(context), { signal });
      const descriptor = await pushArtifact(content, files.map(fileOf), {
        artifactType,
        subject,
        annotations: pairsOption(context, "annotation"),
        signal,
      });
      await target.commit({ signal });
      output.note(`attached to ${subject.digest}`);
      if (flag(context, "json")) return await output.json({ ...descriptor, subject });
      await output.line(pinnedReference(place, descriptor.digest));
    } finally {
      await target.close();
    }
  },
};
