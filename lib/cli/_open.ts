import type { Image } from "../image/image.ts";
import type { IndexView } from "../image/index_view.ts";
import type { Source } from "../model/content.ts";
import type { Platform } from "../model/platform.ts";
import { type OpenedPlace, openImage, type OpenOptions, openSource } from "../runtime/open.ts";
import { openIndex, openView } from "../runtime/open_view.ts";
import type { CommandContext } from "./_command.ts";
import { firstCredentials } from "./_credentials_option.ts";
import { openOptions, platformOption } from "./_options.ts";

/** Reads how images are to be opened: the first one by the credentials that were given. */
function readingOptions(context: CommandContext): OpenOptions {
  return { ...openOptions(context), credentials: firstCredentials(context) };
}

/** Opens an image, by default for the platform that was asked for, until the command ends. */
export async function imageNamed(
  context: CommandContext,
  name: string,
  platform: Platform | undefined = platformOption(context),
): Promise<Image> {
  const image = await openImage(name, { ...readingOptions(context), platform });
  context.atEnd(() => image.close());
  return image;
}

/** Opens an index until the command ends. */
export async function indexNamed(context: CommandContext, name: string): Promise<IndexView> {
  const index = await openIndex(name, readingOptions(context));
  context.atEnd(() => index.close());
  return index;
}

/** Opens an index or an image, whatever the name stands for, until the command ends. */
export async function viewNamed(
  context: CommandContext,
  name: string,
): Promise<Image | IndexView> {
  const view = await openView(name, readingOptions(context));
  context.atEnd(() => view.close());
  return view;
}

/** Opens a place until the command ends. */
export function sourceNamed(context: CommandContext, name: string): OpenedPlace<Source> {
  const source = openSource(name, readingOptions(context));
  context.atEnd(() => source.close());
  return source;
}
