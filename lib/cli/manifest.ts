import type { Command } from "./_command.ts";
import { imageArgument } from "./_image_argument.ts";
import { PLATFORM_OPTION, REGISTRY_OPTION } from "./_options.ts";

/** `lading manifest IMAGE`. */
export const manifestCommand: Command = {
  name: "manifest",
  synopsis: "IMAGE",
  summary: "print the manifest of an image, byte for byte",
  arity: [1, 1],
  options: { ...PLATFORM_OPTION, ...REGISTRY_OPTION },
  examples: ["lading manifest alpine:3.20 --platform linux/arm64 | jq .layers"],
  async run(context) {
    const image = await imageArgument(context);
    await context.output.bytes(await image.rawManifest());
  },
};
