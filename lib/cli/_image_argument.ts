import type { Image } from "../image/image.ts";
import { openImage } from "../runtime/open.ts";
import { argument, type CommandContext } from "./_command.ts";
import { openOptions, platformOption } from "./_options.ts";

/** Opens the image that the first argument names, for the platform that was asked for. */
export async function imageArgument(context: CommandContext): Promise<Image> {
  const platform = platformOption(context);
  return await openImage(argument(context, 0), { ...openOptions(context), platform });
}
