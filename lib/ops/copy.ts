import { mapConcurrent } from "../bytes/map_concurrent.ts";
import { type Operation, startOperation } from "../bytes/operation.ts";
import type { LayerThreads } from "../compress/layer_threads.ts";
import type { CallOptions, Source, Target } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { NotFoundError, RegistryError } from "../model/errors.ts";
import type { BlobEvent, CopyEvent } from "../model/events.ts";
import type { ImageFormat } from "../model/image_format.ts";
import { childDescriptors } from "../model/manifest.ts";
import type { Platform } from "../model/platform.ts";
import { type BlobWay, copyBlob } from "./copy_blob.ts";
import { convertGraph, namedBlobs } from "./_convert_graph.ts";
import { gzipLayers } from "./_gzip_layers.ts";
import { lookAhead } from "./_look_ahead.ts";
import { manifestGroups } from "./_manifest_groups.ts";
import { moveBlobs } from "./_move_blobs.ts";
import { collectGraph, isElsewhere, resolveRoot, type Route } from "./_copy_graph.ts";
import { presentManifests } from "./_present_manifests.ts";
import { type ReferrersChoice, referrersChoice } from "./referrers_choice.ts";
import { listDigestTags, visitDigestTags } from "./_digest_tags.ts";
import { blame } from "./_side.ts";
import { namedBefore, namedNow, refuseTaken, targetName } from "./_target_name.ts";
import { together } from "./_together.ts";
import type { WalkedManifest } from "./walk.ts";

/** How many blobs move at the same time unless told otherwise: what Docker's engine does. */
export const DEFAULT_JOBS = 3;

/** Options of {@linkcode copy}. */
export interface CopyOptions extends CallOptions {
  /**
   * The name in the target; default the reference in the source. A digest records the image without a
   * name.
   */
  readonly targetReference?: string | undefined;
  /**
   * What happens when the name stands for another image in the target: `"replace"`, the default, gives
   * it to this one; `"refuse"` moves nothing. It is asked for before anything moves, and again before
   * the name is given.
   */
  readonly existing?: "replace" | "refuse" | undefined;
  /** The platform to choose from an index; default `"all"`, the whole index as it is. */
  readonly platform?: Platform | "all" | undefined;
  /**
   * How many blobs move at the same time; default 3. Those of up to 64 KiB, such as configs, count
   * half, and so does a blob that has come from the source and is being stored.
   */
  readonly jobs?: number | undefined;
  /**
   * The repository of the target's registry that blobs are mounted from, and copied where that fails.
   * By default each blob is mounted from the repository that the source has it in, where that is
   * another one of the same registry; a source that is in no registry cannot tell. With `false` none
   * is mounted.
   */
  readonly mountFrom?: string | false | undefined;
  /**
   * Copies what refers to the image along with it, such as signatures and SBOMs: `true` for all of
   * it, or a choice; default nothing. Each manifest of an index is asked for its own referrers. A
   * source that cannot tell has none.
   */
  readonly referrers?: boolean | ReferrersChoice | undefined;
  /**
   * Copies the tags along that name the image by its digest, or one of the manifests in it:
   * `sha256-….sig`, where cosign keeps signatures. All tags of the source are listed for that.
   * Default `false`; it does not go with another format, whose digests nobody has signed.
   */
  readonly digestTags?: boolean | undefined;
  /**
   * Writes the manifests anew in this format, which changes their digests: `"oci"`, or `"docker"` for
   * what only knows that. By default every digest stays. Configs and layers keep their bytes, but that
   * Docker's format knows no zstd: such layers are stored in gzip there, and the archive in them stays.
   * They are read once where the target takes content before its digest is known, as registries and
   * stores do, and the name is a new one there; otherwise twice. A layer that was stored so in the same
   * target object before, and is there, is not read again. What it has no place for (annotations,
   * subjects and artifact types of manifests) is left out.
   */
  readonly format?: ImageFormat | undefined;
  /** Threads to hash blobs in while they move; default none. The result is the same. */
  readonly threads?: LayerThreads | undefined;
}

