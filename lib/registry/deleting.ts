import { digestBytes } from "../hash/digest_bytes.ts";
import { encodeHex } from "../model/hex.ts";
import type { CallOptions } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { digestAlgorithm } from "../model/digest.ts";
import {
  InvalidReferenceError,
  type LadingError,
  NotFoundError,
  TagImmutableError,
} from "../model/errors.ts";
import { MEDIA_TYPE_OCI_CONFIG, MEDIA_TYPE_OCI_MANIFEST } from "../model/media_types.ts";
import { discard } from "./_answer.ts";
import { quotedBlob, quotedName, type RepositoryContext } from "./_context.ts";
import { answerError } from "./errors.ts";
import { tagError } from "./_fixed_tag.ts";
import { hasManifest, isManifest } from "./manifests.ts";
import { manifestName } from "./_manifest_name.ts";
import { putManifest } from "./push_manifest.ts";
import { dropReferrer, storedReferrer } from "./referrers_tag.ts";
import { sendDelete } from "./_send_delete.ts";
import { uploadBlob } from "./upload.ts";
import { isGood } from "./_upload_session.ts";

/**
 * Deletes a manifest, with all of its tags, or a blob (distribution-spec, content management). What
 * is not there is no error. A manifest with a subject is taken off the tag of its referrers.
 *
 * @throws {RegistryError} when the registry does not allow it.
 */
export async function deleteContent(
  context: RepositoryContext,
  target: Descriptor,
  options: CallOptions,
): Promise<void> {
  const referrer = isManifest(target) ? await storedReferrer(context, target, options) : undefined;
  await deleteAlone(context, target, options);
  if (referrer !== undefined) await dropReferrer(context, referrer, options);
}

async function deleteAlone(
  context: RepositoryContext,
  target: Descriptor,
  options: CallOptions,
): Promise<void> {
  const { digest } = target;
  digestAlgorithm(digest);
  const [kind, what] = isManifest(target)
    ? ["manifests", quotedName(context, digest)]
    : ["blobs", quotedBlob(context, digest)];
  const action = `delete ${what}`;
  const answer = await sendDelete(context, `${kind}/${digest}`, action, options);
  if (isGood(answer)) return discard(answer);
  const error = await answerError(answer, action, context.client.clock);
  if (!(error instanceof NotFoundError)) throw error;
}

/** The answers of registries that delete by digest alone: distribution 2.8, and older ones. */
const TAG_REFUSED: ReadonlySet<number> = new Set([400, 404, 405, 501]);

/**
 * Removes a tag and keeps its manifest. Registries before distribution-spec 1.1 cannot do that: there
 * the tag is put on an empty image of its own, which is deleted.
 *
 * @throws {NotFoundError} when there is no such tag.
 * @throws {RegistryError} when the registry does not allow it; the tag stands as it was.
 */
export async function removeTag(
  context: RepositoryContext,
  reference: string,
  options: CallOptions,
): Promise<void> {
  const { tag } = manifestName(reference);
  if (tag === undefined) {
    throw new InvalidReferenceError(
      `Cannot untag ${quotedName(context, reference)}: it is a digest; delete the manifest instead`,
      { input: reference },
    );
  }
  const action = `untag ${quotedName(context, tag)}`;
  // A registry that knows no tags says 404 too.
  if (!await hasManifest(context, tag, options)) {
    throw new NotFoundError(`Cannot ${action}: there is no such tag`);
  }
  const answer = await sendDelete(context, `manifests/${tag}`, action, options);
  if (isGood(answer)) return discard(answer);
  const error = tagError(await answerError(answer, action, context.client.clock));
  // One that stands for good is not moved to be removed either.
  const isFixed = error instanceof TagImmutableError;
  if (isFixed || !TAG_REFUSED.has(answer.status)) throw error;
  await untagByDigest(context, tag, error, options);
}

/** Puts the tag on an image that nobody else has, and deletes that. */
async function untagByDigest(
  context: RepositoryContext,
  tag: string,
  refusal: LadingError,
  options: CallOptions,
): Promise<void> {
  context.client.emit({
    type: "fallback",
    registry: context.client.endpoint.name,
    reason: "it deletes no tags; the tag is put on an empty image, which is deleted",
  });
  // First an image without a tag: where nothing can be deleted, the tag has to stay.
  const probe = await pushEmptyImage(context, options);
  try {
    await deleteAlone(context, probe.target, options);
  } catch (cause) {
    options.signal?.throwIfAborted();
    Object.defineProperty(refusal, "cause", { value: cause });
    throw refusal;
  }
  const { target, raw } = await pushEmptyImage(context, options);
  await putManifest(context, tag, target, raw, options);
  await deleteAlone(context, target, options);
}

/** Pushes an image that no other has the digest of. */
async function pushEmptyImage(context: RepositoryContext, options: CallOptions) {
  const encoder = new TextEncoder();
  const unique = encodeHex(crypto.getRandomValues(new Uint8Array(16)));
  const config = encoder.encode(JSON.stringify({
    architecture: "unknown",
    os: "unknown",
    rootfs: { type: "layers", diff_ids: [] },
    config: { Labels: { unique } },
  }));
  const digest = digestBytes("sha256", config);
  const described = { mediaType: MEDIA_TYPE_OCI_CONFIG, digest, size: config.length };
  await uploadBlob(context, described, config, options);
  const mediaType = MEDIA_TYPE_OCI_MANIFEST;
  const raw = encoder.encode(
    JSON.stringify({ schemaVersion: 2, mediaType, config: described, layers: [] }),
  );
  const target = { mediaType, digest: digestBytes("sha256", raw), size: raw.length };
  await putManifest(context, target.digest, target, raw, options);
  return { target, raw };
}
