import { openImage } from "../runtime/open.ts";
import { formatPlatform } from "../model/platform.ts";
import { formatSize } from "./size.ts";
import { argument, type Command } from "./_command.ts";
import { JSON_OPTION, openOptions, PLATFORM_OPTION, platformOption } from "./_options.ts";

/** `lading inspect IMAGE`. */
export const inspectCommand: Command = {
  name: "inspect",
  synopsis: "IMAGE",
  summary: "show digest, platform, size, layers and config of an image",
  arity: [1, 1],
  options: { ...PLATFORM_OPTION, ...JSON_OPTION },
  async run(context) {
    const image = await openImage(argument(context, 0), {
      ...openOptions(context),
      platform: platformOption(context),
    });
    const { signal } = context;
    const [digest, config] = [await image.digest(), await image.config({ signal })];
    const platform = formatPlatform(await image.platform({ signal }));
    const layers = (await image.layers({ signal })).map((layer) => layer.descriptor());
    const { mediaType, size } = image;
    if (context.options["json"] === true) {
      return await context.output.json({ digest, mediaType, platform, size, layers, config });
    }
    await context.output.line(`digest    ${digest}`);
    await context.output.line(`type      ${mediaType}`);
    await context.output.line(`platform  ${platform}`);
    await context.output.line(`size      ${formatSize(size)}`);
    await context.output.line(`created   ${config.created ?? "unknown"}`);
    for (const layer of layers) {
      await context.output.line(`layer     ${layer.digest}  ${formatSize(layer.size)}`);
    }
  },
};
