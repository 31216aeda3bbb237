import { embeddedContent } from "../hash/embedded.ts";
import type { Bytes } from "../model/bytes.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { isDigest } from "../model/digest.ts";
import {
  ContentError,
  InvalidDigestError,
  InvalidManifestError,
  isLadingError,
  NotFoundError,
} from "../model/errors.ts";
import { childDescriptors, type ParsedManifest } from "../model/manifest.ts";
import { isConfigType, isLayerType } from "../model/media_types.ts";
import { parseManifest } from "../model/parse_manifest.ts";
import type { LayoutBlobs } from "./_layout_blobs.ts";
import { isResolvable } from "./_manifest_facts.ts";

/** What a document of a kind that nobody knows may name content by. */
const DIGEST_REGEXP = /sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}/g;

/**
 * What is led to. Of manifests and indexes that are known, that is what they are made of. A `subject`
 * is not led to: the image-spec calls that a weak association. Of anything else that an index lists
 * and that is JSON, it is whatever has a digest in it: too much stays rather than too little.
 */
export class Reach {
  /** The digests of what is led to, there or not. */
  readonly found: Set<string> = new Set();
  readonly #blobs: LayoutBlobs;
  readonly #place: string;
  readonly #signal: AbortSignal | undefined;
  readonly #opened = new Set<string>();

  constructor(blobs: LayoutBlobs, place: string, signal: AbortSignal | undefined) {
    this.#blobs = blobs;
    this.#place = place;
    this.#signal = signal;
  }

  /**
   * Adds what an index lists, and all that it leads to.
   *
   * @throws {InvalidManifestError} when a manifest is there but none, so that nobody can tell.
   * @throws {ContentError} when one is damaged.
   */
  async add(listed: readonly Descriptor[]): Promise<void> {
    const queue = this.#openable(listed.map((descriptor) => ({ descriptor, isListed: true })));
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      this.#signal?.throwIfAborted();
      this.found.add(next.digest);
      if (this.#opened.has(next.digest)) continue;
      const named = await this.#namedBy(next);
      // What is not there may be in the data of another descriptor.
      if (named !== undefined) this.#opened.add(next.digest);
      queue.push(...this.#openable(named ?? []));
    }
  }

  /** Adds content that nothing leads to, and all that it leads to if it is a manifest. */
  async addStray({ digest }: Pick<Descriptor, "digest">): Promise<void> {
    this.found.add(digest);
    if (this.#opened.has(digest)) return;
    const facts = await ifWhole(this.#blobs.factsOf(digest));
    if (facts !== undefined) await this.add([{ mediaType: facts.mediaType, digest, size: 0 }]);
  }

  /** Finds what refers to something among blobs: digests, by those of their subjects. */
  async referrersAmong(blobs: readonly Pick<Descriptor, "digest">[]): Promise<Referrers> {
    const referrers = new Map<string, string[]>();
    for (const { digest } of blobs) {
      this.#signal?.throwIfAborted();
      if (this.found.has(digest)) continue;
      const subject = (await ifWhole(this.#blobs.factsOf(digest)))?.subject;
      if (subject === undefined) continue;
      referrers.set(subject.digest, [...referrers.get(subject.digest) ?? [], digest]);
    }
    return referrers;
  }

  /** Adds what refers to something that was found, what refers to that, and what they lead to. */
  async addReferrers(referrers: Referrers): Promise<void> {
    // What is added while a set is walked through is walked through too, once.
    for (const subject of this.found) {
      for (const digest of referrers.get(subject) ?? []) await this.addStray({ digest });
    }
  }

  /** Tells how far above content something stands: an index above a manifest. */
  async levelOf({ digest }: Pick<Descriptor, "digest">): Promise<number> {
    const facts = await ifWhole(this.#blobs.factsOf(digest));
    if (facts === undefined) return 0;
    return facts.manifests.length > 0 ? 2 : 1;
  }

  /** Takes down what is content and nothing else; gives what may lead on. */
  #openable(named: readonly Named[]): Descriptor[] {
    return named.filter(({ descriptor, isListed }) => {
      const { mediaType, digest } = descriptor;
      this.found.add(digest);
      if (isResolvable(mediaType)) return true;
      return isListed && !isLayerType(mediaType) && !isConfigType(mediaType);
    }).map(({ descriptor }) => descriptor);
  }

  /** Reads what a document names; `undefined` when there is none to be read. */
  async #namedBy(descriptor: Descriptor): Promise<Named[] | undefined> {
    const { digest, mediaType } = descriptor;
    if (!isDigest(digest)) {
      throw new InvalidDigestError(
        `Cannot collect garbage of ${this.#place}: nobody can tell what ${digest} leads to`,
        { input: digest },
      );
    }
    const raw = await this.#read(descriptor);
    if (raw !== undefined) return namedIn(raw, mediaType);
    if (isResolvable(mediaType) && await this.#isThere(digest)) {
      throw new InvalidManifestError(
        `Cannot collect garbage of ${this.#place}: ${digest} is no manifest, or too large for one`,
        { input: "" },
      );
    }
    return undefined;
  }

  async #isThere(digest: string): Promise<boolean> {
    return await this.#blobs.sizeOf(digest) !== undefined;
  }

  /** Reads what is there, or what the descriptor carries of it. */
  async #read(descriptor: Descriptor): Promise<Bytes | undefined> {
    try {
      return await this.#blobs.documentOf(descriptor.digest);
    } catch (error) {
      if (error instanceof NotFoundError) return embeddedContent(descriptor);
      throw error;
    }
  }
}

/** What refers to manifests: digests, by those of their subjects. */
type Referrers = ReadonlyMap<string, readonly string[]>;

/** What a document names. */
interface Named {
  readonly descriptor: Descriptor;
  /** Whether it stands where manifests stand, so that it may be one of a kind that nobody knows. */
  readonly isListed: boolean;
}

function namedIn(raw: Bytes, mediaType: string): Named[] {
  const isKnown = isResolvable(mediaType);
  const parsed = parsedOrNothing(raw, isKnown ? mediaType : undefined);
  const isListed = parsed?.kind === "index";
  const children = parsed === undefined ? [] : childDescriptors(parsed);
  const named = children.map((descriptor) => ({ descriptor, isListed }));
  if (isKnown && parsed !== undefined && parsed.kind !== "schema1") return named;
  // Schema 1 names layers, without their sizes; what is not known may name anything.
  const isAnything = parsed?.kind !== "schema1";
  const digests = new Set(new TextDecoder().decode(raw).match(DIGEST_REGEXP));
  return [
    ...named,
    ...[...digests].map((digest) => {
      return { descriptor: { mediaType: "", digest, size: 0 }, isListed: isAnything };
    }),
  ];
}

/** Reads a manifest; what is a manifest of no known form is read as anything else is. */
function parsedOrNothing(raw: Bytes, mediaType: string | undefined): ParsedManifest | undefined {
  try {
    return parseManifest(raw, mediaType);
  } catch (error) {
    if (isLadingError(error)) return undefined;
    throw error;
  }
}

/** What is damaged, or gone meanwhile, leads nowhere. */
async function ifWhole<Value>(reading: Promise<Value>): Promise<Value | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof ContentError) return undefined;
    throw error;
  }
}
