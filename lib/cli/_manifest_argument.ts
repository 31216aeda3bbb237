import { fetchManifest } from "../image/fetch_manifest.ts";
import type { Bytes } from "../model/bytes.ts";
import { argument, type CommandContext, type OptionSpecs } from "./_command.ts";
import { imageNamed, sourceNamed } from "./_open.ts";
import { platformsOption } from "./_options.ts";

/** The option that chooses a manifest. */
export const MANIFEST_PLATFORM_OPTION: OptionSpecs = {
  platform: {
    type: "string",
    value: "OS/ARCH[/VARIANT]|all",
    help: "of an index, take this platform's (default: all, the index itself)",
  },
};

/**
 * Reads what an argument names, byte for byte as `lading digest` counts it, or the manifest of its
 * image for a platform.
 */
export async function manifestArgument(context: CommandContext, index: number): Promise<Bytes> {
  const { signal } = context;
  const name = argument(context, index);
  const platform = platformsOption(context);
  if (platform !== undefined && platform !== "all") {
    const image = await imageNamed(context, name, platform);
    return await image.rawManifest({ signal });
  }
  const { content, reference } = sourceNamed(context, name);
  const descriptor = await content.resolve(reference, { signal });
  return (await fetchManifest(content, descriptor, { signal })).raw;
}
