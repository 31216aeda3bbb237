import { mapConcurrent } from "../bytes/map_concurrent.ts";
import { MAX_MANIFESTS } from "../image/walk_indexes.ts";
import type { CallOptions } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { NotFoundError } from "../model/errors.ts";
import { MEDIA_TYPE_OCI_EMPTY } from "../model/media_types.ts";
import type { Repository } from "../registry/repository.ts";
import type { DeleteContentsOptions } from "./_backend.ts";
import type { DeletedImage } from "./metadata.ts";
import { ContentGraph } from "./_v2_graph.ts";

/** How many tags are asked for at the same time. */
const TAG_JOBS = 4;

/** The most manifests of a repository that are looked at: some have a tag for each build of years. */
const MAX_NEEDED_MANIFESTS = 100_000;

/** What a tag leads to, and what of it is to be deleted. */
export interface Deletion {
  readonly tag: string;
  /** The manifest or list that the tag points at. */
  readonly root: Descriptor;
  /** What is deleted: the root, or one image in it. */
  readonly target: Descriptor;
}

/**
 * Deletes an image, and with `layers` everything below it, but for what other tags need. Nothing
 * stops others from pushing meanwhile, and manifests without a tag are known to nobody: what only
 * they need is deleted. Only the empty content stays: every artifact needs it, such as the signatures
 * of other images, which have no tags.
 */
export async function deleteImage(
  repository: Repository,
  { tag, root, target }: Deletion,
  { layers, force, signal }: DeleteContentsOptions,
): Promise<DeletedImage> {
  const doomed = new ContentGraph(repository, MAX_MANIFESTS, { signal });
  await doomed.add(target);
  const needed = new ContentGraph(repository, MAX_NEEDED_MANIFESTS, { signal });
  if (!force) await addOthers(repository, tag, needed, { signal });
  const isShared = needed.manifests.has(target.digest);
  // Deleting a manifest takes all of its tags along.
  if (isShared) {
    if (target === root) await repository.untag(tag, { signal });
    return { deleted: [], kept: [target.digest] };
  }
  // What the rest of a list needs stays with it.
  if (layers && !force && target !== root) {
    await addSiblings(repository, { root, target }, needed, { signal });
  }
  const below = layers ? [...doomed.manifests.values()].slice(1) : [];
  const blobs = layers ? [...doomed.blobs.values()] : [];
  const deleted: string[] = [];
  const kept: string[] = [];
  for (const content of [target, ...below, ...blobs]) {
    signal?.throwIfAborted();
    if (needed.has(content.digest) || !force && content.mediaType === MEDIA_TYPE_OCI_EMPTY) {
      kept.push(content.digest);
    } else {
      await repository.delete(content, { signal });
      deleted.push(content.digest);
    }
  }
  return { deleted, kept };
}

/** Adds what all other tags lead to. */
async function addOthers(
  repository: Repository,
  tag: string,
  needed: ContentGraph,
  options: CallOptions,
): Promise<void> {
  const tags: string[] = [];
  for await (const other of repository.tags(options)) if (other !== tag) tags.push(other);
  await mapConcurrent(tags, TAG_JOBS, async (tag, _, signal) => {
    try {
      await needed.add(await repository.resolve(tag, { signal, allowGet: true }));
    } catch (error) {
      // A tag without a manifest needs nothing.
      if (!(error instanceof NotFoundError)) throw error;
    }
  }, options);
}

async function addSiblings(
  repository: Repository,
  { root, target }: Pick<Deletion, "root" | "target">,
  needed: ContentGraph,
  options: CallOptions,
): Promise<void> {
  const { parsed } = await repository.manifest(root.digest, options);
  if (parsed.kind !== "index") return;
  for (const child of parsed.value.manifests) {
    if (child.digest !== target.digest) await needed.add(child);
  }
}
