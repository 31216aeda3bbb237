import { mapConcurrent } from "../bytes/map_concurrent.ts";
import { resolveImage } from "../image/resolve_image.ts";
import { MAX_MANIFESTS, tooMany } from "../image/walk_indexes.ts";
import type {
  NamedFetcher,
  NamedPusher,
  Referrers,
  Source,
  Target,
  Uploader,
} from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { UnsupportedMediaTypeError } from "../model/errors.ts";
import type { ParsedManifest } from "../model/manifest.ts";
import { isForeignLayerType } from "../model/media_types.ts";
import type { Platform } from "../model/platform.ts";
import { readManifest } from "./_read_manifest.ts";
import type { ReferrersChoice } from "./referrers_choice.ts";
import { blame } from "./_side.ts";
import { MAX_GRAPH_BYTES, tooLarge, walk, type WalkedManifest } from "./walk.ts";

/** How many manifests are asked for their referrers at the same time. */
const REFERRERS_JOBS = 3;

/** Where a copy goes from and to. */
export interface Route {
  readonly source: Source & Partial<NamedFetcher & Referrers>;
  readonly target: Target & Partial<NamedPusher & Uploader>;
  readonly signal: AbortSignal;
}

/** Everything that a copy is about, known before anything moves. */
export interface CopyGraph {
  /** Manifests in the order they are stored: inner before outer ones, subjects before referrers. */
  readonly manifests: readonly WalkedManifest[];
  /** Blobs, each once. */
  readonly blobs: readonly Descriptor[];
  /** The digests of the manifests that the target was asked for, and of those that it has. */
  readonly asked: ReadonlySet<string>;
  readonly present: ReadonlySet<string>;
  /** The referrers that come along, in the order they were found. */
  readonly referrers: readonly Descriptor[];
}

/** What is to be copied. */
export interface Root {
  readonly descriptor: Descriptor;
  /** What it says, if it had to be read to be found. */
  readonly parsed: ParsedManifest | undefined;
  /** Whether reading manifests is dearer in the source than asking for them. */
  readonly isDear: boolean;
}

/** Finds what is to be copied: the manifest or index, or the image of one platform in it. */
export async function resolveRoot(
  { source, signal }: Route,
  reference: string,
  platform: Platform | "all" | undefined,
): Promise<Root> {
  let parsed: ParsedManifest | undefined;
  const found = (manifest: ParsedManifest): void => void (parsed = manifest);
  let isDear = false;
  const unread = (): void => void (isDear = true);
  try {
    const descriptor = await resolveImage(source, reference, platform, { signal, found, unread });
    return { descriptor, parsed, isDear };
  } catch (error) {
    throw blame("source", error, undefined, signal);
  }
}

/**
 * Walks everything below a manifest, and on request what refers to it. What was read to be found is
 * there: the target is not asked for it yet.
 */
export async function collectGraph(
  route: Route,
  root: Root,
  choice: ReferrersChoice | undefined,
): Promise<CopyGraph> {
  const graph = new GraphCollector(route, root);
  try {
    const manifests = await graph.walk(root.descriptor);
    if (choice !== undefined) await graph.addReferrers(manifests, choice);
  } catch (error) {
    throw blame("source", error, root.descriptor, route.signal);
  }
  return graph;
}

/** A graph that is being collected. */
class GraphCollector implements CopyGraph {
  readonly manifests: WalkedManifest[] = [];
  readonly asked: Set<string> = new Set();
  readonly present: Set<string> = new Set();
  readonly referrers: Descriptor[] = [];
  readonly #route: Route;
  readonly #root: Root;
  readonly #blobs = new Map<string, Descriptor>();
  readonly #known = new Set<string>();
  #bytes = 0;

  constructor(route: Route, root: Root) {
    this.#route = route;
    this.#root = root;
  }

  get blobs(): Descriptor[] {
    return [...this.#blobs.values()];
  }

  /** Adds what lies below a manifest; gives the manifests that are new, outer ones first. */
  async walk(root: Descriptor): Promise<WalkedManifest[]> {
    const { source, signal } = this.#route;
    const read = (descriptor: Descriptor, signal: AbortSignal) => this.#read(descriptor, signal);
    const added: WalkedManifest[] = [];
    for await (const walked of walk(source, root, { signal, read })) {
      const { digest } = walked.descriptor;
      if (walked.kind === "blob") this.#blobs.set(digest, walked.descriptor);
      else if (!this.#known.has(digest)) {
        this.#known.add(digest);
        this.#bytes += walked.parsed.raw.byteLength;
        if (this.#known.size > MAX_MANIFESTS) throw tooMany(root, "manifests");
        if (this.#bytes > MAX_GRAPH_BYTES) throw tooLarge(root);
        added.push(walked);
      }
    }
    this.manifests.push(...[...added].reverse());
    return added;
  }

  /** Adds what refers to manifests, and what refers to that, whatever kind it is. */
  async addReferrers(
    subjects: readonly WalkedManifest[],
    { artifactTypes }: ReferrersChoice,
  ): Promise<void> {
    const wanted = artifactTypes === undefined ? undefined : new Set(artifactTypes);
    const lists = await mapConcurrent(
      subjects,
      REFERRERS_JOBS,
      ({ descriptor }, _, signal) => this.#listReferrers(descriptor, signal),
      { signal: this.#route.signal },
    );
    for (const referrer of lists.flat()) {
      if (wanted !== undefined && !wanted.has(referrer.artifactType ?? "")) continue;
      if (this.#known.has(referrer.digest)) continue;
      this.referrers.push(referrer);
      await this.addReferrers(await this.walk(referrer), {});
    }
  }

  async #listReferrers(subject: Descriptor, signal: AbortSignal): Promise<Descriptor[]> {
    const found: Descriptor[] = [];
    for await (const item of this.#route.source.referrers?.(subject, { signal }) ?? []) {
      found.push(item);
      if (found.length > MAX_MANIFESTS) throw tooMany(subject, "manifests");
    }
    return found;
  }

  async #read(descriptor: Descriptor, signal: AbortSignal): Promise<ParsedManifest> {
    const { parsed: known, isDear } = this.#root;
    const isKnown = descriptor === this.#root.descriptor && known !== undefined;
    const { parsed, isPresent } = isKnown
      ? { parsed: known, isPresent: false }
      : await readManifest(this.#route, descriptor, isDear, signal);
    if (parsed.kind === "schema1") {
      const { mediaType } = parsed;
      throw new UnsupportedMediaTypeError(
        `Cannot copy ${descriptor.digest}: Docker manifests of schema 1 are only read`,
        { mediaType },
      );
    }
    if (!isKnown) this.asked.add(descriptor.digest);
    if (isPresent) this.present.add(descriptor.digest);
    return parsed;
  }
}

/** Tells whether neither side has a foreign layer, which then stays where its `urls` point. */
export async function isElsewhere(
  { source }: Route,
  blob: Descriptor,
  isThere: Promise<boolean>,
  signal: AbortSignal,
): Promise<boolean> {
  const { mediaType, urls = [] } = blob;
  if (!isForeignLayerType(mediaType) && urls.length === 0) return false;
  const has = await isThere.catch((error) => {
    throw blame("target", error, blob, signal);
  });
  if (has) return false;
  return !await source.exists(blob, { signal }).catch((error) => {
    throw blame("source", error, blob, signal);
  });
}
