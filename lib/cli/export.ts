import { exportRootfs } from "../image/export_rootfs.ts";
import type { Command } from "./_command.ts";
import { imageArgument } from "./_image_argument.ts";
import { PLATFORM_OPTION, REGISTRY_OPTION } from "./_options.ts";

/** `lading export IMAGE`. */
export const exportCommand: Command = {
  name: "export",
  synopsis: "IMAGE",
  summary: "write the merged file tree of an image as a tar archive",
  arity: [1, 1],
  options: { ...PLATFORM_OPTION, ...REGISTRY_OPTION },
  examples: ["lading export alpine:3.20 > alpine.tar", "lading export oci:./alpine | tar -tv"],
  async run(context) {
    const image = await imageArgument(context);
    await context.output.bytes(exportRootfs(image, { signal: context.signal }));
  },
};
