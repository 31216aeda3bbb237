import type { Image } from "../image/image.ts";
import { UnsupportedMediaTypeError } from "../model/errors.ts";
import { isConfigType, isLayerType } from "../model/media_types.ts";
import { argument, type CommandContext } from "./_command.ts";
import { imageNamed } from "./_open.ts";

/** Opens the image that the first argument names, for the platform that was asked for. */
export async function imageArgument(context: CommandContext): Promise<Image> {
  return await imageNamed(context, argument(context, 0));
}

/** What layers of charts and modules are called: archives with another type. */
const TAR_TYPE_REGEXP = /[./+]tar\b/;

/**
 * Opens an image whose files are wanted; an artifact, which has none, is refused before its content
 * is taken for layers.
 */
export async function imageWithFiles(
  context: CommandContext,
  name: string = argument(context, 0),
): Promise<Image> {
  const image = await imageNamed(context, name);
  const { artifactType, config, layers } = await image.manifest({ signal: context.signal });
  const hasTree = isConfigType(config.mediaType) ||
    layers.some(({ mediaType }) => isLayerType(mediaType) || TAR_TYPE_REGEXP.test(mediaType));
  if (hasTree) return image;
  const mediaType = artifactType ?? config.mediaType;
  throw new UnsupportedMediaTypeError(
    `Cannot read the file tree of ${JSON.stringify(name)}: it is an artifact (${mediaType}); ` +
      "lading artifact pull gets its files",
    { mediaType },
  );
}