/** What a copy came to. */
export interface CopyResult {
  /** The manifest or index that was copied, as it is in the target. */
  readonly descriptor: Descriptor;
  /** The name it has in the target; its digest when it has none. */
  readonly reference: string;
  /** The bytes of manifests and blobs that came from the source, and that the target did not have. */
  readonly bytesFetched: number;
  /** The bytes of manifests and blobs that the target had already. */
  readonly bytesSkipped: number;
  /** The bytes of blobs that the target took over from the source by itself. */
  readonly bytesMounted: number;
  /** How many blobs the image has. */
  readonly blobs: number;
  /** How many manifests and indexes the image has, those of referrers counted too. */
  readonly manifests: number;
  /** The referrers that came along. */
  readonly referrers: readonly Descriptor[];
  /** The tags that name the image by its digest, and came along. */
  readonly digestTags: readonly string[];
  /** Foreign layers that the source does not have: they stay where their `urls` point. */
  readonly leftOut: readonly Descriptor[];
}

/**
 * Copies an image, an index or an artifact from any place to any other. The reference is resolved
 * once, and everything is copied by digest from then on: manifests byte for byte, blobs streamed
 * with at most a chunk each in memory. Blobs that the target has are not read from the source, nor
 * are manifests where each one that is read counts, as on Docker Hub. Blobs go first, then manifests,
 * the outermost last, then the name: when anything fails nothing was named, and what was proved stays
 * for the next attempt. Referrers go behind their subjects and before the name. Memory is that of the
 * manifests, at most 64 MiB.
 *
 * Copies at the same time into the same target object move each blob once. Foreign layers are
 * copied when the source has them, and left out otherwise; their `urls` are not fetched. Blobs that a
 * registry says it has, and then misses, are sent once more.
 *
 * @param source Where the image is.
 * @param reference Its name or digest there.
 * @param target Where it goes.
 * @param options The name there, the platform, the concurrency and a signal.
 * @returns The operation: its result, its progress, and `abort`. It rejects with the error of the
 * side that failed; errors that are not lading's, such as that of a full disk, come as the `cause`
 * of a {@linkcode CopyError} that names the side.
 * @throws {RangeError} when `jobs` is no positive integer.
 * @throws {TypeError} when another format is wanted and the tags of its digest too.
 * @throws {NameTakenError} when the name stands for another image, and that was to be refused.
 * @throws {UnsupportedMediaTypeError} when another format is wanted of something that is no image.
 *
 * @example Copy between two stores
 * ```ts
 * import { memoryStore } from "@lading/lading/store";
 * import { randomImage } from "@lading/lading/testing";
 * import { copy } from "@lading/lading/ops";
 *
 * const from = memoryStore();
 * const to = memoryStore();
 * await (await randomImage("seed")).pushTo(from, "demo:1");
 * const operation = copy(from, "demo:1", to);
 * for await (const event of operation) console.log(event.type);
 * const { descriptor } = await operation;
 * console.log((await to.resolve("demo:1")).digest === descriptor.digest); // true
 * ```
 */
export function copy(
  source: Source,
  reference: string,
  target: Target,
  options: CopyOptions = {},
): Operation<CopyResult, CopyEvent> {
  const { jobs = DEFAULT_JOBS } = options;
  if (!Number.isInteger(jobs) || jobs < 1) {
    throw new RangeError(`Cannot copy with ${jobs} jobs: give a positive integer`);
  }
  checkDigestTags(options);
  return startOperation<CopyResult, CopyEvent>(
    ({ emit, signal }) =>
      new Copy({ source, target, signal }, emit, options).run(reference, options, jobs),
    { signal: options.signal, coalesce: keyOf },
  );
}

/**
 * Refuses options that contradict one another.
 *
 * @throws {TypeError} when another format is wanted and the tags of its digest too.
 */
