import type { CallOptions } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { JSONObject } from "../model/json_object.ts";
import { compareApiVersions } from "./api_version.ts";
import {
  descriptorField,
  labelsField,
  namesField,
  numberField,
  objectsField,
  shortIDOf,
  textField,
  timeField,
} from "./_fields.ts";
import type { EngineClient } from "./engine_client.ts";
import { checkNamePattern } from "./names.ts";
import { type EngineFilters, formatFilters } from "./query.ts";

/** Options of {@linkcode EngineImages.list}. */
export interface ListOptions extends CallOptions {
  /** Lists the images of this repository or name alone; may have wildcards: `site:*`. */
  readonly name?: string | undefined;
  /** Lists the images between the layers too. */
  readonly all?: boolean | undefined;
  /** Conditions: `dangling`, `label`, `before`, `since`, `reference`, `until`. */
  readonly filters?: EngineFilters | undefined;
  /** Tells the size that is shared with other images (API 1.42, Docker 23). */
  readonly sharedSize?: boolean | undefined;
  /** Lists the manifests of each image (API 1.47, Docker 27.2). */
  readonly manifests?: boolean | undefined;
  /** Tells along with the manifests who signed, pulled and built them (API 1.54, Docker 29.3). */
  readonly identity?: boolean | undefined;
}

/** An image as a list shows it. */
export interface ImageSummary {
  /** The ID: the digest of the config, or of the manifest where containerd stores images. */
  readonly id: string;
  /** The first digits of the ID. */
  readonly shortID: string;
  /** The manifest or index that it is of, where containerd stores images (API 1.48). */
  readonly descriptor: Descriptor | undefined;
  /** The names: `site:dev`. */
  readonly tags: readonly string[];
  /** The names with digests: `site@sha256:…`. */
  readonly digests: readonly string[];
  /** The labels. */
  readonly labels: Readonly<Record<string, string>>;
  /** When it was made, where that is known. */
  readonly created: Date | undefined;
  /** The ID of the image that it was made of on this engine; "" for none. */
  readonly parentID: string;
  /** The size of all layers in bytes. */
  readonly size: number;
  /** The size that is shared with other images, where it was asked for. */
  readonly sharedSize: number | undefined;
  /** How many containers use it, where the engine counts them. */
  readonly containers: number | undefined;
  /** The manifests, where they were asked for, as the engine describes them. */
  readonly manifests: readonly Readonly<Record<string, unknown>>[];
}

/** Asks the engine for its images. */
export async function listImages(
  client: EngineClient,
  { name, all, filters, sharedSize, manifests, identity, signal }: ListOptions = {},
): Promise<ImageSummary[]> {
  const action = "list images";
  if (name !== undefined) checkNamePattern(name);
  if (identity === true && manifests !== true) {
    throw new TypeError(`Cannot ${action}: identities are those of manifests; ask for both`);
  }
  if (sharedSize === true) {
    await client.require({ since: "1.42", name: "the shared size" }, action, { signal });
  }
  if (identity === true) {
    await client.require({ since: "1.54", name: "telling identities" }, action, { signal });
  }
  if (manifests === true) {
    await client.require({ since: "1.47", name: "listing manifests" }, action, { signal });
  }
  // The filter `reference` came with 1.25, and `filter` went with 1.41.
  const isOld = compareApiVersions(await client.version({ signal }), "1.25") < 0;
  const reference = name === undefined || isOld ? {} : {
    reference: [name, ...[filters?.["reference"] ?? []].flat().map(String)],
  };
  const images = await client.list({
    action,
    method: "GET",
    path: "/images/json",
    query: {
      all: all === true || undefined,
      filter: isOld ? name : undefined,
      filters: formatFilters({ ...filters, ...reference }),
      "shared-size": sharedSize === true || undefined,
      manifests: manifests === true || undefined,
      identity: identity === true || undefined,
    },
    signal,
  });
  return images.map(summaryOf);
}

/** A count; engines write -1 where they have not counted. */
function countField(image: JSONObject, name: string): number | undefined {
  const count = numberField(image, name);
  return count === undefined || count < 0 ? undefined : count;
}

function summaryOf(image: JSONObject): ImageSummary {
  const id = textField(image, "Id");
  return {
    id,
    shortID: shortIDOf(id),
    descriptor: descriptorField(image, "Descriptor"),
    tags: namesField(image, "RepoTags"),
    digests: namesField(image, "RepoDigests"),
    labels: labelsField(image, "Labels"),
    created: timeField(image, "Created"),
    parentID: textField(image, "ParentId"),
    size: numberField(image, "Size") ?? 0,
    sharedSize: countField(image, "SharedSize"),
    containers: countField(image, "Containers"),
    manifests: objectsField(image, "Manifests"),
  };
}
