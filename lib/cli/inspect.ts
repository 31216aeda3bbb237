import { isConfigType } from "../model/media_types.ts";
import { formatPlatform } from "../model/platform.ts";
import { type Command, flag } from "./_command.ts";
import { openInspected } from "./_inspected.ts";
import { inspectedLines, type Inspection } from "./_inspected_lines.ts";
import { JSON_OPTION, MIRROR_OPTION, PLATFORM_OPTION, REGISTRY_OPTION } from "./_options.ts";

/** `lading inspect IMAGE`. */
export const inspectCommand: Command = {
  name: "inspect",
  synopsis: "IMAGE",
  summary: "show digest, platforms, size, layers and config of an image",
  arity: [1, 1],
  options: { ...PLATFORM_OPTION, ...JSON_OPTION, ...MIRROR_OPTION, ...REGISTRY_OPTION },
  details: "Of an artifact it shows the type, the files and the annotations.",
  examples: ["lading inspect alpine:3.20", "lading inspect oci:./alpine --json | jq .config"],
  async run(context) {
    const { output, signal } = context;
    const { image, index } = await openInspected(context);
    const { artifactType, config, layers, annotations, subject } = await image.manifest({ signal });
    const isImage = isConfigType(config.mediaType);
    const inspection: Inspection = {
      digest: await image.digest({ signal }),
      mediaType: image.mediaType,
      // Older artifacts tell their type by that of their config (image-spec, manifest.md).
      artifactType: artifactType ?? (isImage ? undefined : config.mediaType),
      platform: isImage ? formatPlatform(await image.platform({ signal })) : undefined,
      size: await image.size({ signal }),
      layers,
      config: isImage ? await image.config({ signal }) : undefined,
      annotations,
      subject,
      index,
    };
    if (flag(context, "json")) return await output.json(inspection);
    for (const line of inspectedLines(inspection)) await output.line(line);
  },
};
