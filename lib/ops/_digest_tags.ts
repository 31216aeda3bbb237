import type { Source } from "../model/content.ts";
import { blame } from "./_side.ts";
import { isListed, listNames, tagIn } from "./sync_names.ts";

/** Names in the source, by the digest of the manifest that they are about. */
export type DigestTags = ReadonlyMap<string, readonly string[]>;

// sigstore/cosign, specs/SIGNATURE_SPEC.md §storage: the digest of the image, what it is behind it.
// A tag without that is a list of referrers, and belongs to its registry.
const DIGEST_TAG_REGEXP = /^(sha256)-([0-9a-f]{64})\.[\w.-]+$/;

/** Lists the tags that name manifests by their digests; a source that does not list has none. */
export async function listDigestTags(source: Source, signal: AbortSignal): Promise<DigestTags> {
  const found = new Map<string, string[]>();
  if (!isListed(source)) return found;
  try {
    for await (const name of listNames(source, signal)) {
      const [, algorithm, encoded] = DIGEST_TAG_REGEXP.exec(tagIn(name)) ?? [];
      if (algorithm === undefined) continue;
      const digest = `${algorithm}:${encoded}`;
      found.set(digest, [...found.get(digest) ?? [], name]);
    }
  } catch (error) {
    throw blame("source", error, undefined, signal);
  }
  return found;
}

/**
 * Visits the tags that are about some manifests, and those about what these tags stand for: the
 * signature of an attestation.
 *
 * @param visit Takes a name in the source and its tag; gives the digest that it stands for.
 * @returns The tags.
 */
export async function visitDigestTags(
  listed: DigestTags,
  digests: readonly string[],
  visit: (reference: string, tag: string) => Promise<string>,
): Promise<string[]> {
  const tags: string[] = [];
  const seen = new Set(digests);
  for (const digest of seen) {
    for (const reference of [...listed.get(digest) ?? []].sort()) {
      const tag = tagIn(reference);
      // What is added while a set is walked through is walked through too, once.
      seen.add(await visit(reference, tag));
      tags.push(tag);
    }
  }
  return tags;
}
