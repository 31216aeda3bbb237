import { mapConcurrent } from "../bytes/map_concurrent.ts";
import { type Operation, startOperation } from "../bytes/operation.ts";
import { chooseFromIndex } from "../image/choose_image.ts";
import { fetchManifest } from "../image/fetch_manifest.ts";
import type { CallOptions, Source, Target } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { isDigest } from "../model/digest.ts";
import { ContentError, UnsupportedMediaTypeError } from "../model/errors.ts";
import type { CopyEvent } from "../model/events.ts";
import type { ParsedManifest } from "../model/manifest.ts";
import { isForeignLayerType } from "../model/media_types.ts";
import type { Platform } from "../model/platform.ts";
import { copyBlob } from "./copy_blob.ts";
import { blame } from "./_side.ts";
import { walk, type WalkedManifest } from "./walk.ts";

/** How many blobs move at the same time unless told otherwise: what Docker's engine does. */
export const DEFAULT_JOBS = 3;

/** Options of {@linkcode copy}. */
export interface CopyOptions extends CallOptions {
  /**
   * The name in the target; default the reference in the source. A digest records the image without a
   * name.
   */
  readonly targetReference?: string | undefined;
  /** The platform to choose from an index; default `"all"`, the whole index as it is. */
  readonly platform?: Platform | "all" | undefined;
  /** How many blobs move at the same time; default 3. */
  readonly jobs?: number | undefined;
}

/** What a copy came to. */
export interface CopyResult {
  /** The manifest or index that was copied. */
  readonly descriptor: Descriptor;
  /** The name it has in the target; its digest when it has none. */
  readonly reference: string;
  /** The bytes of manifests and blobs that came from the source. */
  readonly bytesFetched: number;
  /** The bytes of manifests and blobs that the target had already. */
  readonly bytesSkipped: number;
  /** How many blobs the image has. */
  readonly blobs: number;
  /** How many manifests and indexes the image has. */
  readonly manifests: number;
  /** Foreign layers that the source does not have: they stay where their `urls` point. */
  readonly leftOut: readonly Descriptor[];
}

/**
 * Copies an image, an index or an artifact from any place to any other. The reference is resolved
 * once, and everything is copied by digest from then on: manifests byte for byte, blobs streamed
 * with at most a chunk each in memory. What the target has is not read from the source. Blobs go
 * first, then manifests, the outermost last, then the name: when anything fails nothing was
 * named, and what was proved stays for the next attempt. Memory is that of the manifests, at most
 * 64 MiB.
 *
 * Copies at the same time into the same target object move each blob once. Foreign layers are
 * copied when the source has them, and left out otherwise; their `urls` are not fetched.
 *
 * @param source Where the image is.
 * @param reference Its name or digest there.
 * @param target Where it goes.
 * @param options The name there, the platform, the concurrency and a signal.
 * @returns The operation: its result, its progress, and `abort`. It rejects with the error of the
 * side that failed; errors that are not lading's, such as that of a full disk, come as the `cause`
 * of a {@linkcode CopyError} that names the side.
 * @throws {RangeError} when `jobs` is no positive integer.
 *
 * @example Copy between two stores
 * ```ts
 * import { memoryStore } from "@lading/lading/store";
 * import { randomImage } from "@lading/lading/testing";
 * import { copy } from "./mod.ts";
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
  return startOperation<CopyResult, CopyEvent>(
    ({ emit, signal }) => new Copy(source, target, emit, signal).run(reference, options, jobs),
    { signal: options.signal, coalesce: keyOf },
  );
}

function keyOf(event: CopyEvent): string {
  return event.type === "resolved" ? "resolved" : `${event.type} ${event.descriptor.digest}`;
}

/** One copy under way. */
class Copy {
  readonly #source: Source;
  readonly #target: Target;
  readonly #emit: (event: CopyEvent) => void;
  readonly #signal: AbortSignal;
  readonly #leftOut: Descriptor[] = [];
  /** The manifests that the target has. */
  readonly #present = new Set<string>();
  #bytesFetched = 0;
  #bytesSkipped = 0;

  constructor(
    source: Source,
    target: Target,
    emit: (event: CopyEvent) => void,
    signal: AbortSignal,
  ) {
    this.#source = source;
    this.#target = target;
    this.#emit = emit;
    this.#signal = signal;
  }

