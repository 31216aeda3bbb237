import type { Image } from "../image/image.ts";
import type { IndexView } from "../image/index_view.ts";
import { pushPlace } from "../runtime/push_place.ts";
import { type CommandContext, type OptionSpecs, text, UsageError } from "./_command.ts";
import { EDIT_CREDENTIALS_OPTIONS } from "./_credentials_option.ts";
import {
  JOBS_OPTION,
  jobsOption,
  JSON_OPTION,
  MIRROR_OPTION,
  openOptions,
  REGISTRIES_OPTION,
} from "./_options.ts";
import { transfer } from "./_transfer.ts";

/** The options of commands that make an image of another one. */
export const PUSH_OPTIONS: OptionSpecs = {
  to: { type: "string", short: "t", value: "PLACE", help: "push the new image here" },
  ...JOBS_OPTION,
  ...JSON_OPTION,
  ...EDIT_CREDENTIALS_OPTIONS,
  ...MIRROR_OPTION,
  ...REGISTRIES_OPTION,
};

/** Pushes an image that was made of others to where `--to` says, and answers with its name. */
export async function pushEdited(
  context: CommandContext,
  image: Image | IndexView,
): Promise<void> {
  const to = targetOption(context);
  const options = { ...openOptions(context, "target"), jobs: jobsOption(context) };
  const operation = pushPlace(image, to, options);
  await transfer(context, { operation, to, pin: to });
}

/** Reads `--to`. */
export function targetOption(context: CommandContext): string {
  const to = text(context, "to");
  if (to !== undefined) return to;
  throw new UsageError("name the place of the new image: --to registry.acme.dev/app:2");
}
