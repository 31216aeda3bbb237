import { CACHE_DETAILS, CACHE_OPTION, layerIndexesOption } from "./_cache_option.ts";
import { argument, type Command } from "./_command.ts";
import { imageWithFiles } from "./_image_argument.ts";
import { bytesOutput, OUTPUT_OPTION } from "./_output_option.ts";
import { MIRROR_OPTION, PLATFORM_OPTION, REGISTRY_OPTION } from "./_options.ts";

/** `lading cat IMAGE PATH`. */
export const catCommand: Command = {
  name: "cat",
  synopsis: "IMAGE PATH",
  summary: "print one file of an image",
  arity: [2, 2],
  options: {
    ...OUTPUT_OPTION,
    ...CACHE_OPTION,
    ...PLATFORM_OPTION,
    ...MIRROR_OPTION,
    ...REGISTRY_OPTION,
  },
  details: CACHE_DETAILS,
  examples: [
    "lading cat alpine:3.20 /etc/os-release",
    "lading cat oci:./alpine /bin/busybox --platform linux/arm64 -o busybox",
  ],
  async run(context) {
    const { signal } = context;
    const write = bytesOutput(context);
    const image = await imageWithFiles(context);
    const layerIndexes = layerIndexesOption(context);
    const file = await image.openFile(argument(context, 1), { layerIndexes, signal });
    await write(file);
  },
};
