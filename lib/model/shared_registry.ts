import type { Bytes, ByteSource } from "./bytes.ts";
import type { CallOptions } from "./content.ts";
import type { Descriptor } from "./descriptor.ts";

/** What a repository holds content as: one digest can be both. */
export type HeldAs = "manifest" | "blob";

/** Which repository holds what. The content itself is shared by all of them. */
export interface SharedRepositories {
  /** Notes that a repository holds content. */
  hold(
    repository: string,
    content: Descriptor,
    as: HeldAs,
    options?: CallOptions,
  ): Promise<void>;
  /** Finds what a repository holds under a digest. */
  held(
    repository: string,
    digest: string,
    as: HeldAs,
    options?: CallOptions,
  ): Promise<Descriptor | undefined>;
  /** Notes that a repository does not hold content any more. */
  release(repository: string, digest: string, as: HeldAs, options?: CallOptions): Promise<void>;
  /** Lists the repositories that hold something under a digest, each once. */
  holders(digest: string, options?: CallOptions): AsyncIterable<string>;
  /** Finds what has exactly this name, in no other spelling. */
  named(reference: string, options?: CallOptions): Promise<Descriptor | undefined>;
  /**
   * Makes a name stand for `to` if it still stands for the digest `from`, or, without one, for
   * nothing. Nobody can come in between.
   *
   * @returns `false` when it stands for something else.
   */
  retag(
    reference: string,
    from: string | undefined,
    to: Descriptor,
    options?: CallOptions,
  ): Promise<boolean>;
}

/** An upload that is kept where every handler finds it. One method is called at a time. */
export interface SharedUpload {
  /** How many bytes were appended, by anyone. */
  readonly size: number;
  /** `false` once somebody else was found to have appended at the same place: nothing fits here then. */
  readonly isAlone: boolean;
  /**
   * Appends bytes, which stay as they are until the promise is fulfilled.
   *
   * @throws {LimitExceededError} when the upload takes no more.
   */
  append(chunk: Bytes): Promise<void>;
  /**
   * Ends a run of appends: others find what was appended from now on.
   *
   * @returns `false` when somebody else has appended at the same place.
   */
  flush(): Promise<boolean>;
  /** Gives everything that was appended, as a source that can be opened more than once. */
  source(): Promise<ByteSource>;
  /** Frees what is held. */
  remove(): Promise<void>;
}

/** Uploads that are kept where every handler finds them. */
export interface SharedUploads {
  /** Begins an upload. */
  begin(repository: string, id: string): Promise<SharedUpload>;
  /** Finds an upload of a repository, whoever began it. */
  find(repository: string, id: string): Promise<SharedUpload | undefined>;
}

/**
 * An optional power: keeps what a registry has to know beside content and names, so that any number
 * of handlers, in isolates that come and go, are one registry.
 */
export interface SharedRegistry {
  /** Which repository holds what. */
  readonly repositories: SharedRepositories;
  /** The uploads that are under way. */
  readonly uploads: SharedUploads;
}