export function checkDigestTags({ digestTags, format }: CopyOptions): void {
  if (digestTags !== true || format === undefined) return;
  throw new TypeError(
    "Cannot copy the tags of digests along with another format: these digests are left behind",
  );
}

/** Tells which events take the place of one another. */
export function keyOf(event: CopyEvent): string {
  return event.type === "resolved" ? "resolved" : `${event.type} ${event.descriptor.digest}`;
}

/** A manifest that gets its name while it is stored. */
interface Named {
  readonly digest: string;
  readonly name: string;
}

/** One copy under way. */
class Copy {
  readonly #route: Route;
  /** Where the blobs are. */
  #content: BlobWay["source"];
  /** What blobs are in the source that the target gets in another compression. */
  #origins: ReadonlyMap<string, Descriptor> = new Map();
  readonly #emit: (event: CopyEvent) => void;
  readonly #way: Pick<CopyOptions, "mountFrom" | "threads">;
  readonly #leftOut: Descriptor[] = [];
  /** The blobs that the target has by its own word. */
  readonly #claimed = new Set<string>();
  #bytesFetched = 0;
  #bytesSkipped = 0;
  #bytesMounted = 0;

  constructor(
    route: Route,
    emit: (event: CopyEvent) => void,
    { mountFrom, threads }: CopyOptions,
  ) {
    this.#route = route;
    this.#content = route.source;
    this.#emit = emit;
    this.#way = { mountFrom, threads };
  }

