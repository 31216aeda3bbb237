import { chooseFromIndex } from "../image/choose_image.ts";
import { fetchManifest } from "../image/fetch_manifest.ts";
import type { Source, Target } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { ContentError, UnsupportedMediaTypeError } from "../model/errors.ts";
import type { ParsedManifest } from "../model/manifest.ts";
import { isForeignLayerType } from "../model/media_types.ts";
import type { Platform } from "../model/platform.ts";
import { blame } from "./_side.ts";
import { walk, type WalkedManifest } from "./walk.ts";

/** Where a copy goes from and to. */
export interface Route {
  readonly source: Source;
  readonly target: Target;
  readonly signal: AbortSignal;
}

/** Everything that a copy is about, known before anything moves. */
export interface CopyGraph {
  /** Manifests, outer ones before inner ones. */
  readonly manifests: readonly WalkedManifest[];
  /** Blobs, each once. */
  readonly blobs: readonly Descriptor[];
  /** The digests of the manifests that the target has. */
  readonly present: ReadonlySet<string>;
  /** The bytes of manifests that came from the source. */
  readonly bytesFetched: number;
}

/** Finds what is to be copied: the manifest or index, or the image of one platform in it. */
export async function resolveRoot(
  { source, signal }: Route,
  reference: string,
  platform: Platform | "all" | undefined,
): Promise<Descriptor> {
  try {
    const descriptor = await source.resolve(reference, { signal });
    if (platform === undefined || platform === "all") return descriptor;
    const parsed = await fetchManifest(source, descriptor, { signal });
    if (parsed.kind !== "index") return descriptor;
    return await chooseFromIndex(source, { parsed, descriptor }, platform, { signal });
  } catch (error) {
    throw blame("source", error, undefined, signal);
  }
}

/** Walks everything below a manifest; what the target has of it is not read from the source. */
export async function collectGraph(route: Route, root: Descriptor): Promise<CopyGraph> {
  const manifests: WalkedManifest[] = [];
  const blobs = new Map<string, Descriptor>();
  const present = new Set<string>();
  let bytesFetched = 0;
  const read = async (descriptor: Descriptor, signal: AbortSignal): Promise<ParsedManifest> => {
    const found = await readFromTarget(route, descriptor, signal);
    const parsed = found ?? await fetchManifest(route.source, descriptor, { signal });
    if (parsed.kind === "schema1") {
      const { mediaType } = parsed;
      throw new UnsupportedMediaTypeError(
        `Cannot copy ${descriptor.digest}: Docker manifests of schema 1 are only read`,
        { mediaType },
      );
    }
    if (found === undefined) bytesFetched += parsed.raw.byteLength;
    else present.add(descriptor.digest);
    return parsed;
  };
  try {
    for await (const walked of walk(route.source, root, { signal: route.signal, read })) {
      if (walked.kind === "manifest") manifests.push(walked);
      else blobs.set(walked.descriptor.digest, walked.descriptor);
    }
  } catch (error) {
    throw blame("source", error, root, route.signal);
  }
  return { manifests, blobs: [...blobs.values()], present, bytesFetched };
}

async function readFromTarget(
  { target }: Route,
  descriptor: Descriptor,
  signal: AbortSignal,
): Promise<ParsedManifest | undefined> {
  try {
    if (!await target.exists(descriptor, { signal })) return undefined;
    return await fetchManifest(target, descriptor, { signal });
  } catch (error) {
    // A damaged copy is no reason to fail: the source has another one.
    if (error instanceof ContentError) return undefined;
    throw blame("target", error, descriptor, signal);
  }
}

/** Tells whether neither side has a foreign layer, which then stays where its `urls` point. */
export async function isElsewhere(
  { source, target }: Route,
  blob: Descriptor,
  signal: AbortSignal,
): Promise<boolean> {
  const { mediaType, urls = [] } = blob;
  if (!isForeignLayerType(mediaType) && urls.length === 0) return false;
  const isThere = await target.exists(blob, { signal }).catch((error) => {
    throw blame("target", error, blob, signal);
  });
  if (isThere) return false;
  return !await source.exists(blob, { signal }).catch((error) => {
    throw blame("source", error, blob, signal);
  });
}
