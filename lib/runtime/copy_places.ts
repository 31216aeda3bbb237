import type { CredentialProvider } from "../auth/credentials.ts";
import { type Operation, startOperation } from "../bytes/operation.ts";
import type { LayerThreads } from "../compress/layer_threads.ts";
import type { Source, Target } from "../model/content.ts";
import type { CopyEvent } from "../model/events.ts";
import type { ImageFormat } from "../model/image_format.ts";
import { LadingError, NameTakenError } from "../model/errors.ts";
import { formatPlace, type Place, positionIn } from "../model/place.ts";
import type { Platform } from "../model/platform.ts";
import {
  familiarReference,
  isDigestReference,
  parseReference,
  withDefaultTag,
} from "../model/reference.ts";
import { copy as copyContent, type CopyResult, keyOf } from "../ops/copy.ts";
import { type CopyPlan, planCopy } from "../ops/plan_copy.ts";
import type { ReferrersChoice } from "../ops/referrers_choice.ts";
import { hostPlatform } from "./host_platform.ts";
import { nodeFileSystem } from "./node_file_system.ts";
import {
  type OpenedPlace,
  type OpenedTarget,
  type OpenOptions,
  openSource,
  openTarget,
  toPlatform,
} from "./open.ts";

/** Options of {@linkcode copyPlaces} and {@linkcode pullPlace}. */
export interface CopyPlacesOptions extends OpenOptions {
  /** Gives the credentials for the registry of the target; default `credentials`. */
  readonly targetCredentials?: CredentialProvider | undefined;
  /**
   * The platform to choose from an index, such as `linux/arm64`, or `all` of them. Engines get the
   * image for their own platform by default.
   */
  readonly platform?: Platform | string | undefined;
  /** How many blobs move at the same time; default 3. */
  readonly jobs?: number | undefined;
  /** Copies what refers to the image along with it: all of it, or a choice; default nothing. */
  readonly referrers?: boolean | ReferrersChoice | undefined;
  /**
   * Copies the tags along that name the image by its digest: `sha256-….sig`, where cosign keeps
   * signatures; default `false`.
   */
  readonly digestTags?: boolean | undefined;
  /** Writes the manifests anew in this format; by default every digest stays. */
  readonly format?: ImageFormat | undefined;
  /**
   * What happens when the name stands for another image in the target, or the file of an archive or
   * the image of a directory is there: `"replace"`, the default, or `"refuse"`. Engines cannot be asked.
   */
  readonly existing?: "replace" | "refuse" | undefined;
  /** Threads to hash blobs in while they move; default none. The result is the same. */
  readonly threads?: LayerThreads | undefined;
}

/** Copies images between places, and tells what that would be. */
export interface CopyPlaces {
  /**
   * Copies an image from any place to any other, verified. What the target has is not moved; between
   * repositories of one registry blobs are mounted. Names go last.
   *
   * @param from The place of the image.
   * @param to The place it goes to.
   * @param options The platform (default: every one, or that of the engine that it goes to), the
   * concurrency and how to open the places.
   * @returns The operation.
   */
  (from: string, to: string, options?: CopyPlacesOptions): Operation<CopyResult, CopyEvent>;
  /**
   * Tells what a copy would do, and moves nothing.
   *
   * @param from The place of the image.
   * @param to The place it would go to.
   * @param options As for the copy.
   * @returns The blobs and manifests, what would happen to each, and the bytes to copy.
   */
  plan(from: string, to: string, options?: CopyPlacesOptions): Promise<CopyPlan>;
}

/** A source and a target that are open. */
export interface Places {
  readonly source: OpenedPlace<Source>;
  readonly target: OpenedTarget;
  readonly platform: Platform | "all" | undefined;
}

