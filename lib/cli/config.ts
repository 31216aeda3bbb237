import type { Command } from "./_command.ts";
import { imageArgument } from "./_image_argument.ts";
import { MIRROR_OPTION, PLATFORM_OPTION, REGISTRY_OPTION } from "./_options.ts";
import { bytesOutput, OUTPUT_OPTION } from "./_output_option.ts";

/** `lading config IMAGE`. */
export const configCommand: Command = {
  name: "config",
  synopsis: "IMAGE",
  summary: "print the config of an image, byte for byte",
  arity: [1, 1],
  options: { ...OUTPUT_OPTION, ...PLATFORM_OPTION, ...MIRROR_OPTION, ...REGISTRY_OPTION },
  examples: ["lading config alpine:3.20 | jq .config.Env"],
  async run(context) {
    const write = bytesOutput(context);
    const image = await imageArgument(context);
    await write(await image.rawConfig({ signal: context.signal }));
  },
};
