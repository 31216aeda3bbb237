import type { ByteStream } from "../model/bytes.ts";
import { passLineage } from "./lineage.ts";
import { through } from "./through.ts";
import { noteWork, turnOfOthers } from "./turns.ts";

/** What {@linkcode watched} tells. */
export interface WatchHandlers {
  /** Is told the length of each chunk that passes. */
  moved(bytes: number): void;
  /** Is told that all of it has passed. */
  end?(): void;
  /** Is told the error of the source before the consumer sees it. */
  error?(error: unknown): void;
}

/**
 * Hands a stream on as it is and tells what passes. What was proved of the stream stays proved:
 * {@linkcode verified} does not hash it again. Between stores in memory nothing ever waits: so that
 * timers and others can go on, this does from time to time.
 *
 * @param stream The stream; it is locked from now on.
 * @param handlers Who is told.
 * @returns The same bytes, or the same error.
 */
export function watched(stream: ByteStream, handlers: WatchHandlers): ByteStream {
  const { moved, end, error } = handlers;
  return passLineage(
    stream,
    through(stream, {
      chunk(chunk) {
        moved(chunk.byteLength);
        noteWork(chunk.byteLength);
        return turnOfOthers()?.then(() => chunk) ?? chunk;
      },
      ...(end === undefined ? {} : { end }),
      ...(error === undefined ? {} : { error }),
    }),
  );
}
