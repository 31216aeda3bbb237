import { mapConcurrent } from "../bytes/map_concurrent.ts";
import type { LayerThreads } from "../compress/layer_threads.ts";
import { type KernelChoice, layersAtOnce } from "../compress/stages.ts";
import { embeddedContent } from "../hash/embedded.ts";
import { fetchConfig } from "../image/fetch_config.ts";
import { fetchManifest } from "../image/fetch_manifest.ts";
import { platformOf } from "../image/platform_of.ts";
import { MAX_INDEX_DEPTH, MAX_MANIFESTS } from "../image/walk_indexes.ts";
import type { CallOptions, Source } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { ImageConfig } from "../model/image_config.ts";
import { childDescriptors, type ImageManifest, type ParsedManifest } from "../model/manifest.ts";
import {
  isConfigType,
  isForeignLayerType,
  isIndexType,
  isLayerType,
  isManifestType,
  isSchema1Type,
} from "../model/media_types.ts";
import { formatPlatform, type Platform } from "../model/platform.ts";
import { normalizePlatform } from "../model/normalize_platform.ts";
import { isAttestation } from "../model/platform_match.ts";
import type { ParsedSchema1 } from "../model/schema1.ts";
import { schema1Layers } from "../model/schema1_layers.ts";
import { checkBytes, checkLayer, type CheckOptions, type LayerFindings } from "./_check_layer.ts";
import { isTime } from "./_is_time.ts";
import { type Problem, type ProblemCode, problemCode } from "./problem.ts";
import { ProblemList } from "./_problem_list.ts";

export { MAX_PROBLEMS } from "./_problem_list.ts";

/** Options of {@linkcode validate}. */
export interface ValidateOptions extends CallOptions {
  /** Whether layers are only looked for, not read; default `false`. */
  readonly fast?: boolean | undefined;
  /** Who inflates and hashes; default `"host"`. The results are the same. */
  readonly kernel?: KernelChoice | undefined;
  /**
   * Threads to decompress and hash layers in, as many of an image side by side; default none. The
   * report is the same.
   */
  readonly threads?: LayerThreads | undefined;
}

/** How much was looked at. */
export interface ValidationStats {
  /** Manifests and indexes. */
  readonly manifests: number;
  /** Images: manifests with the config of an image. */
  readonly images: number;
  /** Blobs of all kinds, each once. */
  readonly blobs: number;
  /** The bytes of blobs that were read, as they are stored. */
  readonly bytes: number;
  /** The entries of the layers. */
  readonly entries: number;
}

/** What {@linkcode validate} has found. */
export interface ValidationReport {
  /** The manifest or index that was looked at. */
  readonly descriptor: Descriptor;
  /** Whether there is no problem. */
  readonly ok: boolean;
  /** The problems, in the order they were found; at most 1,000. */
  readonly problems: readonly Problem[];
  /** How much was looked at. */
  readonly stats: ValidationStats;
}

/**
 * Checks that everything in an image, or in all images of an index, is there and consistent: sizes
 * and digests of all content, manifests that are of one type only, no key twice in a document, the
 * config's `rootfs`, diffIDs, history and times, the compression, the archive and the paths of each
 * layer, that content in descriptors is what they name, and that images are for the platforms their
 * index names. Of several descriptors of the same content each one is proved. Layers that several
 * images share are read once for each diffID. Memory grows with the paths of a layer; where the
 * kernel hashes, and with threads, with those of as many layers as are read side by side.
 *
 * What is wrong with the content stands in the report; the promise rejects only when the source
 * cannot be asked.
 *
 * @param source Where the image is.
 * @param reference Its name or digest.
 * @param options Whether layers are read, and a signal.
 * @returns The report.
 * @throws {NotFoundError} when there is no such reference.
 *
 * @example A sound image
 * ```ts
 * import { memoryStore } from "@lading/lading/store";
 * import { randomImage } from "@lading/lading/testing";
 * import { validate } from "@lading/lading/ops";
 *
 * const store = memoryStore();
 * await (await randomImage("seed")).pushTo(store, "demo:1");
 * const { ok, problems } = await validate(store, "demo:1");
 * console.log(ok, problems.length); // true 0
 * ```
 */
export async function validate(
  source: Source,
  reference: string,
  options: ValidateOptions = {},
): Promise<ValidationReport> {
  const { signal = new AbortController().signal, fast = false, kernel, threads } = options;
  const descriptor = await source.resolve(reference, { signal });
  const validation = new Validation(source, fast, { kernel, threads, signal });
  await validation.manifest(descriptor, 0);
  return { descriptor, ...validation.result() };
}

/** One validation under way. */
class Validation {
  readonly #source: Source;
  readonly #fast: boolean;
  readonly #signal: AbortSignal;
  readonly #options: CheckOptions;
  readonly #found = new ProblemList();
  readonly #manifests = new Set<string>();
  readonly #images = new Set<string>();
  readonly #blobs = new Set<string>();
  readonly #checked = new Set<string>();
  #walked = 0;
  #bytes = 0;
  #entries = 0;

