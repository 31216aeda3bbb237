import { fetchProved } from "../bytes/fetch_proved.ts";
import { readAll } from "../bytes/read_all.ts";
import { manifestDigest } from "../hash/manifest_digest.ts";
import type { CallOptions, ContentSource } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { digestAlgorithm } from "../model/digest.ts";
import { DigestMismatchError } from "../model/errors.ts";
import { MAX_MANIFEST_BYTES, type ParsedManifest } from "../model/manifest.ts";
import { parseManifest } from "../model/parse_manifest.ts";
import { isSchema1Type } from "../model/media_types.ts";

/**
 * Fetches a manifest or an index and parses it. Size and digest are proved over the received bytes
 * before they are parsed, whatever the source has proved already. At most 4 MiB are held.
 *
 * @param source Where it is.
 * @param descriptor What it is.
 * @param options A signal.
 * @returns The parsed manifest with its bytes.
 * @throws {NotFoundError} when it is not there.
 * @throws {DigestMismatchError} when the bytes have another digest.
 * @throws {SizeMismatchError} when there are more or fewer bytes.
 * @throws {InvalidManifestError} when the bytes are no manifest of the type of the descriptor.
 * @throws {LimitExceededError} when it is longer than 4 MiB.
 */
export async function fetchManifest(
  source: ContentSource,
  descriptor: Descriptor,
  options: CallOptions = {},
): Promise<ParsedManifest> {
  const what = `the manifest ${descriptor.digest}`;
  if (isSchema1Type(descriptor.mediaType)) return await fetchSchema1(source, descriptor, options);
  const raw = await fetchProved(source, descriptor, {
    maxBytes: MAX_MANIFEST_BYTES,
    what,
    signal: options.signal,
  });
  return parseManifest(raw, descriptor.mediaType);
}

// The digest of schema 1 is that of the signed bytes; registries sign anew, so no size is fixed.
async function fetchSchema1(
  source: ContentSource,
  descriptor: Descriptor,
  options: CallOptions,
): Promise<ParsedManifest> {
  const what = `the manifest ${descriptor.digest}`;
  const algorithm = digestAlgorithm(descriptor.digest);
  const raw = await readAll(await source.fetch(descriptor, options), {
    maxBytes: MAX_MANIFEST_BYTES,
    what,
    signal: options.signal,
  });
  const parsed = parseManifest(raw, descriptor.mediaType);
  const actual = manifestDigest(parsed, algorithm);
  if (actual !== descriptor.digest) {
    throw new DigestMismatchError(`Cannot read ${what}: it has the digest ${actual}`, {
      expected: descriptor.digest,
      actual,
      descriptor,
    });
  }
  return parsed;
}
