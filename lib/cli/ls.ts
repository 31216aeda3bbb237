import { openImage } from "../runtime/open.ts";
import type { RootfsEntry } from "../image/rootfs_entry.ts";
import { argument, type Command } from "./_command.ts";
import { JSON_OPTION, openOptions, PLATFORM_OPTION, platformOption } from "./_options.ts";

/** `lading ls IMAGE`. */
export const lsCommand: Command = {
  name: "ls",
  synopsis: "IMAGE",
  summary: "list the files of an image",
  arity: [1, 1],
  options: { ...PLATFORM_OPTION, ...JSON_OPTION },
  async run(context) {
    const image = await openImage(argument(context, 0), {
      ...openOptions(context),
      platform: platformOption(context),
    });
    const entries: RootfsEntry[] = [];
    for await (const entry of image.files({ signal: context.signal })) {
      if (context.options["json"] === true) {
        entries.push(entry);
        continue;
      }
      const link = entry.linkPath === undefined ? "" : ` -> ${entry.linkPath}`;
      await context.output.line(`${entry.path}${link}`);
    }
    if (context.options["json"] === true) await context.output.json(entries);
  },
};
