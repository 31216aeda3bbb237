import { manifestDigest } from "../hash/manifest_digest.ts";
import type { Bytes } from "../model/bytes.ts";
import type { CallOptions, Target } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { digestAlgorithm } from "../model/digest.ts";
import { DigestMismatchError } from "../model/errors.ts";
import { parseManifest } from "../model/parse_manifest.ts";
import { isDigestReference } from "../model/reference.ts";
import { storeManifest } from "./_store_manifest.ts";

/** Options of {@linkcode pushManifest}. */
export interface PushManifestOptions extends CallOptions {
  /** The name that it gets, or the digest that it has to have; default none. */
  readonly reference?: string | undefined;
  /** The media type, for documents that do not name their own. */
  readonly mediaType?: string | undefined;
}

/**
 * Stores a manifest or an index as it is, byte for byte, and names it. What it is made of has to be
 * there before: registries refuse it otherwise. A manifest with a subject becomes a referrer.
 *
 * @param target Where it goes.
 * @param raw The bytes.
 * @param options The name, the media type, and a signal.
 * @returns The descriptor.
 * @throws {InvalidManifestError} when the bytes are no manifest, or of another type than was said;
 * nothing was stored.
 * @throws {DigestMismatchError} when the reference is a digest, and not that of the bytes.
 *
 * @example Store an index that was made by hand
 * ```ts
 * import { memoryStore } from "@lading/lading/store";
 * import { pushManifest } from "@lading/lading/ops";
 *
 * const store = memoryStore();
 * const index = { schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: [] };
 * const raw = new TextEncoder().encode(JSON.stringify(index));
 * const { digest } = await pushManifest(store, raw, { reference: "empty:1" });
 * console.log((await store.resolve("empty:1")).digest === digest); // true
 * ```
 */
export async function pushManifest(
  target: Target,
  raw: Bytes,
  options: PushManifestOptions = {},
): Promise<Descriptor> {
  const { reference, signal } = options;
  signal?.throwIfAborted();
  const parsed = parseManifest(raw, options.mediaType);
  const expected = reference !== undefined && isDigestReference(reference) ? reference : undefined;
  const algorithm = expected === undefined ? "sha256" : digestAlgorithm(expected);
  const digest = manifestDigest(parsed, algorithm);
  const { mediaType } = parsed;
  const descriptor: Descriptor = { mediaType, digest, size: raw.byteLength };
  if (expected !== undefined && digest !== expected) {
    throw new DigestMismatchError(
      `Cannot push manifest ${expected}: its bytes have the digest ${digest}`,
      { expected, actual: digest, descriptor },
    );
  }
  await storeManifest(target, descriptor, raw, { reference, signal });
  return descriptor;
}
