import { verifyBytes } from "../bytes/verify.ts";
import type { Bytes } from "../model/bytes.ts";
import type { CallOptions, NamedFetcher, Source } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { ParsedManifest } from "../model/manifest.ts";
import { isSchema1Type } from "../model/media_types.ts";
import { parseManifest } from "../model/parse_manifest.ts";
import type { Platform } from "../model/platform.ts";
import { chooseFromIndex } from "./choose_image.ts";
import { fetchManifest } from "./fetch_manifest.ts";

/** Options of {@linkcode resolveImage}. */
export interface ResolveImageOptions extends CallOptions {
  /** Is told the manifest of the result where it was read: it is, where that takes no more requests. */
  readonly found?: ((parsed: ParsedManifest) => void) | undefined;
  /** Is told when the source did not read what was named, as that is dearer there than asking. */
  readonly unread?: (() => void) | undefined;
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
  source: Source & Partial<NamedFetcher>,
  reference: string,
  platform?: Platform | "all",
  options: ResolveImageOptions = {},
): Promise<Descriptor> {
  const { signal, found, unread } = options;
  const isChosen = platform !== undefined && platform !== "all";
  const named = isChosen || found !== undefined
    ? await source.fetchNamed?.(reference, { signal })
    : undefined;
  const { descriptor, raw } = named ?? { descriptor: await source.resolve(reference, { signal }) };
  if (named !== undefined && raw === undefined) unread?.();
  // The digest of schema 1 is that of the signed bytes; fetchManifest() knows.
  const known = raw === undefined || isSchema1Type(descriptor.mediaType)
    ? undefined
    : proved(raw, descriptor);
  const parsed = known ??
    (isChosen ? await fetchManifest(source, descriptor, { signal }) : undefined);
  if (isChosen && parsed?.kind === "index") {
    return await chooseFromIndex(source, { parsed, descriptor }, platform, { signal });
  }
  if (parsed !== undefined) found?.(parsed);
  return descriptor;
}

function proved(raw: Bytes, descriptor: Descriptor): ParsedManifest {
  verifyBytes(raw, descriptor, { what: `the manifest ${descriptor.digest}` });
  return parseManifest(raw, descriptor.mediaType);
}