  constructor(source: Source, fast: boolean, options: CheckOptions) {
    this.#source = source;
    this.#fast = fast;
    this.#signal = options.signal;
    this.#options = options;
  }

  result(): Omit<ValidationReport, "descriptor"> {
    const { problems } = this.#found;
    return {
      ok: problems.length === 0,
      problems,
      stats: {
        manifests: this.#manifests.size,
        images: this.#images.size,
        blobs: this.#blobs.size,
        bytes: this.#bytes,
        entries: this.#entries,
      },
    };
  }

  /** Checks a manifest, and everything below it. */
  async manifest(descriptor: Descriptor, depth: number): Promise<void> {
    // Descriptors of the same content may say different things of it: each of them is proved.
    const { digest, mediaType, size, platform } = descriptor;
    if (!this.#isNew(JSON.stringify([digest, mediaType, size, platform]))) return;
    if (depth > MAX_INDEX_DEPTH || this.#walked >= MAX_MANIFESTS) {
      const limit = depth > MAX_INDEX_DEPTH
        ? `${MAX_INDEX_DEPTH} levels of indexes`
        : `${MAX_MANIFESTS} manifests`;
      return this.#found.report(descriptor, "LIMIT_EXCEEDED", `there are more than ${limit}`);
    }
    this.#walked++;
    this.#manifests.add(digest);
    const parsed = await this.#guard(
      descriptor,
      () => fetchManifest(this.#source, asStored(descriptor), { signal: this.#signal }),
    );
    if (parsed === undefined) return;
    this.#embedded(parsed);
    // CVE-2021-41190: what a document says and what it is announced as have to be one.
    if (parsed.mediaType !== descriptor.mediaType) {
      const message = `it is ${parsed.mediaType}, but announced as ${descriptor.mediaType}`;
      this.#found.report(descriptor, "INVALID_MANIFEST", message);
    }
    if (parsed.kind === "index") {
      for (const child of parsed.value.manifests) await this.#child(child, depth + 1);
    } else if (parsed.kind === "image" && isConfigType(parsed.value.config.mediaType)) {
      await this.#image(descriptor, parsed.value);
    } else if (parsed.kind === "schema1") {
      await this.#schema1(descriptor, parsed);
    } else {
      for (const blob of childDescriptors(parsed)) await this.#blob(blob);
    }
  }

  /** Content in a descriptor has to be the content (OCI image-spec, descriptor.md §properties). */
  #embedded(parsed: ParsedManifest): void {
    const { subject } = parsed.kind === "schema1" ? {} : parsed.value;
    const all = [...childDescriptors(parsed), ...(subject === undefined ? [] : [subject])];
    for (const descriptor of all) {
      if (descriptor.data === undefined) continue;
      try {
        if (embeddedContent(descriptor) !== undefined) continue;
      } catch {
        // The digest is none that can be proved: that is told where the content is read.
        continue;
      }
      this.#found.report(
        descriptor,
        "DATA_MISMATCH",
        "the data in its descriptor is something else",
      );
    }
  }

  /** Checks IDs and parents; blobs only where their sizes can be asked for. */
  async #schema1(descriptor: Descriptor, { value }: ParsedSchema1): Promise<void> {
    const layers = await this.#guard(descriptor, () => Promise.resolve(schema1Layers(value)));
    if (layers === undefined || !knowsSizes(this.#source)) return;
    const source = this.#source;
    for (const { blobSum: digest } of layers) {
      const unsized = { mediaType: "application/octet-stream", digest, size: 0 };
      const blob = await this.#guard(
        unsized,
        () => source.resolveBlob(digest, { signal: this.#signal }),
      );
      if (blob === undefined) this.#blobs.add(digest);
      else await this.#blob(blob);
    }
  }

  async #child(child: Descriptor, depth: number): Promise<void> {
    const { mediaType } = child;
    const isManifest = isIndexType(mediaType) || isManifestType(mediaType) ||
      isSchema1Type(mediaType);
    if (!isManifest) return await this.#blob(child);
    await this.manifest(child, depth);
  }

  async #image(descriptor: Descriptor, manifest: ImageManifest): Promise<void> {
    this.#images.add(descriptor.digest);
    this.#blobs.add(manifest.config.digest);
    const config = await this.#guard(manifest.config, async () => {
      const { raw, value } = await fetchConfig(this.#source, asStored(manifest.config), {
        signal: this.#signal,
      });
      this.#bytes += raw.byteLength;
      return value;
    });
    if (config !== undefined) this.#config(descriptor, manifest, config);
    const lists = await mapConcurrent(
      manifest.layers,
      this.#options.threads?.size ?? layersAtOnce(this.#options.kernel),
      (layer, index, signal) => this.#layer(layer, config?.rootfs.diff_ids[index], signal),
      { signal: this.#signal },
    );
    // The order of the layers, whichever was read first.
    for (const list of lists) this.#found.append(list);
  }

  #config(descriptor: Descriptor, manifest: ImageManifest, config: ImageConfig): void {
    const { rootfs, history } = config;
    const count = manifest.layers.length;
    const report = (code: ProblemCode, message: string) =>
      this.#found.report(manifest.config, code, message);
    if (rootfs.type !== "layers") {
      report("ROOTFS_TYPE", `the type of rootfs is ${JSON.stringify(rootfs.type)}, not "layers"`);
    }
    if (rootfs.diff_ids.length !== count) {
      report("LAYER_COUNT", `there are ${rootfs.diff_ids.length} diffIDs for ${count} layers`);
    }
    // OCI image-spec, config.md: the history may be absent.
    const steps = history?.filter((step) => step.empty_layer !== true).length ?? count;
    if (steps !== count && history?.length !== 0) {
      report("HISTORY_COUNT", `the history has ${steps} steps with a layer for ${count} layers`);
    }
    // Readers in Go take no config with another time (crane, Docker).
    for (const created of [config.created, ...(history ?? []).map(({ created }) => created)]) {
      if (created === undefined || isTime(created)) continue;
      report("INVALID_CONFIG", `${JSON.stringify(created.slice(0, 64))} is no time (RFC 3339)`);
    }
    const { platform } = descriptor;
    if (platform === undefined || isAttestation(descriptor)) return;
    const actual = platformOf(config);
    if (!isSamePlatform(platform, actual)) {
      report(
        "PLATFORM_MISMATCH",
        `the index says ${formatPlatform(platform)}, the config ${formatPlatform(actual)}`,
      );
    }
  }

  /** Checks a layer, beside others; gives what is wrong with it. */
  async #layer(
    layer: Descriptor,
    diffID: string | undefined,
    signal: AbortSignal,
  ): Promise<ProblemList> {
    const found = new ProblemList();
    if (this.#fast || diffID === undefined || !isLayerType(layer.mediaType)) {
      await this.#blob(layer, found, signal);
      return found;
    }
    if (!this.#isNew(`${layer.digest} ${layer.size} ${layer.mediaType} ${diffID}`)) return found;
    this.#blobs.add(layer.digest);
    if (await this.#isLeftOut(layer)) return found;
    const findings = this.#findings(layer, found);
    const stored = asStored(layer);
    const options = { ...this.#options, signal };
    await this.#guard(
      layer,
      () => checkLayer(this.#source, stored, diffID, findings, options),
      found,
    );
    // What cannot be unpacked may be damaged on its way: that is told by the stored bytes.
    if (found.problems.some(({ code }) => code === "INVALID_LAYER")) {
      await this.#guard(layer, () => checkBytes(this.#source, stored, findings, options), found);
    }
    return found;
  }

  /** Checks size and digest of content that is not looked into. */
  async #blob(blob: Descriptor, found = this.#found, signal = this.#signal): Promise<void> {
    if (!this.#isNew(`${blob.digest} ${blob.size}`)) return;
    this.#blobs.add(blob.digest);
    if (await this.#isLeftOut(blob)) return;
    const stored = asStored(blob);
    await this.#guard(blob, async () => {
      if (!this.#fast) {
        const options = { ...this.#options, signal };
        return await checkBytes(this.#source, stored, this.#findings(blob, found), options);
      }
      if (await this.#source.exists(stored, { signal })) return;
      found.report(blob, "MISSING", "it is not there, or has another size");
    }, found);
  }

  /** Foreign layers may be elsewhere (OCI image-spec, layer.md §non-distributable layers). */
  async #isLeftOut(blob: Descriptor): Promise<boolean> {
    return isForeignLayerType(blob.mediaType) &&
      !await this.#source.exists(blob, { signal: this.#signal });
  }

  #isNew(key: string): boolean {
    if (this.#checked.has(key)) return false;
    this.#checked.add(key);
    return true;
  }

  #findings(descriptor: Descriptor, found: ProblemList): LayerFindings {
    return {
      report: (code, message, path) => found.report(descriptor, code, message, path),
      bytes: (count) => this.#bytes += count,
      entry: () => this.#entries++,
    };
  }

  /** Turns errors about content into problems; others pass. */
  async #guard<Value>(
    descriptor: Descriptor,
    work: () => Promise<Value>,
    found = this.#found,
  ): Promise<Value | undefined> {
    this.#signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      const code = problemCode(error);
      if (code === undefined || !(error instanceof Error)) throw error;
      found.report(descriptor, code, error.message);
      return undefined;
    }
  }
}

/** The descriptor without the content in it: the content that is stored is looked at. */
function asStored({ data: _, ...descriptor }: Descriptor): Descriptor {
  return descriptor;
}

/** A source that tells how large a blob is, of which only the digest is known. */
interface SizedSource extends Source {
  resolveBlob(digest: string, options: CallOptions): Promise<Descriptor>;
}

function knowsSizes(source: Source): source is SizedSource {
  return "resolveBlob" in source;
}

/** Compares what both name: indexes often leave out the variant or the version. */
function isSamePlatform(said: Platform, actual: Platform): boolean {
  const left = normalizePlatform(said);
  const right = normalizePlatform(actual);
  const isSame = (a: string | undefined, b: string | undefined) =>
    a === undefined || b === undefined || a === b;
  return left.os === right.os && left.architecture === right.architecture &&
    isSame(left.variant, right.variant) && isSame(left["os.version"], right["os.version"]);
}