/** Opens a source and a target, and closes them in the end. */
export async function withPlaces<Result>(
  from: string,
  to: string,
  options: CopyPlacesOptions,
  use: (places: Places) => Promise<Result>,
): Promise<Result> {
  const wanted = toPlatforms(options.platform);
  const source = openSource(from, options);
  try {
    const credentials = options.targetCredentials ?? options.credentials;
    const target = openTarget(to, { ...options, credentials });
    try {
      if (options.existing === "refuse") await refuseFile(target.place, options);
      return await use({
        source,
        target,
        platform: wanted ?? await target.ownPlatform?.({ signal: options.signal }),
      });
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

/** An archive is written as a whole, over one that is there, and so is the image of a directory. */
async function refuseFile(place: Place, options: OpenOptions): Promise<void> {
  if (place.transport === "docker-daemon") {
    throw new LadingError(
      "UNSUPPORTED_PLACE",
      `Cannot write to "${
        formatPlace(place)
      }" without taking a name from another image: an engine ` +
        "moves names when it loads",
    );
  }
  const path = fileOf(place);
  if (path === undefined) return;
  const info = await (options.fileSystem ?? nodeFileSystem()).stat(path, { followLinks: false });
  if (info === undefined) return;
  throw new NameTakenError(`Cannot write ${JSON.stringify(path)}: there is such a file already`, {
    reference: path,
  });
}

/** The file that makes a place what it is. */
function fileOf(place: Place): string | undefined {
  if (place.transport === "dir") return `${place.path}/manifest.json`;
  const isArchive = place.transport === "oci-archive" || place.transport === "docker-archive";
  return isArchive ? place.path : undefined;
}

function startCopy(
  from: string,
  to: string,
  options: CopyPlacesOptions = {},
  otherwise?: Platform,
): Operation<CopyResult, CopyEvent> {
  return startOperation<CopyResult, CopyEvent>(
    ({ emit, signal }) =>
      withPlaces(from, to, options, async ({ source, target, platform }) => {
        const operation = copyContent(source.content, source.reference, target.content, {
          signal,
          targetReference: nameIn(target, source),
          existing: options.existing,
          platform: platform ?? otherwise,
          jobs: options.jobs,
          referrers: options.referrers,
          digestTags: options.digestTags,
          format: options.format,
          threads: options.threads,
        });
        for await (const event of operation) emit(event);
        const result = await operation;
        await target.commit({ signal });
        return result;
      }),
    { signal: options.signal, coalesce: keyOf },
  );
}

function plan(from: string, to: string, options: CopyPlacesOptions = {}): Promise<CopyPlan> {
  const { signal, referrers, digestTags, format, existing } = options;
  return withPlaces(
    from,
    to,
    options,
    ({ source, target, platform }) =>
      planCopy(source.content, source.reference, target.content, {
        signal,
        targetReference: nameIn(target, source),
        existing,
        platform,
        referrers,
        digestTags,
        format,
      }),
  );
}

/** Copies images between places, and plans copies. */
export const copyPlaces: CopyPlaces = /* @__PURE__ */ Object.assign(
  (from: string, to: string, options?: CopyPlacesOptions) => startCopy(from, to, options),
  { plan },
);

/**
 * Pulls an image, verified, into an OCI layout or another place.
 *
 * @param image The place of the image.
 * @param to The place it goes to, such as `oci:./alpine`.
 * @param options The platform (default: that of the engine that it goes to, else the machine's, on
 * Linux), the concurrency, and how to open the places.
 * @returns The operation.
 */
export function pullPlace(
  image: string,
  to: string,
  options: CopyPlacesOptions = {},
): Operation<CopyResult, CopyEvent> {
  return startCopy(image, to, options, hostPlatform());
}

/** Takes a platform, or every one, as a text or as it is. */
function toPlatforms(platform: Platform | string | undefined): Platform | "all" | undefined {
  return platform === undefined || platform === "all" ? platform : toPlatform(platform);
}

/**
 * The name in the target: the one that was given, else the one in the source. A digest names nothing:
 * what arrives may be the image of one platform, or another one than an engine's ID says.
 */
function nameIn(
  target: OpenedPlace<Target>,
  source: OpenedPlace<Source>,
): string | undefined {
  if (target.reference !== "") return target.reference;
  const { place, reference } = source;
  if (place.transport !== "docker") {
    const isName = reference !== "" && !isDigestReference(reference) &&
      positionIn(reference) === undefined;
    return isName ? reference : undefined;
  }
  const { digest: _digest, ...named } = withDefaultTag(parseReference(place.reference));
  // Docker names images in full.
  const isFull = named.tag !== undefined && target.place.transport === "docker-archive";
  return isFull ? familiarReference(named) : named.tag;
}
