import type { Image } from "../image/image.ts";
import { mutate } from "../image/mutate.ts";
import { rebase } from "../image/rebase.ts";
import { parsePlace } from "../model/place.ts";
import { type Command, type CommandContext, text, UsageError } from "./_command.ts";
import { EDIT_OPTIONS, editOf } from "./_edit_options.ts";
import { imageArgument } from "./_image_argument.ts";
import { namedBase } from "./_named_base.ts";
import { imageNamed } from "./_open.ts";
import { PLATFORM_OPTION } from "./_options.ts";
import { PUSH_OPTIONS, pushEdited, targetOption } from "./_push_edited.ts";

/** The names of both bases: those that were given, else those in the image's annotations. */
async function baseNames(
  context: CommandContext,
  image: Image,
): Promise<{ readonly oldName: string; readonly newName: string }> {
  const [oldBase, newBase] = [text(context, "old-base"), text(context, "new-base")];
  const isGiven = oldBase !== undefined && newBase !== undefined;
  const named = isGiven ? undefined : await namedBase(image, context.signal);
  const [oldName, newName] = [oldBase ?? named?.pinned, newBase ?? named?.name];
  if (oldName !== undefined && newName !== undefined) return { oldName, newName };
  throw new UsageError(
    "the image does not name its base; name both: --old-base node:22.1-slim --new-base node:22.2-slim",
  );
}

/** `lading rebase IMAGE`. */
export const rebaseCommand: Command = {
  name: "rebase",
  synopsis: "IMAGE",
  summary: "put the upper layers of an image on another base",
  arity: [1, 1],
  options: {
    "old-base": {
      type: "string",
      value: "IMAGE",
      help: "the image that it is built on (default: what its annotations name)",
    },
    "new-base": {
      type: "string",
      value: "IMAGE",
      help: "the image to put it on (default: what the name of its base stands for now)",
    },
    ...EDIT_OPTIONS,
    ...PLATFORM_OPTION,
    ...PUSH_OPTIONS,
  },
  details:
    "The layers of the old base have to be the lowest ones of the image. Whether the upper ones make\n" +
    "sense on the new base is not checked. The answer is the digest-pinned reference.",
  examples: [
    "lading rebase acme/app:1 --to acme/app:1",
    "lading rebase acme/app:1 --old-base node:22.1-slim --new-base node:22.2-slim --to acme/app:1.1",
  ],
  async run(context) {
    const edit = editOf(context);
    targetOption(context);
    const image = await imageArgument(context);
    const { oldName, newName } = await baseNames(context, image);
    const [oldBase, newBase] = await Promise.all([
      imageNamed(context, oldName),
      imageNamed(context, newName),
    ]);
    const place = parsePlace(newName);
    const newBaseName = place.transport === "docker" ? place.reference : undefined;
    const rebased = rebase(image, { oldBase, newBase, newBaseName });
    await pushEdited(context, edit === undefined ? rebased : mutate(rebased, edit));
  },
};
