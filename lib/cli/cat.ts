import { argument, type Command } from "./_command.ts";
import { imageArgument } from "./_image_argument.ts";
import { PLATFORM_OPTION, REGISTRY_OPTION } from "./_options.ts";

/** `lading cat IMAGE PATH`. */
export const catCommand: Command = {
  name: "cat",
  synopsis: "IMAGE PATH",
  summary: "print one file of an image",
  arity: [2, 2],
  options: { ...PLATFORM_OPTION, ...REGISTRY_OPTION },
  examples: [
    "lading cat alpine:3.20 /etc/os-release",
    "lading cat oci:./alpine /bin/busybox --platform linux/arm64 > busybox",
  ],
  async run(context) {
    const { signal } = context;
    const image = await imageArgument(context);
    await context.output.bytes(await image.openFile(argument(context, 1), { signal }));
  },
};
