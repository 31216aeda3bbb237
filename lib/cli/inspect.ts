import { formatPlatform } from "../model/platform.ts";
import { type Command, flag } from "./_command.ts";
import { openInspected } from "./_inspected.ts";
import { JSON_OPTION, PLATFORM_OPTION, REGISTRY_OPTION } from "./_options.ts";
import { formatSize } from "./size.ts";

/** `lading inspect IMAGE`. */
export const inspectCommand: Command = {
  name: "inspect",
  synopsis: "IMAGE",
  summary: "show digest, platforms, size, layers and config of an image",
  arity: [1, 1],
  options: { ...PLATFORM_OPTION, ...JSON_OPTION, ...REGISTRY_OPTION },
  examples: ["lading inspect alpine:3.20", "lading inspect oci:./alpine --json | jq .config"],
  async run(context) {
    const { output, signal } = context;
    const { image, index } = await openInspected(context);
    const { mediaType } = image;
    const [digest, size] = [await image.digest(), await image.size({ signal })];
    const config = await image.config({ signal });
    const platform = formatPlatform(await image.platform({ signal }));
    const layers = (await image.layers({ signal })).map((layer) => layer.descriptor());
    if (flag(context, "json")) {
      return await output.json({ digest, mediaType, platform, size, layers, config, index });
    }
    await output.line(`digest    ${digest}`);
    await output.line(`type      ${mediaType}`);
    await output.line(`platform  ${platform}`);
    await output.line(`size      ${formatSize(size)}`);
    await output.line(`created   ${config.created ?? "unknown"}`);
    if (index !== undefined) {
      await output.line(`index     ${index.digest}  ${index.platforms.join(" ")}`);
    }
    for (const layer of layers) {
      await output.line(`layer     ${layer.digest}  ${formatSize(layer.size)}`);
    }
  },
};
