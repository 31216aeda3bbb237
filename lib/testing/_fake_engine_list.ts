import { compareApiVersions } from "../engine/api_version.ts";
import type { FakeImage, FakeImages } from "./_fake_engine_images.ts";
import { namesOf } from "./_fake_engine_images.ts";
import { fitsPattern } from "./_fake_engine_names.ts";
import { hasLabels, isTrue, readFilters, truthFilter } from "./_fake_engine_query.ts";

/** The year 1, which is Go's time of nothing, in seconds. */
const GO_ZERO_SECONDS = -62135596800;

const FILTERS = ["dangling", "label", "before", "since", "reference"];

/** An image as `GET /images/json` shows it. */
export type Summary = Readonly<Record<string, unknown>>;

/** Lists the images, newest first. */
export async function listImages(
  images: FakeImages,
  query: URLSearchParams,
  version: string,
): Promise<Summary[]> {
  const filters = readFilters(query, FILTERS);
  const isDanglingOnly = truthFilter(filters, "dangling", false);
  // The parameter that API 1.41 took away.
  const old = compareApiVersions(version, "1.41") < 0 ? query.get("filter") ?? "" : "";
  const patterns = old === "" ? filters.get("reference") : [old];
  const [before, since] = await Promise.all(["before", "since"].map(async (name) => {
    const [text] = filters.get(name) ?? [];
    return text === undefined ? undefined : createdAt(await images.find(text));
  }));
  const isAll = isTrue(query, "all");
  const found: FakeImage[] = [];
  for (const image of (await images.all()).values()) {
    const created = createdAt(image);
    if (before !== undefined && created >= before || since !== undefined && created <= since) {
      continue;
    }
    if (!hasLabels(image.config.config?.Labels ?? {}, filters.get("label") ?? [])) continue;
    const hasChildren = images.hasChildren(image.id);
    if (isDanglingOnly && hasChildren) continue;
    const names = image.names.filter(({ reference }) =>
      patterns?.some((pattern) => fitsPattern(pattern, reference)) ?? true
    );
    if (names.length === 0) {
      if (hasChildren && !isAll || patterns !== undefined) continue;
      if (filters.has("dangling") && !isDanglingOnly) continue;
    } else if (isDanglingOnly && names.some(({ stored }) => stored !== undefined)) {
      continue;
    }
    found.push({ ...image, names });
  }
  found.sort((a, b) => createdAt(b) - createdAt(a));
  return await Promise.all(found.map((image) => summaryOf(images, image)));
}

async function summaryOf(images: FakeImages, image: FakeImage): Promise<Summary> {
  const [tags, digests] = [namesOf(image, "tags"), namesOf(image, "digests")];
  const isNamed = image.names.length > 0;
  const size = await totalSize(images, image);
  return {
    Containers: -1,
    Created: createdSeconds(image.config.created),
    Id: image.id,
    Labels: image.config.config?.Labels ?? null,
    ParentId: images.parentOf(image.id),
    RepoDigests: isNamed ? orNull(digests) : ["<none>@<none>"],
    RepoTags: isNamed ? orNull(tags) : ["<none>:<none>"],
    SharedSize: -1,
    Size: size,
    VirtualSize: size,
  };
}

function orNull(names: readonly string[]): readonly string[] | null {
  return names.length === 0 ? null : names;
}

/** The size of all layers of an image. */
export async function totalSize(images: FakeImages, { layers }: FakeImage): Promise<number> {
  let total = 0;
  for (const layer of layers) total += await images.sizeOf(layer);
  return total;
}

function createdAt({ config: { created } }: FakeImage): number {
  return created === undefined ? GO_ZERO_SECONDS * 1000 : Date.parse(created);
}

/** A time in whole seconds, as lists have it. */
export function createdSeconds(created: string | undefined): number {
  return created === undefined ? GO_ZERO_SECONDS : Math.floor(Date.parse(created) / 1000);
}
