/** What the two sides of a thread say to each other; buffers are moved, never copied. */
import type { ArchiveSummary, ArchiveTask } from "../compress/archive_task.ts";
import type { HashAlgorithm } from "../hash/hasher.ts";
import type { Bytes } from "../model/bytes.ts";
import {
  CorruptStreamError,
  LadingError,
  LimitExceededError,
  UnsupportedMediaTypeError,
} from "../model/errors.ts";

/** How many stored chunks are on their way to a thread, or wait in it. */
export const MAX_CHUNKS_AHEAD = 4;

/** The longest stored chunk that is copied for a thread; chunks that are moved are as they came. */
export const MAX_COPIED_BYTES: number = 256 * 1024;

/** How many buffers with uncompressed bytes a thread has; it waits for one to come back. */
export const THREAD_BUFFERS = 4;

/** The bytes of such a buffer: four pieces of the kernel, so that messages are few. */
export const THREAD_BUFFER_BYTES: number = 512 * 1024;

/** What a thread is told. */
export type ToThread =
  /** Begin a layer; the one before has ended. */
  | {
    readonly type: "read";
    readonly task: ArchiveTask;
    readonly module: WebAssembly.Module | undefined;
  }
  /** Begin to hash content; what was before has ended. */
  | { readonly type: "hash"; readonly algorithm: HashAlgorithm }
  /**
   * The next bytes; `stored` is what they count, once for a chunk that was cut. What is lent goes
   * back. Views would be slow: Deno looks at each of their elements.
   */
  | {
    readonly type: "chunk";
    readonly buffer: ArrayBuffer;
    readonly length: number;
    readonly stored: number;
    readonly isLent: boolean;
  }
  /** There are no more stored bytes. */
  | { readonly type: "end" }
  /** The source has failed: what came before it counts. */
  | { readonly type: "break" }
  /** A buffer is free again. */
  | { readonly type: "buffer"; readonly buffer: ArrayBuffer };

/** One piece of the uncompressed layer, and the stored bytes that were taken for it. */
export interface ThreadPiece {
  readonly length: number;
  readonly stored: number;
}

/** How it has ended in a thread. */
export type ThreadEnd =
  | { readonly type: "done"; readonly summary: ArchiveSummary }
  | { readonly type: "hashed"; readonly hash: Bytes }
  | { readonly type: "failed"; readonly failure: ThreadFailure }
  /** It has come to where the source had failed. */
  | { readonly type: "broken" };

/** What a thread says. */
export type FromThread =
  /** It listens. */
  | { readonly type: "ready" }
  /** A chunk was used up; its buffer when it was lent. */
  | { readonly type: "used"; readonly buffer?: ArrayBuffer }
  /** The next uncompressed bytes, one piece behind the other. */
  | {
    readonly type: "pieces";
    readonly buffer: ArrayBuffer;
    readonly pieces: readonly ThreadPiece[];
  }
  /** The layer has ended; `stored` is what was taken since the last piece. */
  | { readonly type: "end"; readonly stored: number; readonly end: ThreadEnd };

/** An error on its way: clones of errors keep nothing but their message. */
export type ThreadFailure =
  | {
    readonly type: "corrupt-stream";
    readonly message: string;
    readonly offset: number | undefined;
    readonly cause: unknown;
  }
  | {
    readonly type: "limit-exceeded";
    readonly message: string;
    readonly limit: number;
    readonly unit: string;
  }
  | {
    readonly type: "unsupported-media-type";
    readonly message: string;
    readonly mediaType: string;
  }
  | { readonly type: "other"; readonly error: unknown };

/** Takes an error apart. */
export function failureOf(error: unknown): ThreadFailure {
  if (error instanceof CorruptStreamError) {
    const { message, offset, cause } = error;
    return { type: "corrupt-stream", message, offset, cause };
  }
  if (error instanceof LimitExceededError) {
    const { message, limit, unit } = error;
    return { type: "limit-exceeded", message, limit, unit };
  }
  if (error instanceof UnsupportedMediaTypeError) {
    const { message, mediaType } = error;
    return { type: "unsupported-media-type", message, mediaType };
  }
  return { type: "other", error };
}

/** Puts an error together again. */
export function errorOf(failure: ThreadFailure): unknown {
  switch (failure.type) {
    case "corrupt-stream": {
      const { message, offset, cause } = failure;
      return new CorruptStreamError(message, {
        cause,
        ...(offset === undefined ? {} : { offset }),
      });
    }
    case "limit-exceeded":
      return new LimitExceededError(failure.message, failure);
    case "unsupported-media-type":
      return new UnsupportedMediaTypeError(failure.message, failure);
    default:
      return failure.error;
  }
}

/** Makes the error of what a thread does not get done because it has died. */
export function threadDied(cause: unknown): LadingError {
  return new LadingError("THREAD_FAILED", "Cannot go on: the thread that did it has died", {
    cause,
  });
}
