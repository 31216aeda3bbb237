import { mutate } from "../image/mutate.ts";
import { rebase } from "../image/rebase.ts";
import { parsePlace } from "../model/place.ts";
import { openImage } from "../runtime/open.ts";
import { argument, type Command, text, UsageError } from "./_command.ts";
import { EDIT_OPTIONS, editOf } from "./_edit_options.ts";
import { openOptions, PLATFORM_OPTION, platformOption } from "./_options.ts";
import { PUSH_OPTIONS, pushEdited, targetOption } from "./_push_edited.ts";

/** `lading rebase IMAGE`. */
export const rebaseCommand: Command = {
  name: "rebase",
  synopsis: "IMAGE",
  summary: "put the upper layers of an image on another base",
  arity: [1, 1],
  options: {
    "old-base": { type: "string", value: "IMAGE", help: "the image that it is built on" },
    "new-base": { type: "string", value: "IMAGE", help: "the image to put it on" },
    ...EDIT_OPTIONS,
    ...PLATFORM_OPTION,
    ...PUSH_OPTIONS,
  },
  details:
    "The layers of the old base have to be the lowest ones of the image. Whether the upper ones make\n" +
    "sense on the new base is not checked. The answer is the digest-pinned reference.",
  examples: [
    "lading rebase acme/app:1 --old-base node:22.1-slim --new-base node:22.2-slim --to acme/app:1.1",
  ],
  async run(context) {
    const [oldName, newName] = [text(context, "old-base"), text(context, "new-base")];
    if (oldName === undefined || newName === undefined) {
      throw new UsageError("name both bases: --old-base node:22.1-slim --new-base node:22.2-slim");
    }
    const edit = editOf(context);
    targetOption(context);
    const options = { ...openOptions(context), platform: platformOption(context) };
    const [image, oldBase, newBase] = await Promise.all([
      openImage(argument(context, 0), options),
      openImage(oldName, options),
      openImage(newName, options),
    ]);
    const place = parsePlace(newName);
    const newBaseName = place.transport === "docker" ? place.reference : undefined;
    const rebased = rebase(image, { oldBase, newBase, newBaseName });
    await pushEdited(
      context,
      edit === undefined ? rebased : mutate(rebased, edit),
      argument(context, 0),
    );
  },
};
