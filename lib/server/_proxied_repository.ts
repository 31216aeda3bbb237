import { readAll } from "../bytes/read_all.ts";
import type { SingleFlight } from "../bytes/single_flight.ts";
import { streamOf } from "../bytes/stream_from.ts";
import { through } from "../bytes/through.ts";
import { verified, verifyBytes } from "../bytes/verify.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import type { ContentSource, FetchOptions, NamedContent } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import {
  DigestMismatchError,
  isLadingError,
  NotFoundError,
  SizeMismatchError,
} from "../model/errors.ts";
import { MAX_MANIFEST_BYTES } from "../model/manifest.ts";
import { isSchema1Type } from "../model/media_types.ts";
import { parseManifest } from "../model/parse_manifest.ts";
import type { HeldAs } from "../model/shared_registry.ts";
import { fillWhileReading } from "./_blob_fill.ts";
import { SMALL_BYTES } from "./_blobs.ts";
import { manifestEntry } from "./_manifest_entry.ts";
import type { RepositoryNames } from "./_repository_names.ts";
import type { Shelves } from "./_shelves.ts";
import { isTemporary } from "./_upstream_refusal.ts";
import type { ProxyEvent } from "./proxy_event.ts";
import type { RegistryTarget } from "./target.ts";
import type { UpstreamRepository } from "./upstream.ts";

/** What is read whole. */
const MANIFEST = { maxBytes: MAX_MANIFEST_BYTES, what: "the manifest" };

/** What the requests to one proxy share. */
export interface ProxyContext {
  readonly cache: RegistryTarget;
  readonly names: RepositoryNames;
  readonly shelves: Shelves;
  /** When tags were looked up, where what the cache has of them may be used for a while. */
  readonly tags: Map<string, number>;
  readonly tagMaxAgeMs: number;
  /** Manifests on their way into the cache, by repository and digest. */
  readonly manifests: SingleFlight<string, Bytes>;
  /** The digests of blobs on their way into the cache. */
  readonly fills: Set<string>;
  readonly waitUntil: (work: Promise<unknown>) => void;
  readonly onEvent: (event: ProxyEvent) => void;
}

/** One repository of an upstream, with what the cache has of it, for one request. */
export class ProxiedRepository {
  readonly #context: ProxyContext;
  readonly #name: string;
  readonly #upstream: UpstreamRepository;
  readonly #onError: (error: unknown) => void;
  /** The tag that was asked for, where the cache does not have it yet. */
  #newTag: string | undefined;
  /** The names that a damaged manifest had in the cache: its successor gets them. */
  readonly #lostNames: string[] = [];
  /** The manifest that came along when its name was looked up. */
  #named: NamedContent | undefined;
  /** The digest of what the upstream has said that it has. */
  #confirmed: string | undefined;

  constructor(
    context: ProxyContext,
    name: string,
    upstream: UpstreamRepository,
    onError: (error: unknown) => void,
  ) {
    this.#context = context;
    this.#name = name;
    this.#upstream = upstream;
    this.#onError = onError;
  }

