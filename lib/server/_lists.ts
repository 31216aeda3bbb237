import { MAX_MANIFEST_BYTES } from "../model/manifest.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { MEDIA_TYPE_OCI_INDEX } from "../model/media_types.ts";
import { jsonAnswer } from "./_answer.ts";
import type { Call, Context } from "./_context.ts";
import { digestToFind } from "./_digest_text.ts";
import { nextLink, pageOf } from "./_pages.ts";
import { Refusal } from "./_refusal.ts";

/** Answers GET of the tags of a repository (distribution-spec §listing tags). */
export async function listTags(
  context: Context,
  { url }: Call,
  repository: string,
): Promise<Response> {
  const all = await context.shelves.tags(repository);
  if (all === undefined) throw unknownName(repository);
  return answerTags(all, url, repository);
}

/** Answers with a page of tags. */
export function answerTags(all: Iterable<string>, url: URL, repository: string): Response {
  const { items, link } = pageOf(all, url);
  return jsonAnswer(200, { name: repository, tags: items }, linkHeader(link));
}

/** Says that a repository is not there. */
export function unknownName(repository: string): Refusal {
  return new Refusal(404, "NAME_UNKNOWN", "there is no such repository", {
    detail: { name: repository },
  });
}

/** Answers GET of the catalog, which is Docker's addition to the specification. */
export async function listRepositories(context: Context, { url }: Call): Promise<Response> {
  return answerRepositories(await context.shelves.repositories(), url);
}

/** Answers with a page of the names of repositories. */
export function answerRepositories(all: Iterable<string>, url: URL): Response {
  const { items, link } = pageOf(all, url);
  return jsonAnswer(200, { repositories: items }, linkHeader(link));
}

/** Answers GET of the referrers of a subject (distribution-spec §listing referrers). */
export async function listReferrers(
  context: Context,
  { url }: Call,
  repository: string,
  text: string,
): Promise<Response> {
  const digest = digestToFind(text);
  const all = digest === undefined ? [] : await context.shelves.referrers(repository, digest);
  return answerReferrers(all, url);
}

/** Answers with the referrers that are asked for, as many as fit into an index. */
export function answerReferrers(all: readonly Descriptor[], url: URL): Response {
  const artifactType = url.searchParams.get("artifactType");
  const last = url.searchParams.get("last") ?? "";
  const wanted = all
    .filter((descriptor) => artifactType === null || descriptor.artifactType === artifactType)
    .filter((descriptor) => descriptor.digest > last)
    .sort((a, b) => a.digest < b.digest ? -1 : a.digest > b.digest ? 1 : 0);
  const manifests = fitting(wanted);
  const end = manifests.at(-1)?.digest;
  const hasMore = end !== undefined && manifests.length < wanted.length;
  const link = hasMore
    ? nextLink(url, { ...(artifactType === null ? {} : { artifactType }), last: end })
    : undefined;
  return jsonAnswer(200, { schemaVersion: 2, mediaType: MEDIA_TYPE_OCI_INDEX, manifests }, {
    "content-type": MEDIA_TYPE_OCI_INDEX,
    ...(artifactType === null ? {} : { "oci-filters-applied": "artifactType" }),
    ...linkHeader(link),
  });
}

/** Takes as many descriptors as fit into an index that every client reads, and at least one. */
function fitting(descriptors: readonly Descriptor[]): readonly Descriptor[] {
  let bytes = 1024;
  const count = descriptors.findIndex((descriptor, index) => {
    bytes += new TextEncoder().encode(JSON.stringify(descriptor)).byteLength + 1;
    return index > 0 && bytes > MAX_MANIFEST_BYTES;
  });
  return count < 0 ? descriptors : descriptors.slice(0, count);
}

function linkHeader(link: string | undefined): Readonly<Record<string, string>> {
  return link === undefined ? {} : { link };
}
