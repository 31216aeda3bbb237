import { mapConcurrent } from "../bytes/map_concurrent.ts";
import type { CallOptions, ReferrersOptions } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { digestAlgorithm, parseDigest } from "../model/digest.ts";
import { isLadingError, NotFoundError } from "../model/errors.ts";
import { parseImageIndex } from "../model/parse_image_index.ts";
import { MEDIA_TYPE_OCI_INDEX } from "../model/media_types.ts";
import { contentType } from "./_answer.ts";
import { pullScopes, quotedName, type RepositoryContext } from "./_context.ts";
import { getManifest, headManifest } from "./manifests.ts";
import { readPages } from "./pages.ts";

/** Statuses of registries that do not know the referrers API. */
const UNSUPPORTED: ReadonlySet<number> = new Set([400, 404, 405, 406, 501]);

/** How many referrers are looked at together. */
const CONCURRENCY = 4;

/**
 * Makes the tag under which registries without the referrers API keep the referrers of a manifest
 * (distribution-spec, referrers tag schema).
 *
 * @param digest The digest of the subject.
 * @returns The tag.
 */
export function referrersTag(digest: string): string {
  const { algorithm, encoded } = parseDigest(digest);
  // A tag has at most 128 characters, fewer than the digest of SHA-512.
  const tag = `${algorithm.slice(0, 32)}-${encoded.slice(0, 64)}`;
  return tag.replace(/[^A-Za-z0-9._-]/g, "-");
}

/**
 * Takes the size from the manifest itself: GAR and Harbor report other numbers (oras#1626,
 * harbor#20187). The digest decides what is meant, so a registry that does not tell changes nothing.
 */
async function withOwnSize(
  context: RepositoryContext,
  reported: Descriptor,
  options: CallOptions,
): Promise<Descriptor> {
  try {
    const { digest } = reported;
    digestAlgorithm(digest);
    const own = await headManifest(context, { text: digest, digest }, options);
    return own === undefined ? reported : { ...reported, size: own.size };
  } catch (error) {
    if (isLadingError(error)) return reported;
    throw error;
  }
}

async function* fromAPI(
  context: RepositoryContext,
  subject: Descriptor,
  options: ReferrersOptions,
): AsyncGenerator<readonly Descriptor[], boolean, undefined> {
  const { client, name } = context;
  const { artifactType, signal } = options;
  const query = artifactType === undefined
    ? ""
    : `?artifactType=${encodeURIComponent(artifactType)}`;
  let isSupported = true;
  const pages = readPages(client, {
    call: {
      action: `list the referrers of ${quotedName(context, subject.digest)}`,
      url: client.url(`/v2/${name}/referrers/${subject.digest}${query}`),
      scopes: pullScopes(context),
      headers: { accept: MEDIA_TYPE_OCI_INDEX },
      signal,
    },
    isSized: false,
    accept({ status, headers }) {
      // Anything but an index comes from a server that took the path for something else.
      isSupported = !UNSUPPORTED.has(status) &&
        !(status === 200 && contentType(headers) !== MEDIA_TYPE_OCI_INDEX);
      return isSupported;
    },
    entries: (raw) => parseImageIndex(raw, MEDIA_TYPE_OCI_INDEX).value.manifests,
  });
  for await (const page of pages) {
    yield await mapConcurrent(
      page,
      CONCURRENCY,
      (item, _, signal) => withOwnSize(context, item, { signal }),
      { signal },
    );
  }
  return isSupported;
}

async function fromTag(
  context: RepositoryContext,
  subject: Descriptor,
  options: CallOptions,
): Promise<readonly Descriptor[]> {
  const tag = referrersTag(subject.digest);
  try {
    const { parsed } = await getManifest(context, { text: tag, tag }, options);
    return parsed.kind === "index" ? parsed.value.manifests : [];
  } catch (error) {
    if (error instanceof NotFoundError) return [];
    throw error;
  }
}

/**
 * Lists the manifests whose subject is a given one, by the referrers API, or where the registry does
 * not know it by the tag that stands in for it. Each is given once; the filter is applied here,
 * whatever the registry says it has done.
 *
 * @param context The repository.
 * @param subject The subject; only its digest counts.
 * @param options The filter and a signal.
 * @returns The descriptors.
 */
export async function* listReferrers(
  context: RepositoryContext,
  subject: Descriptor,
  options: ReferrersOptions,
): AsyncGenerator<Descriptor, void, undefined> {
  digestAlgorithm(subject.digest);
  const { artifactType, signal } = options;
  const seen = new Set<string>();
  const isNew = (item: Descriptor): boolean => {
    if (artifactType !== undefined && item.artifactType !== artifactType) return false;
    if (seen.has(item.digest)) return false;
    seen.add(item.digest);
    return true;
  };
  const pages = fromAPI(context, subject, options);
  for (;;) {
    const { done, value } = await pages.next();
    if (done === true) {
      if (value) return;
      break;
    }
    yield* value.filter(isNew);
  }
  context.client.emit({
    type: "fallback",
    registry: context.client.endpoint.name,
    reason: "it has no referrers API; the tag of the referrers is read",
  });
  yield* (await fromTag(context, subject, { signal })).filter(isNew);
}
