import type { Bytes, ByteStream } from "../model/bytes.ts";
import { chunksOf, streamOfChunks } from "./chunks.ts";
import { freeChunk, ownsChunks } from "./lineage.ts";
import { noteWork, turnOfOthers } from "./turns.ts";

/** The longest piece of a chunk: what is done with one cannot be interrupted. */
const PIECE_BYTES: number = 256 * 1024;

/**
 * Gives bytes piece by piece to one consumer, at once where it has them: a stream costs a promise
 * for each piece, and its pieces have to be copied because anybody may keep them.
 */
export interface Feed {
  /** Whether a piece is a view of memory that the next call overwrites; known after the first. */
  readonly lends: boolean;
  /**
   * Gives the next piece, `undefined` at the end and from then on. It is to be read, not written, and
   * may change with the next call; calls do not overlap.
   */
  next(): Bytes | undefined | Promise<Bytes | undefined>;
  /** Stops before the end: the source is cancelled. */
  cancel(reason?: unknown): Promise<void>;
}

/** What {@linkcode tapped} does with the pieces that pass. */
export interface TapHandlers {
  /**
   * Sees each piece before the consumer does, who waits for the promise, if any; an error takes its
   * place, and cancels the source.
   */
  piece(piece: Bytes): void | Promise<void>;
  /** Sees the end before the consumer does; an error takes its place. */
  end?(): void | Promise<void>;
}

/**
 * Reads a stream as a feed. Streams in memory never wait: so that timers and others can go on, this
 * does from time to time.
 *
 * @param stream The stream; it is locked from now on.
 * @returns Its chunks, long ones in pieces of 256 KiB.
 */
export function feedOf(stream: ByteStream): Feed {
  // Chunks that nobody else holds are freed once the next one is asked for.
  const isOwner = ownsChunks(stream);
  const chunks = chunksOf(stream);
  let isEnded = false;
  let last: Bytes | undefined;
  /** Bytes of the last chunk that were given. */
  let given = 0;
  const piece = (chunk: Bytes): Bytes => {
    const part = chunk.byteLength <= PIECE_BYTES
      ? chunk
      : chunk.subarray(given, given + PIECE_BYTES);
    given += part.byteLength;
    noteWork(part.byteLength);
    return part;
  };
  return {
    lends: isOwner,
    async next() {
      const others = turnOfOthers();
      if (others !== undefined) await others;
      if (isEnded) return undefined;
      if (last !== undefined && given < last.byteLength) return piece(last);
      if (isOwner && last !== undefined) freeChunk(last);
      last = undefined;
      given = 0;
      last = await chunks.next();
      if (last !== undefined) return piece(last);
      isEnded = true;
      return undefined;
    },
    async cancel(reason) {
      if (isEnded) return;
      isEnded = true;
      await chunks.cancel(reason);
    },
  };
}

/**
 * Makes a stream of a feed, driven by the reads of its consumer. What is lent is copied.
 *
 * @param feed The feed; nobody else may read it from now on.
 * @returns The stream.
 */
export function streamOfFeed(feed: Feed): ByteStream {
  return streamOfChunks({
    async next() {
      const piece = await feed.next();
      return feed.lends ? piece?.slice() : piece;
    },
    cancel: (reason) => feed.cancel(reason),
  });
}

/**
 * Looks at what a feed gives.
 *
 * @param source The feed; nobody else may read it from now on.
 * @param handlers Who looks.
 * @returns The same pieces.
 */
export function tapped(source: Feed, handlers: TapHandlers): Feed {
  const fail = (error: unknown): never => {
    source.cancel(error).catch(() => {});
    throw error;
  };
  const see = (piece: Bytes | undefined): Bytes | undefined | Promise<Bytes | undefined> => {
    try {
      const seen = piece === undefined ? handlers.end?.() : handlers.piece(piece);
      return seen instanceof Promise ? seen.then(() => piece, fail) : piece;
    } catch (error) {
      return fail(error);
    }
  };
  return {
    get lends() {
      return source.lends;
    },
    next() {
      const next = source.next();
      return next instanceof Promise ? next.then(see) : see(next);
    },
    cancel: (reason) => source.cancel(reason),
  };
}
