import { MAX_MANIFESTS, tooMany } from "../image/walk_indexes.ts";
import type { CallOptions, Deleter, Referrers } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { ReferrersChoice } from "./referrers_choice.ts";

/** Options of {@linkcode deleteReferrers}. */
export interface DeleteReferrersOptions extends CallOptions, ReferrersChoice {}

/**
 * Deletes what refers to a manifest, such as signatures and SBOMs, and what refers to that. Deleting
 * a manifest leaves its referrers behind, in most registries for good: this is called before. The
 * outermost go first, so that a failure leaves none that nobody finds. Their blobs are left to the
 * registry's own cleaning; the manifest itself stays.
 *
 * @param place Where they are: a repository of a registry, or a store.
 * @param subject The manifest that they speak about; only its digest counts.
 * @param options Which types of artifacts, and a signal. What refers to a chosen one goes whatever
 * its type is.
 * @returns What was deleted, in this order.
 * @throws {LimitExceededError} when there are more than 1,000, before any of them is deleted.
 * @throws {RegistryError} when the registry does not allow it.
 *
 * @example Delete an image together with its signature
 * ```ts
 * import { memoryStore } from "@lading/lading/store";
 * import { randomImage } from "@lading/lading/testing";
 * import { deleteReferrers, pushArtifact } from "@lading/lading/ops";
 *
 * const store = memoryStore();
 * await (await randomImage("seed")).pushTo(store, "app:1");
 * const subject = await store.resolve("app:1");
 * await pushArtifact(store, [], { artifactType: "application/vnd.example.signature", subject });
 * console.log((await deleteReferrers(store, subject)).length); // 1
 * await store.delete(subject);
 * ```
 */
export async function deleteReferrers(
  place: Referrers & Pick<Deleter, "delete">,
  subject: Descriptor,
  options: DeleteReferrersOptions = {},
): Promise<Descriptor[]> {
  const { artifactTypes, signal } = options;
  const wanted = artifactTypes === undefined ? undefined : new Set(artifactTypes);
  const found: Descriptor[] = [];
  const seen = new Set([subject.digest]);
  const queue = [subject];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    signal?.throwIfAborted();
    const isChoice = next === subject && wanted !== undefined;
    for await (const referrer of place.referrers(next, { signal })) {
      if (isChoice && !wanted.has(referrer.artifactType ?? "")) continue;
      if (seen.has(referrer.digest)) continue;
      seen.add(referrer.digest);
      if (seen.size > MAX_MANIFESTS) throw tooMany(subject, "manifests");
      found.push(referrer);
      queue.push(referrer);
    }
  }
  found.reverse();
  for (const referrer of found) {
    signal?.throwIfAborted();
    await place.delete(referrer, { signal });
  }
  return found;
}
