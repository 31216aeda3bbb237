import type { Command } from "./_command.ts";
import { MANIFEST_PLATFORM_OPTION, manifestArgument } from "./_manifest_argument.ts";
import { manifestDiffCommand } from "./manifest_diff.ts";
import { manifestPushCommand } from "./manifest_push.ts";
import { MIRROR_OPTION, REGISTRY_OPTION } from "./_options.ts";
import { bytesOutput, OUTPUT_OPTION } from "./_output_option.ts";

/** `lading manifest IMAGE`. */
export const manifestCommand: Command = {
  name: "manifest",
  synopsis: "IMAGE",
  summary: "print the manifest of an image, or an index, byte for byte",
  arity: [1, 1],
  options: { ...OUTPUT_OPTION, ...MANIFEST_PLATFORM_OPTION, ...MIRROR_OPTION, ...REGISTRY_OPTION },
  commands: [manifestPushCommand, manifestDiffCommand],
  isVerb: true,
  examples: [
    "lading manifest alpine:3.20 --platform linux/arm64 | jq .layers",
    "lading manifest alpine:3.20 | jq .manifests",
  ],
  async run(context) {
    const write = bytesOutput(context);
    await write(await manifestArgument(context, 0));
  },
};
