import type { Bytes, ByteSource, ByteStream } from "./bytes.ts";
import type { Descriptor } from "./descriptor.ts";

/** Options of every call that may take time. */
export interface CallOptions {
  /** Aborts the call; the promise rejects with `signal.reason`, unchanged. */
  readonly signal?: AbortSignal | undefined;
}

/** A range of bytes, both ends included, counted from 0 (RFC 9110 §14.1.2). */
export interface ByteRange {
  /** The first byte. */
  readonly start: number;
  /** The last byte; absent means the end of the content. */
  readonly end?: number | undefined;
}

/** Options of {@linkcode ContentSource.fetch}. */
export interface FetchOptions extends CallOptions {
  /** Fetches only these bytes. A range is checked for its length; its digest cannot be checked. */
  readonly range?: ByteRange | undefined;
}

/** Options of {@linkcode ContentSource.exists}. */
export interface ExistsOptions extends CallOptions {
  /**
   * Says that a manifest which names the content is stored next: where garbage is collected, content
   * that is there then is not garbage. Default `false`.
   */
  readonly isNamedNext?: boolean | undefined;
}

/** Options of {@linkcode Referrers.referrers}. */
export interface ReferrersOptions extends CallOptions {
  /** Yields only referrers of this type. */
  readonly artifactType?: string | undefined;
}

/** The read side of content-addressed storage. */
export interface ContentSource {
  /** Tells whether the content is there. */
  exists(target: Descriptor, options?: ExistsOptions): Promise<boolean>;
  /**
   * Opens the content as a stream that errors instead of closing when size or digest do not match.
   * Cancelling the stream frees what it holds.
   *
   * @throws {NotFoundError} when the content is not there.
   */
  fetch(target: Descriptor, options?: FetchOptions): Promise<ByteStream>;
}

/** Content-addressed storage that can be written. */
export interface ContentStore extends ContentSource {
  /**
   * Stores content under its descriptor. Nothing becomes visible before size and digest are
   * proved; storing what is there already succeeds.
   *
   * @throws {DigestMismatchError} when the content has another digest.
   * @throws {SizeMismatchError} when the content has another size.
   */
  push(expected: Descriptor, content: ByteSource, options?: CallOptions): Promise<void>;
}

/** Options of {@linkcode Resolver.resolve}. */
export interface ResolveOptions extends CallOptions {
  /**
   * Whether a registry may be sent a GET when the header of a manifest alone does not tell its digest,
   * or why it is not there. Default `true`, but for the digest on Docker Hub, where each manifest that
   * is read counts against the quota of pulls.
   */
  readonly allowGet?: boolean | undefined;
  /**
   * Says that content is pushed next: a registry is asked for the right to do so along with the one to
   * read, in one token. Default `false`.
   */
  readonly isPushedNext?: boolean | undefined;
}

/** Finds the descriptor behind a name. */
export interface Resolver {
  /**
   * Finds the descriptor of a manifest by tag or digest.
   *
   * @throws {NotFoundError} when there is no such reference.
   */
  resolve(reference: string, options?: ResolveOptions): Promise<Descriptor>;
}

/** Gives names to manifests. */
export interface Tagger {
  /**
   * Makes `reference` point at the manifest. A digest as the reference records the manifest as
   * an unnamed root.
   */
  tag(target: Descriptor, reference: string, options?: CallOptions): Promise<void>;
}

/** A place that images can be read from. */
export type Source = ContentSource & Resolver;

/** A place that images can be read from and written to. */
export type Target = ContentStore & Resolver & Tagger;

/** Options of {@linkcode Mounter.mount}. */
export interface MountOptions extends CallOptions {
  /**
   * Promises that content that is not taken over is pushed next, to the same object: the upload that a
   * registry opens in place of the mount is kept for that. Default `false`: it is given back.
   */
  readonly isPushedNext?: boolean | undefined;
}

