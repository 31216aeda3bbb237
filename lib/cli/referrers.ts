import { resolveImage } from "../image/resolve_image.ts";
import type { Referrers, Source } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { openSource } from "../runtime/open.ts";
import { argument, type Command, flag, text, UsageError } from "./_command.ts";
import { JSON_OPTION, openOptions, platformOption, REGISTRY_OPTION } from "./_options.ts";
import { escapeControls } from "./_plain_text.ts";
import { formatSize } from "./size.ts";

function line({ digest, artifactType = "", size }: Descriptor): string {
  return `${digest}  ${formatSize(size).padStart(7)}  ${escapeControls(artifactType)}`.trimEnd();
}

function hasReferrers(content: Source): content is Source & Referrers {
  return "referrers" in content;
}

/** `lading referrers IMAGE`. */
export const referrersCommand: Command = {
  name: "referrers",
  synopsis: "IMAGE",
  summary: "list the signatures, SBOMs and other artifacts about an image",
  arity: [1, 1],
  options: {
    "artifact-type": { type: "string", value: "TYPE", help: "list this type only" },
    platform: {
      type: "string",
      value: "OS/ARCH[/VARIANT]",
      help: "of the image for this platform (default: of what the name points at)",
    },
    ...JSON_OPTION,
    ...REGISTRY_OPTION,
  },
  examples: [
    "lading referrers ghcr.io/acme/app:1",
    "lading referrers ghcr.io/acme/app:1 --artifact-type application/spdx+json --json",
  ],
  async run(context) {
    const { signal, output } = context;
    const image = argument(context, 0);
    const artifactType = text(context, "artifact-type");
    const platform = platformOption(context);
    const { content, reference, close } = openSource(image, openOptions(context));
    const found: Descriptor[] = [];
    try {
      if (!hasReferrers(content)) throw new UsageError(`${image} is where nothing has referrers`);
      const subject = await resolveImage(content, reference, platform, { signal });
      for await (const referrer of content.referrers(subject, { artifactType, signal })) {
        found.push(referrer);
      }
    } finally {
      await close();
    }
    if (flag(context, "json")) return await output.json(found);
    for (const referrer of found) await output.line(line(referrer));
  },
};
