import type { CallOptions, ContentSource } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { UnsupportedMediaTypeError } from "../model/errors.ts";
import { MAX_CONFIG_BYTES, type ParsedImageConfig } from "../model/image_config.ts";
import { parseImageConfig } from "../model/parse_image_config.ts";
import { isConfigType } from "../model/media_types.ts";
import { fetchProved } from "../bytes/fetch_proved.ts";

/**
 * Fetches the config of an image and parses it. Size and digest are proved before. At most 8 MiB
 * are held.
 *
 * @param source Where it is.
 * @param descriptor What it is.
 * @param options A signal.
 * @returns The parsed config with its bytes.
 * @throws {UnsupportedMediaTypeError} when it is the config of an artifact, not of an image.
 * @throws {NotFoundError} when it is not there.
 * @throws {DigestMismatchError} when the bytes have another digest.
 * @throws {InvalidConfigError} when the bytes are no image config.
 */
export async function fetchConfig(
  source: ContentSource,
  descriptor: Descriptor,
  options: CallOptions = {},
): Promise<ParsedImageConfig> {
  checkConfigType(descriptor);
  const what = `the config ${descriptor.digest}`;
  const raw = await fetchProved(source, descriptor, {
    maxBytes: MAX_CONFIG_BYTES,
    what,
    signal: options.signal,
  });
  return parseImageConfig(raw);
}

/** Refuses the config of an artifact. */
export function checkConfigType({ mediaType, digest }: Descriptor): void {
  if (isConfigType(mediaType)) return;
  throw new UnsupportedMediaTypeError(
    `Cannot read the config ${digest}: ${mediaType} is not the config of an image`,
    { mediaType },
  );
}