/** An optional power: takes content over from another repository of the same registry. */
export interface Mounter {
  /** Tries to mount content; `false` means that it has to be pushed. */
  mount(target: Descriptor, from: string, options?: MountOptions): Promise<boolean>;
}

/** A repository of a registry. */
export interface RepositoryName {
  /** The registry: `docker.io`. */
  readonly registry: string;
  /** The repository's name in the registry: `library/alpine`. */
  readonly name: string;
}

/** An optional power: tells where content is, for another repository of the registry to mount it. */
export interface Locator {
  /** Tells which repository of a registry content is in; `undefined` where it is in none. */
  locate(target: Descriptor, options?: CallOptions): Promise<RepositoryName | undefined>;
}

/** An optional power: finds out how large a blob is, of which only the digest is known. */
export interface BlobResolver {
  /**
   * Finds the descriptor of a blob.
   *
   * @throws {NotFoundError} when there is no such blob.
   */
  resolveBlob(digest: string, options?: CallOptions): Promise<Descriptor>;
}

/** What a name stands for. */
export interface NamedContent {
  /** The descriptor of the manifest. */
  readonly descriptor: Descriptor;
  /** Its bytes, proved, where they came along. */
  readonly raw?: Bytes | undefined;
}

/** An optional power: finds the descriptor behind a name and reads the manifest in one request. */
export interface NamedFetcher {
  /**
   * Finds a manifest by tag or digest, for somebody who reads it next. Where reading is dearer than
   * asking, the bytes are left out.
   *
   * @throws {NotFoundError} when there is no such reference.
   */
  fetchNamed(reference: string, options?: CallOptions): Promise<NamedContent>;
}

/** An optional power: stores a manifest and gives it a name in one request. */
export interface NamedPusher {
  /**
   * Stores a manifest under its descriptor, and makes `reference` point at it.
   *
   * @throws {DigestMismatchError} when the content has another digest.
   * @throws {SizeMismatchError} when the content has another size.
   */
  pushNamed(
    expected: Descriptor,
    content: ByteSource,
    reference: string,
    options?: CallOptions,
  ): Promise<void>;
}

/** Content on its way into a place: what it is, is known at its end. Nothing of it is visible before. */
export interface ContentUpload {
  /** Takes more content, from where the last one ended. */
  append(content: ByteSource, options?: CallOptions): Promise<void>;
  /** Stores what was taken, and tells what it is; the media type is up to the caller. */
  finish(options?: CallOptions): Promise<Descriptor>;
  /** Gives it up; it never fails. */
  cancel(): Promise<void>;
}

/** An optional power: takes content whose descriptor is not known yet. */
export interface Uploader {
  /** Starts an upload, which has to be finished or cancelled. */
  startUpload(options?: CallOptions): Promise<ContentUpload>;
}

/** An optional power: lists the manifests whose `subject` is a given manifest. */
export interface Referrers {
  /** Lists the referrers of a subject. */
  referrers(subject: Descriptor, options?: ReferrersOptions): AsyncIterable<Descriptor>;
}

/** A root of a store: a manifest that was named, or pushed by its digest alone. */
export interface Root {
  /** The manifest. */
  readonly descriptor: Descriptor;
  /** The name it has; absent for a root known by its digest alone. */
  readonly reference?: string | undefined;
}

/** An optional power: lists what a store holds. */
export interface Roots {
  /** Lists every root, named ones and unnamed ones. */
  roots(options?: CallOptions): AsyncIterable<Root>;
}

/** An optional power: lists the tags of a repository. */
export interface Tags {
  /** Lists every tag once. */
  tags(options?: CallOptions): AsyncIterable<string>;
}

/** An optional power: removes content and names. */
export interface Deleter {
  /** Removes content, and every name that points at it; absent content is no error. */
  delete(target: Descriptor, options?: CallOptions): Promise<void>;
  /**
   * Removes a name and keeps the content.
   *
   * @throws {NotFoundError} when there is no such name.
   */
  untag(reference: string, options?: CallOptions): Promise<void>;
}
