import { isBasedOn } from "../image/is_based_on.ts";
import { pinnedReference } from "../runtime/pinned_reference.ts";
import {
  argument,
  type Command,
  flag,
  text,
  UsageError,
  ValidationFailedError,
} from "./_command.ts";
import { FIRST_CREDENTIALS_OPTION } from "./_credentials_option.ts";
import { imageArgument } from "./_image_argument.ts";
import { namedBase } from "./_named_base.ts";
import { imageNamed } from "./_open.ts";
import { JSON_OPTION, MIRROR_OPTION, PLATFORM_OPTION, REGISTRIES_OPTION } from "./_options.ts";

/** `lading check-base IMAGE`. */
export const checkBaseCommand: Command = {
  name: "check-base",
  synopsis: "IMAGE",
  summary: "tell whether an image is built on what its base is now",
  arity: [1, 1],
  options: {
    base: {
      type: "string",
      value: "IMAGE",
      help: "the base (default: the one that the image's annotation names)",
    },
    ...PLATFORM_OPTION,
    ...JSON_OPTION,
    ...FIRST_CREDENTIALS_OPTION,
    ...MIRROR_OPTION,
    ...REGISTRIES_OPTION,
  },
  details:
    "Layers are compared; none is read. The answer is the digest-pinned reference of the base as it\n" +
    "is now. When the image is built on something else the exit code is 5.",
  examples: [
    "lading check-base acme/app:1 || lading rebase acme/app:1 --to acme/app:1",
    "lading check-base acme/app:1 --base node:22-slim",
  ],
  async run(context) {
    const { output, signal } = context;
    const image = await imageArgument(context);
    const name = text(context, "base") ?? (await namedBase(image, signal))?.name;
    if (name === undefined) {
      throw new UsageError("the image does not name its base: --base node:22-slim");
    }
    const platform = await image.platform({ signal });
    const base = await imageNamed(context, name, platform);
    const digest = await base.digest({ signal });
    const isCurrent = await isBasedOn(image, base, { signal });
    if (flag(context, "json")) await output.json({ base: name, digest, isCurrent });
    else await output.line(pinnedReference(name, digest));
    if (isCurrent) return;
    throw new ValidationFailedError(
      `${argument(context, 0)} is not built on what ${name} is now; lading rebase puts it there`,
    );
  },
};