  async run(reference: string, options: CopyOptions, jobs: number): Promise<CopyResult> {
    const root = await this.#resolve(reference, options.platform);
    this.#emit({ type: "resolved", reference, descriptor: root });
    const { manifests, blobs } = await this.#collect(root);
    await mapConcurrent(blobs, jobs, (blob, _, signal) => this.#moveBlob(blob, signal), {
      signal: this.#signal,
    });
    for (const manifest of manifests.reverse()) await this.#storeManifest(manifest);
    const name = options.targetReference ?? nameIn(reference, root);
    await this.#asTarget(root, this.#target.tag(root, name, { signal: this.#signal }));
    return {
      descriptor: root,
      reference: name,
      bytesFetched: this.#bytesFetched,
      bytesSkipped: this.#bytesSkipped,
      blobs: blobs.length,
      manifests: manifests.length,
      leftOut: this.#leftOut,
    };
  }

  async #resolve(reference: string, platform: Platform | "all" | undefined): Promise<Descriptor> {
    const signal = this.#signal;
    try {
      const descriptor = await this.#source.resolve(reference, { signal });
      if (platform === undefined || platform === "all") return descriptor;
      const parsed = await fetchManifest(this.#source, descriptor, { signal });
      if (parsed.kind !== "index") return descriptor;
      return await chooseFromIndex(this.#source, { parsed, descriptor }, platform, { signal });
    } catch (error) {
      throw blame("source", error, undefined, signal);
    }
  }

  /** Walks the whole graph before anything moves, outer manifests before inner ones. */
  async #collect(root: Descriptor): Promise<{ manifests: WalkedManifest[]; blobs: Descriptor[] }> {
    const manifests: WalkedManifest[] = [];
    const blobs = new Map<string, Descriptor>();
    const read = (descriptor: Descriptor, signal: AbortSignal) => this.#read(descriptor, signal);
    try {
      for await (const walked of walk(this.#source, root, { signal: this.#signal, read })) {
        if (walked.kind === "manifest") manifests.push(walked);
        else blobs.set(walked.descriptor.digest, walked.descriptor);
      }
    } catch (error) {
      throw blame("source", error, root, this.#signal);
    }
    return { manifests, blobs: [...blobs.values()] };
  }

  /** Reads a manifest from the target when it is there, and from the source otherwise. */
  async #read(descriptor: Descriptor, signal: AbortSignal): Promise<ParsedManifest> {
    const found = await this.#readFromTarget(descriptor, signal);
    const parsed = found ?? await fetchManifest(this.#source, descriptor, { signal });
    if (parsed.kind === "schema1") {
      const { mediaType } = parsed;
      throw new UnsupportedMediaTypeError(
        `Cannot copy ${descriptor.digest}: Docker manifests of schema 1 are only read`,
        { mediaType },
      );
    }
    if (found === undefined) this.#bytesFetched += parsed.raw.byteLength;
    else this.#present.add(descriptor.digest);
    return parsed;
  }

  async #readFromTarget(
    descriptor: Descriptor,
    signal: AbortSignal,
  ): Promise<ParsedManifest | undefined> {
    try {
      if (!await this.#target.exists(descriptor, { signal })) return undefined;
      return await fetchManifest(this.#target, descriptor, { signal });
    } catch (error) {
      // A damaged copy is no reason to fail: the source has another one.
      if (error instanceof ContentError) return undefined;
      throw blame("target", error, descriptor, signal);
    }
  }

  async #moveBlob(blob: Descriptor, signal: AbortSignal): Promise<void> {
    if (isForeign(blob) && !await this.#isAnywhere(blob, signal)) {
      this.#leftOut.push(blob);
      this.#emit({
        type: "blob",
        descriptor: blob,
        current: 0,
        total: blob.size,
        status: "skipped",
      });
      return;
    }
    const moved = (current: number) =>
      this.#emit({ type: "blob", descriptor: blob, current, total: blob.size, status: "moving" });
    const outcome = await copyBlob(this.#source, this.#target, blob, moved, signal);
    this.#bytesFetched += outcome.bytesFetched;
    if (outcome.existed) this.#bytesSkipped += blob.size;
    this.#emit({
      type: "blob",
      descriptor: blob,
      current: blob.size,
      total: blob.size,
      status: outcome.existed ? "exists" : "done",
    });
  }

  async #isAnywhere(blob: Descriptor, signal: AbortSignal): Promise<boolean> {
    if (await this.#asTarget(blob, this.#target.exists(blob, { signal }))) return true;
    return await this.#source.exists(blob, { signal }).catch((error) => {
      throw blame("source", error, blob, signal);
    });
  }

  async #storeManifest({ descriptor, parsed }: WalkedManifest): Promise<void> {
    const existed = this.#present.has(descriptor.digest);
    if (existed) this.#bytesSkipped += descriptor.size;
    else {
      const signal = this.#signal;
      await this.#asTarget(descriptor, this.#target.push(descriptor, parsed.raw, { signal }));
    }
    this.#emit({ type: "manifest", descriptor, status: existed ? "exists" : "done" });
  }

  async #asTarget<Value>(descriptor: Descriptor, work: Promise<Value>): Promise<Value> {
    try {
      return await work;
    } catch (error) {
      throw blame("target", error, descriptor, this.#signal);
    }
  }
}

function isForeign({ mediaType, urls }: Descriptor): boolean {
  return isForeignLayerType(mediaType) || urls !== undefined && urls.length > 0;
}

/** The name that an image keeps: a digest pins the source, it is no name. */
function nameIn(reference: string, root: Descriptor): string {
  const [name = ""] = reference.split("@");
  return name === "" || isPin(name) ? root.digest : name;
}

// "app:1" has the form of a digest too, of an algorithm named "app".
function isPin(name: string): boolean {
  return /^sha(?:256|512):/.test(name) && isDigest(name);
}
