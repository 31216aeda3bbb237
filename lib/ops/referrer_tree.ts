import { MAX_MANIFESTS, tooMany } from "../image/walk_indexes.ts";
import type { Referrers, ReferrersOptions } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";

/** A referrer, and what refers to it in turn: the signature of an SBOM. */
export interface ReferrerNode {
  /** The referrer. */
  readonly descriptor: Descriptor;
  /** What speaks about it. */
  readonly referrers: readonly ReferrerNode[];
}

/**
 * Finds what refers to a manifest, what refers to that, and so on. Each referrer is there once, where
 * it was found first.
 *
 * @param place Where they are: a repository of a registry, or a store.
 * @param subject The manifest that they speak about; only its digest counts.
 * @param options Which type of artifacts, and a signal. What refers to a chosen one is there
 * whatever its type is.
 * @returns The referrers, as the place lists them.
 * @throws {LimitExceededError} when there are more than 1,000.
 *
 * @example List the signatures of SBOMs
 * ```ts
 * import { memoryStore } from "@lading/lading/store";
 * import { randomImage } from "@lading/lading/testing";
 * import { pushArtifact, referrerTree } from "@lading/lading/ops";
 *
 * const store = memoryStore();
 * await (await randomImage("seed")).pushTo(store, "app:1");
 * const subject = await store.resolve("app:1");
 * const sbom = await pushArtifact(store, [], { artifactType: "application/spdx+json", subject });
 * await pushArtifact(store, [], { artifactType: "application/vnd.example.sig", subject: sbom });
 * const [node] = await referrerTree(store, subject);
 * console.log(node?.referrers.length); // 1
 * ```
 */
export async function referrerTree(
  place: Referrers,
  subject: Descriptor,
  options: ReferrersOptions = {},
): Promise<ReferrerNode[]> {
  const { artifactType, signal } = options;
  // A list is the registry's word: it may lead in a circle.
  const seen = new Set([subject.digest]);
  const below = async (parent: Descriptor, artifactType?: string): Promise<ReferrerNode[]> => {
    const found: Descriptor[] = [];
    for await (const referrer of place.referrers(parent, { artifactType, signal })) {
      if (seen.has(referrer.digest)) continue;
      seen.add(referrer.digest);
      if (seen.size > MAX_MANIFESTS) throw tooMany(subject, "manifests");
      found.push(referrer);
    }
    const nodes: ReferrerNode[] = [];
    for (const descriptor of found) nodes.push({ descriptor, referrers: await below(descriptor) });
    return nodes;
  };
  return await below(subject, artifactType);
}
