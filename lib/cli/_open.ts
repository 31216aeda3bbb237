import type { Image } from "../image/image.ts";
import type { IndexView } from "../image/index_view.ts";
import type { Source } from "../model/content.ts";
import type { Platform } from "../model/platform.ts";
import { type OpenedPlace, openImage, openSource } from "../runtime/open.ts";
import { openIndex, openView } from "../runtime/open_view.ts";
import type { CommandContext } from "./_command.ts";
import { openOptions, platformOption } from "./_options.ts";

/** Opens an image, by default for the platform that was asked for, until the command ends. */
export async function imageNamed(
  context: CommandContext,
  name: string,
  platform: Platform | undefined = platformOption(context),
): Promise<Image> {
  const image = await openImage(name, { ...openOptions(context), platform });
  context.atEnd(() => image.close());
  return image;
}

/** Opens an index until the command ends. */
export async function indexNamed(context: CommandContext, name: string): Promise<IndexView> {
  const index = await openIndex(name, openOptions(context));
  context.atEnd(() => index.close());
  return index;
}

/** Opens an index or an image, whatever the name stands for, until the command ends. */
export async function viewNamed(
  context: CommandContext,
  name: string,
): Promise<Image | IndexView> {
  const view = await openView(name, openOptions(context));
  context.atEnd(() => view.close());
  return view;
}

/** Opens a place until the command ends. */
export function sourceNamed(context: CommandContext, name: string): OpenedPlace<Source> {
  const source = openSource(name, openOptions(context));
  context.atEnd(() => source.close());
  return source;
}