  async run(reference: string, options: CopyOptions, jobs: number): Promise<CopyResult> {
    const { target, signal } = this.#route;
    const [found, before] = await together(
      (signal) => resolveRoot({ ...this.#route, signal }, reference, options.platform),
      (signal) => namedBefore(target, options, reference, signal),
      signal,
    );
    this.#emit({ type: "resolved", reference, descriptor: found.descriptor });
    const graph = await collectGraph(this.#route, found, referrersChoice(options.referrers));
    const { format } = options;
    // What cannot be in the format is refused before anything is stored.
    convertGraph(graph, found.descriptor, format, new Map());
    // Where the name stands for an image it may be this one, and then nothing is sent.
    const storing = before === undefined ? "all" : "missing";
    const tell = (layer: Descriptor, status: BlobEvent["status"], current: number): void =>
      this.#tell(layer, status, current);
    const reading = { ...this.#route, format, jobs, storing, tell } as const;
    const { source, layers, origins, stored } = await gzipLayers(graph, reading);
    const { root, manifests } = convertGraph(graph, found.descriptor, format, layers);
    const { referrers } = graph;
    const blobs = namedBlobs(graph, manifests, layers);
    this.#content = source;
    this.#origins = origins;
    for (const { digest, size } of blobs) if (stored.has(digest)) this.#bytesFetched += size;
    const name = targetName(options, reference, root);
    const { existing } = options;
    if (existing === "refuse") refuseTaken(name, before, root);
    const [present] = await together(
      (signal) => presentManifests({ target, signal }, graph, manifests),
      (signal) => this.#moveBlobs(blobs.filter(({ digest }) => !stored.has(digest)), jobs, signal),
      signal,
    );
    for (const { descriptor, parsed: { raw } } of graph.manifests) {
      if (!present.has(descriptor.digest)) this.#bytesFetched += raw.byteLength;
    }
    const groups = manifestGroups(manifests);
    const isLast = groups.at(-1)?.every(({ descriptor }) => descriptor.digest === root.digest);
    // Nothing has to come between storing it and naming it.
    const isOne = isLast && existing !== "refuse" && options.digestTags !== true &&
      !present.has(root.digest);
    const named = isOne && "pushNamed" in target ? { digest: root.digest, name } : undefined;
    for (const group of groups) await this.#storeGroup(group, present, jobs, named);
    await this.#keepReferrers(referrers);
    const digestTags = options.digestTags === true
      ? await this.#copyDigestTags(manifests, { jobs, existing })
      : [];
    if (named === undefined) {
      if (existing === "refuse") refuseTaken(name, await namedNow(target, name, signal), root);
      // A tag in a registry may be fixed: it cannot be given again.
      const isNamed = !("roots" in target) && present.has(root.digest) &&
        before?.digest === root.digest;
      if (!isNamed) await this.#asTarget(root, this.#name(root, name, manifests, present));
    }
    return {
      descriptor: root,
      reference: name,
      bytesFetched: this.#bytesFetched,
      bytesSkipped: this.#bytesSkipped,
      bytesMounted: this.#bytesMounted,
      blobs: blobs.length,
      manifests: manifests.length,
      referrers,
      digestTags,
      leftOut: this.#leftOut,
    };
  }

  /** Names what is stored. Registries take the bytes for that: what was not pushed they are given here. */
  async #name(
    root: Descriptor,
    name: string,
    manifests: readonly WalkedManifest[],
    present: ReadonlySet<string>,
  ): Promise<void> {
    const { target, signal } = this.#route;
    const { digest } = root;
    const found = manifests.find(({ descriptor }) => descriptor.digest === digest);
    if (target.pushNamed === undefined || found === undefined || !present.has(digest)) {
      return await target.tag(root, name, { signal });
    }
    await target.pushNamed(root, found.parsed.raw, name, { signal });
  }

  async #copyDigestTags(
    manifests: readonly WalkedManifest[],
    options: Pick<CopyOptions, "jobs" | "existing">,
  ): Promise<string[]> {
    const { source, signal } = this.#route;
    const digests = manifests.map(({ descriptor }) => descriptor.digest);
    const listed = await listDigestTags(source, signal);
    return await visitDigestTags(listed, digests, async (reference, targetReference) => {
      const way = { ...this.#way, ...options, targetReference };
      const emit = (event: CopyEvent): void => {
        if (event.type !== "resolved") this.#emit(event);
      };
      const result = await new Copy(this.#route, emit, way).run(
        reference,
        way,
        options.jobs ?? DEFAULT_JOBS,
      );
      this.#bytesFetched += result.bytesFetched;
      this.#bytesSkipped += result.bytesSkipped;
      this.#bytesMounted += result.bytesMounted;
      this.#leftOut.push(...result.leftOut);
      return result.descriptor.digest;
    });
  }

  #tell(descriptor: Descriptor, status: BlobEvent["status"], current: number): void {
    this.#emit({ type: "blob", descriptor, current, total: descriptor.size, status });
  }

  async #moveBlobs(
    blobs: readonly Descriptor[],
    jobs: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { target } = this.#route;
    const isThere = lookAhead(
      blobs,
      jobs,
      (blob, signal) => target.exists(blob, { signal, isNamedNext: true }),
    );
    await moveBlobs(blobs, jobs, async (blob, index, signal, read) => {
      await this.#moveBlob(blob, isThere(index, signal), read, signal);
    }, signal);
  }

  async #moveBlob(
    blob: Descriptor,
    isThere: Promise<boolean>,
    read: () => void,
    signal: AbortSignal,
  ): Promise<void> {
    const told = this.#origins.get(blob.digest) ?? blob;
    if (await isElsewhere(this.#route, blob, isThere, signal)) {
      this.#leftOut.push(blob);
      return this.#tell(told, "skipped", 0);
    }
    const [source, target] = [this.#content, this.#route.target];
    // What is made of another blob is told as that is read.
    const moved = (current: number): void => {
      if (told === blob) this.#tell(blob, "moving", current);
    };
    const way = { source, target, isThere, read, ...this.#way };
    const { status, bytesFetched } = await copyBlob(way, blob, moved, signal);
    this.#bytesFetched += bytesFetched;
    if (status !== "done") this.#claimed.add(blob.digest);
    if (status === "exists") this.#bytesSkipped += blob.size;
    if (status === "mounted") this.#bytesMounted += blob.size;
    this.#tell(told, status, told.size);
  }

  /** Stores manifests none of which names another one of them. */
  async #storeGroup(
    group: readonly WalkedManifest[],
    present: ReadonlySet<string>,
    jobs: number,
    named: Named | undefined,
  ): Promise<void> {
    const { signal } = this.#route;
    const refused: { readonly manifest: WalkedManifest; readonly error: unknown }[] = [];
    const store = async (
      manifest: WalkedManifest,
      _: number,
      signal: AbortSignal,
    ): Promise<void> => {
      const { descriptor } = manifest;
      const existed = present.has(descriptor.digest) && await this.#isStill(descriptor, signal);
      if (existed) this.#bytesSkipped += descriptor.size;
      else {
        try {
          await this.#pushManifest(manifest, named, signal);
        } catch (error) {
          if (!lacksBlobs(error)) throw error;
          return void refused.push({ manifest, error });
        }
      }
      this.#emit({ type: "manifest", descriptor, status: existed ? "exists" : "done" });
    };
    await mapConcurrent(group, jobs, store, { signal });
    let isMended = false;
    for (const { manifest, error } of refused) {
      // What one of them lacked, another one may have lacked too.
      isMended = await this.#sendClaimed(manifest, jobs) || isMended;
      if (!isMended) throw error;
      await this.#pushManifest(manifest, named, signal);
      this.#emit({ type: "manifest", descriptor: manifest.descriptor, status: "done" });
    }
  }

  /** Tells whether a store still has a manifest that it had before: garbage is collected meanwhile. */
  async #isStill(descriptor: Descriptor, signal: AbortSignal): Promise<boolean> {
    const { target } = this.#route;
    if (!("roots" in target)) return true;
    return await this.#asTarget(
      descriptor,
      target.exists(descriptor, { signal, isNamedNext: true }),
    );
  }

