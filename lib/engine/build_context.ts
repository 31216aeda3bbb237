import type { Bytes, ByteSource } from "../model/bytes.ts";
import type { TarInput } from "../tar/writer.ts";
import type { ArchiveBody } from "./archive_input.ts";
import type { BuildFiles } from "./build_files.ts";

/** A directory of files. */
export interface DirectoryContext {
  /** Its path. */
  readonly directory: string;
  /** The files that it is of; default those of the machine. */
  readonly files?: BuildFiles | undefined;
}

/** An entry of a context, as a tar writer takes it. */
export interface ContextEntry extends Omit<TarInput, "body"> {
  /** The content of a file; a text is UTF-8, a stream or a function needs `size`. */
  readonly body?: ByteSource | string | undefined;
}

/** Entries that were put together by a program; they are sent as they are, in their order. */
export interface EntriesContext {
  /** The entries. */
  readonly entries: Iterable<ContextEntry> | AsyncIterable<ContextEntry>;
}

/** What the engine downloads or clones itself. */
export interface RemoteContext {
  /**
   * A URL of an archive or of a Dockerfile, or a git repository with an optional
   * `#branch:directory`.
   */
  readonly remote: string;
}

/** A Dockerfile and no other file, for builds that copy nothing. */
export interface DockerfileContext {
  /** Its content. */
  readonly dockerfile: string | Bytes;
}

/**
 * What an image is built from. A text is a directory, or what the engine fetches itself when it
 * begins with `http://`, `https://`, `git://`, `git@` or `github.com/` (and there is no such
 * directory). Archives, also compressed with gzip, bzip2 or xz, are sent as they are.
 */
export type BuildContext =
  | string
  | DirectoryContext
  | EntriesContext
  | RemoteContext
  | DockerfileContext
  | ArchiveBody;

/** A Dockerfile that is no file of the context. */
export interface DockerfileText {
  /** Its content. */
  readonly content: string | Bytes;
}

/** How a context is packed. */
export interface PackOptions {
  /**
   * The Dockerfile: a path below the context, or one that leads out of it, or its content; default
   * `Dockerfile`, or `dockerfile` where there is none.
   */
  readonly dockerfile?: string | DockerfileText | undefined;
  /** Patterns in place of those of `.dockerignore`; for directories. */
  readonly ignore?: readonly string[] | undefined;
  /**
   * Who the files of a directory belong to: `"root"`, as the docker command sends them, so that
   * caches are the same on every machine, or `"keep"`. Default `"root"`.
   */
  readonly owner?: "root" | "keep" | undefined;
  /**
   * The modification time of the files of a directory, in seconds since 1970, which makes the
   * context the same each time; `"keep"` sends their own. Default `"keep"`.
   */
  readonly mtime?: number | Date | "keep" | undefined;
  /** Compresses the context with gzip; an archive stays as it is. */
  readonly gzip?: boolean | undefined;
}
