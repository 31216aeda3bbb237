import type { Image } from "../image/image.ts";
import { squash } from "../image/squash.ts";
import { type Command, type CommandContext, text, UsageError } from "./_command.ts";
import { imageWithFiles } from "./_image_argument.ts";
import { imageNamed } from "./_open.ts";
import { PLATFORM_OPTION } from "./_options.ts";
import { PUSH_OPTIONS, pushEdited, targetOption } from "./_push_edited.ts";

/** What stays as it is: a number of layers, or those of a base. */
async function lowerLayers(context: CommandContext): Promise<number | Image> {
  const [from, base] = [text(context, "from"), text(context, "base")];
  if (from !== undefined && base !== undefined) {
    throw new UsageError("--from and --base cannot stand together");
  }
  if (base !== undefined) return await imageNamed(context, base);
  if (from === undefined) return 0;
  if (!/^\d{1,4}$/.test(from)) {
    throw new UsageError(`--from takes a number of layers, not ${JSON.stringify(from)}`);
  }
  return Number(from);
}

/** `lading squash IMAGE`. */
export const squashCommand: Command = {
  name: "squash",
  synopsis: "IMAGE",
  summary: "make the upper layers of an image one",
  arity: [1, 1],
  options: {
    from: { type: "string", value: "N", help: "keep the N lowest layers as they are (default 0)" },
    base: { type: "string", value: "IMAGE", help: "keep the layers of this image as they are" },
    ...PLATFORM_OPTION,
    ...PUSH_OPTIONS,
  },
  details:
    "The lower layers stay shared with other images; the new one has whiteouts for what the upper\n" +
    "ones deleted of them. The answer is the digest-pinned reference.",
  examples: ["lading squash acme/app:1 --base node:22-slim --to acme/app:1-small"],
  async run(context) {
    targetOption(context);
    const from = await lowerLayers(context);
    const image = await imageWithFiles(context);
    await pushEdited(context, squash(image, { from }));
  },
};