  async #pushManifest(
    { descriptor, parsed: { raw } }: WalkedManifest,
    named: Named | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const { target } = this.#route;
    const pushed = named?.digest === descriptor.digest && target.pushNamed !== undefined
      ? target.pushNamed(descriptor, raw, named.name, { signal })
      : target.push(descriptor, raw, { signal });
    await this.#asTarget(descriptor, pushed);
  }

  /**
   * Sends the blobs of a manifest that a registry has only claimed to have, such as one that forgets
   * to ask its storage.
   *
   * @returns Whether there were any.
   */
  async #sendClaimed({ parsed }: WalkedManifest, jobs: number): Promise<boolean> {
    const { target, signal } = this.#route;
    const source = this.#content;
    const blobs = childDescriptors(parsed).filter(({ digest }) => this.#claimed.delete(digest));
    await mapConcurrent(blobs, jobs, async (blob, _, signal) => {
      const way = { source, target, isThere: Promise.resolve(false), mountFrom: false } as const;
      const { bytesFetched } = await copyBlob(way, blob, () => {}, signal);
      this.#bytesFetched += bytesFetched;
    }, { signal });
    return blobs.length > 0;
  }

  /** Where a store lists what it holds, referrers are listed too: other tools find them there. */
  async #keepReferrers(referrers: readonly Descriptor[]): Promise<void> {
    const { target, signal } = this.#route;
    if (!("roots" in target)) return;
    for (const referrer of referrers) {
      await this.#asTarget(referrer, target.tag(referrer, referrer.digest, { signal }));
    }
  }

  async #asTarget<Value>(descriptor: Descriptor, work: Promise<Value>): Promise<Value> {
    try {
      return await work;
    } catch (error) {
      throw blame("target", error, descriptor, this.#route.signal);
    }
  }
}

/** Tells whether a registry has refused a manifest for want of its blobs (distribution-spec, codes). */
function lacksBlobs(error: unknown): boolean {
  const refusal = error instanceof NotFoundError ? error.cause : error;
  return refusal instanceof RegistryError &&
    refusal.diagnostics.some(({ code }) => code === "MANIFEST_BLOB_UNKNOWN");
}