  /** The manifests of the repository. */
  readonly manifests: ContentSource = {
    exists: (target) => this.#exists(target),
    fetch: async (target) => streamOf(await this.#manifest(target)),
  };

  /** The blobs of the repository. */
  readonly blobs: ContentSource = {
    exists: (target) => this.#exists(target),
    fetch: (target, options = {}) => this.#blob(target, options),
  };

  /**
   * Finds the manifest behind a tag. The upstream is asked, unless it was a short time ago; where it
   * cannot be asked, what the cache has counts.
   *
   * @throws {NotFoundError} when the upstream has no such tag.
   */
  async resolveTag(tag: string, isRead: boolean): Promise<Descriptor> {
    const { shelves, tags, tagMaxAgeMs, onEvent } = this.#context;
    const key = `${this.#name}:${tag}`;
    const known = await this.#attempt(() => shelves.tagged({ repository: this.#name, tag }));
    const checkedAt = tags.get(key);
    // A clock that was set back must not make it last for longer.
    const isFresh = checkedAt !== undefined && Math.abs(Date.now() - checkedAt) < tagMaxAgeMs;
    if (known !== undefined && isFresh) return known;
    let descriptor: Descriptor;
    try {
      // What the cache has is seldom something else by now: then the name is enough.
      descriptor = await this.#find(tag, known === undefined);
    } catch (error) {
      if (known === undefined || !isTemporary(error)) throw error;
      this.#onError(error);
      onEvent({ type: "stale", repository: this.#name, tag, descriptor: known });
      return known;
    }
    if (tagMaxAgeMs > 0) tags.set(key, Date.now());
    if (known?.digest === descriptor.digest) return descriptor;
    this.#newTag = tag;
    // Clients that only ask for the digest read by that next: the tag would never be known.
    if (!isRead) await this.#attempt(() => this.#manifest(descriptor));
    return descriptor;
  }

  /**
   * Finds a manifest by its digest: one that came through this repository, or was named by one that
   * did, else what the upstream has.
   *
   * @throws {NotFoundError} when the upstream has no such manifest.
   */
  async resolveManifest(digest: string, isRead: boolean): Promise<Descriptor> {
    const { shelves, cache } = this.#context;
    const held = await this.#attempt(() => shelves.manifest(this.#name, digest));
    if (held !== undefined) return held;
    // It may have come through another repository: that this one has it, the upstream has to say.
    const cached = await this.#attempt(() => cache.resolve(digest));
    if (cached === undefined) return await this.#find(digest, isRead);
    if (!await this.#upstream.exists(cached)) throw notThere(digest);
    this.#confirmed = digest;
    return cached;
  }

  /**
   * Finds a blob by its digest: one that a manifest names which came through this repository, else
   * what the upstream has.
   *
   * @throws {NotFoundError} when the upstream has no such blob, or cannot tell.
   */
  async resolveBlob(digest: string): Promise<Descriptor> {
    const { shelves } = this.#context;
    const held = await this.#attempt(() => shelves.blob(this.#name, digest));
    if (held !== undefined) return held;
    const found = await this.#upstream.resolveBlob?.(digest);
    if (found === undefined) throw notThere(digest);
    await this.#attempt(() => shelves.holdBlob(this.#name, found));
    return found;
  }

  /** Asks the upstream for a manifest, and for its bytes in the same request, if it is read next. */
  async #find(reference: string, isRead: boolean): Promise<Descriptor> {
    const upstream = this.#upstream;
    this.#named = isRead && upstream.fetchNamed !== undefined
      ? await upstream.fetchNamed(reference)
      : { descriptor: await upstream.resolve(reference) };
    const { descriptor } = this.#named;
    this.#confirmed = descriptor.digest;
    return descriptor;
  }

  async #exists(target: Descriptor): Promise<boolean> {
    return this.#confirmed === target.digest || await this.#isCached(target) ||
      await this.#upstream.exists(target);
  }

  async #isCached(target: Descriptor): Promise<boolean> {
    return await this.#attempt(() => this.#context.cache.exists(target)) ?? false;
  }

  /** Reads a manifest, from the cache where it has it, and keeps it there. */
  async #manifest(target: Descriptor): Promise<Bytes> {
    const { manifests } = this.#context;
    const key = `${this.#name}@${target.digest}`;
    const raw = await this.#attempt(() => this.#cachedBytes(target)) ??
      await manifests.run(key, () => this.#takeManifest(target));
    await this.#attempt(() => this.#note(target, raw));
    return raw;
  }

  /** Reads a manifest upstream, and puts it into the cache. */
  async #takeManifest(target: Descriptor): Promise<Bytes> {
    const named = this.#named;
    const isHere = named?.raw !== undefined && named.descriptor.digest === target.digest;
    const raw = isHere ? named.raw : await this.#readUpstream(target);
    // A signed manifest of schema 1 has another digest than its bytes: no store takes it.
    if (!isSchema1Type(target.mediaType)) {
      verifyBytes(raw, target);
      await this.#attempt(() => this.#context.cache.push(plain(target), raw));
    }
    return raw;
  }

  async #readUpstream(target: Descriptor): Promise<Bytes> {
    try {
      return await readAll(await this.#upstream.fetch(target), MANIFEST);
    } catch (error) {
      await this.#attempt(() => this.#forget(target, "manifest"));
      throw error;
    }
  }

