import { formatReference } from "../model/reference.ts";
import type { FakeImage, FakeImages, FakeLayer, FakeName } from "./_fake_engine_images.ts";
import { nameText } from "./_fake_engine_images.ts";
import { parseNameOrID, shownName } from "./_fake_engine_names.ts";
import { hasLabels, isTrue, readFilters, truthFilter } from "./_fake_engine_query.ts";
import { Refusal } from "./_fake_engine_refusal.ts";
import { shortID } from "./_fake_engine_reply.ts";

/** What was removed: a name, or an image or a layer. */
export type Removed = { readonly Untagged: string } | { readonly Deleted: string };

interface Removal {
  readonly removed: Removed[];
  readonly layers: FakeLayer[];
}

/** Removes an image, or a name of it. */
export async function removeImage(
  images: FakeImages,
  name: string,
  query: URLSearchParams,
): Promise<Removed[]> {
  if (name.trim() === "") throw new Refusal(400, "image name cannot be blank");
  const options = { isForced: isTrue(query, "force"), isPruned: !isTrue(query, "noprune") };
  return (await remove(images, name, options)).removed;
}

interface RemovalOptions {
  readonly isForced: boolean;
  readonly isPruned: boolean;
}

async function remove(
  images: FakeImages,
  text: string,
  { isForced, isPruned }: RemovalOptions,
): Promise<Removal> {
  const image = await images.find(text);
  const removal: Removal = { removed: [], layers: [] };
  const isByName = !image.id.startsWith(text) && !image.id.startsWith(`sha256:${text}`);
  if (isByName) {
    await untag(images, image, text, removal);
    const rest = (await images.all()).get(image.id)?.names.length ?? 0;
    if (rest > 0) return removal;
  } else if (isOfOneRepository(image.names)) {
    if (images.hasChildren(image.id)) throw hasChildren(image);
    for (const name of image.names) await untagOne(images, name, removal);
  }
  await removeWithParents(images, image.id, { isForced, isPruned }, removal);
  return removal;
}

/** Takes the name away, and those with digests that were of the same repository. */
async function untag(
  images: FakeImages,
  image: FakeImage,
  text: string,
  removal: Removal,
): Promise<void> {
  const reference = parseNameOrID(text, 400);
  if (reference === undefined) return;
  const { digest } = reference;
  const wanted = shownName(digest === undefined ? reference : { ...reference, tag: undefined });
  const isSameRepository = (name: FakeName): boolean =>
    name.reference.registry === reference.registry &&
    name.reference.repository === reference.repository;
  const rest: FakeName[] = [];
  for (const name of image.names) {
    if (nameText(name) === wanted) await untagOne(images, name, removal);
    else if (isSameRepository(name)) rest.push(name);
  }
  if (digest !== undefined || rest.some(({ stored }) => stored !== undefined)) return;
  for (const name of rest) await untagOne(images, name, removal);
}

async function untagOne(images: FakeImages, name: FakeName, { removed }: Removal): Promise<void> {
  await images.untag(name);
  removed.push({ Untagged: nameText(name) });
}

/** Whether there is one tag at most, and all names are of one repository. */
function isOfOneRepository(names: readonly FakeName[]): boolean {
  if (names.length <= 1) return true;
  if (names.filter(({ stored }) => stored !== undefined).length > 1) return false;
  const repositories = names.map(({ reference: { registry, repository } }) =>
    `${registry}/${repository}`
  );
  return new Set(repositories).size === 1;
}

async function removeWithParents(
  images: FakeImages,
  id: string,
  { isForced, isPruned }: RemovalOptions,
  removal: Removal,
): Promise<void> {
  const image = (await images.all()).get(id);
  if (image === undefined) return;
  if (images.hasChildren(id)) throw hasChildren(image);
  if (image.names.length > 0 && !isForced) {
    throw conflict(image, "must be forced", "image is referenced in multiple repositories");
  }
  const parent = images.parentOf(id);
  for (const name of image.names) await untagOne(images, name, removal);
  // Once they are gone nobody can tell how large they were.
  for (const layer of image.layers) await images.sizeOf(layer);
  const layers = await images.delete(image);
  removal.removed.push({ Deleted: id });
  removal.layers.push(...layers);
  for (const { chainID } of layers) removal.removed.push({ Deleted: chainID });
  const above = (await images.all()).get(parent);
  if (!isPruned || above === undefined || above.names.length > 0) return;
  if (!images.hasChildren(parent)) {
    await removeWithParents(images, parent, { isForced: false, isPruned }, removal);
  }
}

function hasChildren(image: FakeImage): Refusal {
  return conflict(image, "cannot be forced", "image has dependent child images");
}

function conflict({ id }: FakeImage, force: string, why: string): Refusal {
  return new Refusal(409, `conflict: unable to delete ${shortID(id)} (${force}) - ${why}`);
}

/** What `POST /images/prune` answers. */
export interface Pruned {
  readonly ImagesDeleted: readonly Removed[] | null;
  readonly SpaceReclaimed: number;
}

/** Removes the images that nobody uses: those without a tag, or all. */
export async function pruneImages(
  images: FakeImages,
  query: URLSearchParams,
  now: Date,
): Promise<Pruned> {
  const filters = readFilters(query, ["dangling", "label", "label!", "until"]);
  const isDanglingOnly = truthFilter(filters, "dangling", true);
  const until = untilOf(filters.get("until") ?? [], now);
  const removed: Removed[] = [];
  let reclaimed = 0;
  for (const image of (await images.all()).values()) {
    const { config: { config, created } } = image;
    if (images.hasChildren(image.id) && (isDanglingOnly || image.names.length === 0)) continue;
    if (until !== undefined && created !== undefined && Date.parse(created) > until) continue;
    const labels = config?.Labels ?? {};
    if (!hasLabels(labels, filters.get("label") ?? [])) continue;
    const unwanted = filters.get("label!");
    if (unwanted !== undefined && hasLabels(labels, unwanted)) continue;
    const isTagged = image.names.some(({ stored }) => stored !== undefined);
    if (isTagged && isDanglingOnly) continue;
    const names = image.names.map(({ reference }) => formatReference(reference));
    for (const name of names.length === 0 ? [image.id] : names) {
      try {
        const removal = await remove(images, name, { isForced: false, isPruned: true });
        removed.push(...removal.removed);
        for (const layer of removal.layers) reclaimed += await images.sizeOf(layer);
      } catch (error) {
        // What something is made of stays, without a word.
        if (!(error instanceof Refusal)) throw error;
      }
    }
  }
  return { ImagesDeleted: removed.length === 0 ? null : removed, SpaceReclaimed: reclaimed };
}

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 };

/** Reads a time, or how long ago it was: `2026-01-01T00:00:00Z`, seconds since 1970, `24h`. */
function untilOf(values: readonly string[], now: Date): number | undefined {
  const [text, more] = values;
  if (text === undefined) return undefined;
  if (more !== undefined) throw new Refusal(400, "more than one until filter specified");
  const [, count, unit] = /^(\d+)([smh])$/.exec(text) ?? [];
  if (count !== undefined) return now.getTime() - Number(count) * (UNITS[unit ?? "s"] ?? 0);
  const time = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text);
  if (!Number.isNaN(time)) return time;
  throw new Refusal(400, `Invalid filter 'until=[${text}]'`);
}
