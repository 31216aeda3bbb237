import type { CallOptions, Source } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { ParsedManifest } from "../model/manifest.ts";
import type { Platform } from "../model/platform.ts";
import { chooseFromIndex } from "./choose_image.ts";
import { fetchManifest } from "./fetch_manifest.ts";

/** Options of {@linkcode resolveImage}. */
export interface ResolveImageOptions extends CallOptions {
  /** Is told the manifest that the reference points at, where it was read. */
  readonly found?: ((parsed: ParsedManifest) => void) | undefined;
}

/**
 * Finds a manifest or an index by its reference, or in an index the image for a platform.
 *
 * @param source Where it is.
 * @param reference Its tag, name or digest there.
 * @param platform The platform; `"all"` or none for what the reference points at.
 * @param options A signal, and who is told what was read.
 * @returns The descriptor.
 * @throws {NotFoundError} when there is no such reference.
 * @throws {PlatformNotFoundError} when the index has no image for the platform.
 */
export async function resolveImage(
  source: Source,
  reference: string,
  platform?: Platform | "all",
  options: ResolveImageOptions = {},
): Promise<Descriptor> {
  const { signal, found } = options;
  const descriptor = await source.resolve(reference, { signal });
  if (platform === undefined || platform === "all") return descriptor;
  const parsed = await fetchManifest(source, descriptor, { signal });
  found?.(parsed);
  if (parsed.kind !== "index") return descriptor;
  return await chooseFromIndex(source, { parsed, descriptor }, platform, { signal });
}