  /** Notes what the repository holds by a manifest that was read, and its new name. */
  async #note(target: Descriptor, raw: Bytes): Promise<void> {
    const { shelves, names, cache } = this.#context;
    if (isSchema1Type(target.mediaType)) return;
    const entry = manifestEntry(target, parseManifest(raw, target.mediaType));
    await shelves.holdNamed(this.#name, entry);
    for (const reference of this.#lostNames) await cache.tag(plain(target), reference);
    if (this.#newTag === undefined) return;
    const name = { repository: this.#name, tag: this.#newTag };
    const [reference] = names.referencesOf(name);
    if (reference === undefined) return;
    await cache.tag(plain(target), reference);
    shelves.noteTag(name, plain(target));
  }

  async #blob(target: Descriptor, options: FetchOptions): Promise<ByteStream> {
    const { fills } = this.#context;
    const cached = await this.#attempt(() => this.#cachedBlob(target, options));
    if (cached !== undefined) return cached;
    // One fills the cache. Others do not wait for its client, who may be slow.
    const isFilled = options.range !== undefined || fills.has(target.digest);
    if (!isFilled) return await this.#fill(target);
    return through(await this.#openUpstream(target, options), {
      chunk: (chunk) => chunk,
      error: (error) => this.#noteBroken(error, target),
    });
  }

  /** Opens a blob upstream: it proves itself, unless it is a range. */
  async #openUpstream(target: Descriptor, options: FetchOptions = {}): Promise<ByteStream> {
    try {
      const stream = await this.#upstream.fetch(target, options);
      return options.range === undefined ? verified(stream, target) : stream;
    } catch (error) {
      await this.#attempt(() => this.#forget(target, "blob"));
      throw error;
    }
  }

  /** Tells that a body broke off, which the client sees too, but not why. */
  #noteBroken(error: unknown, target: Descriptor): void {
    this.#onError(error);
    this.#context.waitUntil(this.#attempt(() => this.#forget(target, "blob")));
  }

  async #cachedBlob(target: Descriptor, options: FetchOptions): Promise<ByteStream | undefined> {
    const { cache, waitUntil } = this.#context;
    if (target.size <= SMALL_BYTES && options.range === undefined) {
      const bytes = await this.#cachedBytes(target);
      return bytes && streamOf(bytes);
    }
    if (!await cache.exists(target)) return undefined;
    return through(await cache.fetch(target, options), {
      chunk: (chunk) => chunk,
      error: (error) => {
        this.#onError(error);
        waitUntil(this.#attempt(() => this.#dropDamaged(error, target)));
      },
    });
  }

  /** Reads content of the cache whole, so that what is damaged is found before it is an answer. */
  async #cachedBytes(target: Descriptor): Promise<Bytes | undefined> {
    const { cache } = this.#context;
    if (!await cache.exists(target)) return undefined;
    try {
      return await readAll(await cache.fetch(target), MANIFEST);
    } catch (error) {
      await this.#dropDamaged(error, target);
      throw error;
    }
  }

  async #fill(target: Descriptor): Promise<ByteStream> {
    const { cache, fills, waitUntil, onEvent } = this.#context;
    const { digest } = target;
    fills.add(digest);
    try {
      const { stream, stored } = fillWhileReading(
        await this.#openUpstream(target),
        (content) => cache.push(plain(target), content),
        (error, side) => {
          if (side === "source") this.#noteBroken(error, target);
          else this.#onError(error);
        },
      );
      waitUntil(stored.then((isStored) => {
        fills.delete(digest);
        if (isStored) {
          onEvent({ type: "stored", repository: this.#name, descriptor: plain(target) });
        }
      }));
      return stream;
    } catch (error) {
      fills.delete(digest);
      throw error;
    }
  }

  /** Removes what the cache has and cannot prove: nothing would take its place. */
  async #dropDamaged(error: unknown, target: Descriptor): Promise<void> {
    const { cache } = this.#context;
    const isDamaged = isLadingError(error) &&
      (error instanceof DigestMismatchError || error instanceof SizeMismatchError);
    if (!isDamaged || cache.delete === undefined) return;
    for await (const { reference, descriptor } of cache.roots?.() ?? []) {
      const isName = reference !== undefined && descriptor.digest === target.digest;
      if (isName) this.#lostNames.push(reference);
    }
    await cache.delete(plain(target));
  }

  /**
   * Forgets what is known of content that could not be read: a manifest may have named it with a size
   * that it has not, for all who ask for it here. The upstream is asked next time.
   */
  async #forget({ digest }: Descriptor, as: HeldAs): Promise<void> {
    if (as === "blob" && this.#upstream.resolveBlob === undefined) return;
    await this.#context.shelves.drop(this.#name, digest, as);
  }

  /** Does what the cache may fail at: the client is answered from the upstream all the same. */
  async #attempt<Value>(work: () => Promise<Value>): Promise<Value | undefined> {
    try {
      return await work();
    } catch (error) {
      const isAbsent = isLadingError(error) && error instanceof NotFoundError;
      if (!isAbsent) this.#onError(error);
      return undefined;
    }
  }
}

function notThere(digest: string): NotFoundError {
  return new NotFoundError(`Cannot find ${digest}: the upstream does not have it`);
}

/** A descriptor without what lists and manifests add. */
function plain({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}
