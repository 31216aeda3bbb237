import { openImage } from "../runtime/open.ts";
import { exportRootfs } from "../image/export_rootfs.ts";
import { argument, type Command } from "./_command.ts";
import { openOptions, PLATFORM_OPTION, platformOption } from "./_options.ts";

/** `lading export IMAGE`. */
export const exportCommand: Command = {
  name: "export",
  synopsis: "IMAGE",
  summary: "write the merged file tree of an image as a tar archive",
  arity: [1, 1],
  options: { ...PLATFORM_OPTION },
  async run(context) {
    const image = await openImage(argument(context, 0), {
      ...openOptions(context),
      platform: platformOption(context),
    });
    await context.output.bytes(exportRootfs(image, { signal: context.signal }));
  },
};
