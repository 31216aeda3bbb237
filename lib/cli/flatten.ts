import { flatten } from "../image/flatten.ts";
import type { Command } from "./_command.ts";
import { imageWithFiles } from "./_image_argument.ts";
import { PLATFORM_OPTION } from "./_options.ts";
import { PUSH_OPTIONS, pushEdited, targetOption } from "./_push_edited.ts";

/** `lading flatten IMAGE`. */
export const flattenCommand: Command = {
  name: "flatten",
  synopsis: "IMAGE",
  summary: "make all layers of an image one",
  arity: [1, 1],
  options: { ...PLATFORM_OPTION, ...PUSH_OPTIONS },
  details:
    "What upper layers replaced or deleted is gone; the file tree is the same. The answer is the\n" +
    "digest-pinned reference.",
  examples: ["lading flatten acme/app:1 --to acme/app:1-flat"],
  async run(context) {
    targetOption(context);
    await pushEdited(context, flatten(await imageWithFiles(context)));
  },
};
