import { openImage, openSource } from "../runtime/open.ts";
import { argument, type Command } from "./_command.ts";
import { openOptions, PLATFORM_OPTION, platformOption } from "./_options.ts";

/** `lading digest IMAGE`. */
export const digestCommand: Command = {
  name: "digest",
  synopsis: "IMAGE",
  summary: "print the digest of a manifest or index",
  arity: [1, 1],
  options: { ...PLATFORM_OPTION },
  async run(context) {
    const options = openOptions(context);
    const platform = platformOption(context);
    if (platform !== undefined) {
      const image = await openImage(argument(context, 0), { ...options, platform });
      return await context.output.line(await image.digest());
    }
    const source = openSource(argument(context, 0), options);
    try {
      const { digest } = await source.content.resolve(source.reference, options);
      await context.output.line(digest);
    } finally {
      await source.close();
    }
  },
};
