import { openImage } from "../runtime/open.ts";
import { argument, type Command } from "./_command.ts";
import { openOptions, PLATFORM_OPTION, platformOption } from "./_options.ts";

/** `lading cat IMAGE PATH`. */
export const catCommand: Command = {
  name: "cat",
  synopsis: "IMAGE PATH",
  summary: "print one file of an image",
  arity: [2, 2],
  options: { ...PLATFORM_OPTION },
  async run(context) {
    const image = await openImage(argument(context, 0), {
      ...openOptions(context),
      platform: platformOption(context),
    });
    const { signal } = context;
    await context.output.bytes(await image.openFile(argument(context, 1), { signal }));
  },
};
