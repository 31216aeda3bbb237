import { resolveImage } from "../image/resolve_image.ts";
import { pushArtifact } from "../ops/push_artifact.ts";
import { openTarget } from "../runtime/open.ts";
import { ARTIFACT_OPTIONS, artifactFile, artifactOption } from "./_artifact_options.ts";
import { argument, type Command, flag } from "./_command.ts";
import { JSON_OPTION, openOptions, platformOption, REGISTRY_OPTION } from "./_options.ts";
import { pinnedReference } from "../runtime/pinned_reference.ts";

/** `lading attach IMAGE [FILE[:TYPE]]…`. */
export const attachCommand: Command = {
  name: "attach",
  synopsis: "IMAGE [FILE[:TYPE]]...",
  summary: "attach files to an image: a signature, an SBOM, anything",
  arity: [1, 100],
  options: {
    ...ARTIFACT_OPTIONS,
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
    "lading copy --referrers takes it along. By --artifact-type others find it among them, so it has to\n" +
    "be given. The answer is the digest-pinned reference.",
  examples: [
    "lading attach ghcr.io/acme/app:1 sbom.json --artifact-type application/spdx+json",
    "lading attach oci:./app:1 result.sarif:application/sarif+json " +
    "--artifact-type application/sarif+json --annotation scanner=acme",
  ],
  async run(context) {
    const [place, ...files] = [argument(context, 0), ...context.args.slice(1)];
    const described = artifactOption(context);
    const { signal, output } = context;
    const target = openTarget(place, openOptions(context));
    try {
      const { content, reference } = target;
      const subject = await resolveImage(content, reference, platformOption(context), { signal });
      const options = { ...described, subject, signal };
      const descriptor = await pushArtifact(content, files.map(artifactFile), options);
      await target.commit({ signal });
      output.note(`attached to ${subject.digest}`);
      if (flag(context, "json")) return await output.json({ ...descriptor, subject });
      await output.line(pinnedReference(place, descriptor.digest));
    } finally {
      await target.close();
    }
  },
};
