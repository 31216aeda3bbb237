import { openImage } from "../runtime/open.ts";
import { argument, type Command } from "./_command.ts";
import { openOptions, PLATFORM_OPTION, platformOption } from "./_options.ts";

/** `lading config IMAGE`. */
export const configCommand: Command = {
  name: "config",
  synopsis: "IMAGE",
  summary: "print the config of an image, byte for byte",
  arity: [1, 1],
  options: { ...PLATFORM_OPTION },
  async run(context) {
    const image = await openImage(argument(context, 0), {
      ...openOptions(context),
      platform: platformOption(context),
    });
    await context.output.bytes(await image.rawConfig({ signal: context.signal }));
  },
};
