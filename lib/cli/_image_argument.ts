import type { Image } from "../image/image.ts";
import { argument, type CommandContext } from "./_command.ts";
import { imageNamed } from "./_open.ts";

/** Opens the image that the first argument names, for the platform that was asked for. */
export async function imageArgument(context: CommandContext): Promise<Image> {
  return await imageNamed(context, argument(context, 0));
}
