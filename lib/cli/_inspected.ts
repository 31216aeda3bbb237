import { chooseFromIndex } from "../image/choose_image.ts";
import { fetchManifest } from "../image/fetch_manifest.ts";
import type { Image } from "../image/image.ts";
import { loadImage } from "../image/load_image.ts";
import { isIndexType } from "../model/media_types.ts";
import { formatPlatform } from "../model/platform.ts";
import { isAttestation } from "../model/platform_match.ts";
import { hostPlatform } from "../runtime/host_platform.ts";
import { argument, type CommandContext } from "./_command.ts";
import { sourceNamed } from "./_open.ts";
import { platformOption } from "./_options.ts";

/** An image, and the index that it was chosen from. */
export interface Inspected {
  readonly image: Image;
  readonly index?: {
    readonly digest: string;
    readonly platforms: readonly string[];
  };
}

/**
 * Opens the image that the first argument names, and says what else there is. Each manifest is
 * fetched once: registries count that.
 */
export async function openInspected(context: CommandContext): Promise<Inspected> {
  const { signal } = context;
  const wanted = platformOption(context);
  const source = sourceNamed(context, argument(context, 0));
  const { content, reference } = source;
  const platform = wanted ?? await source.ownPlatform?.({ signal }) ?? hostPlatform();
  const descriptor = await content.resolve(reference, { signal });
  const parsed = isIndexType(descriptor.mediaType)
    ? await fetchManifest(content, descriptor, { signal })
    : undefined;
  if (parsed?.kind !== "index") {
    return { image: await loadImage(content, descriptor, { signal, platform }) };
  }
  const chosen = await chooseFromIndex(content, { parsed, descriptor }, platform, { signal });
  const names = parsed.value.manifests
    .flatMap((child) => child.platform === undefined || isAttestation(child) ? [] : child.platform)
    .map(formatPlatform);
  return {
    image: await loadImage(content, chosen, { signal, platform }),
    index: { digest: descriptor.digest, platforms: [...new Set(names)] },
  };
}
