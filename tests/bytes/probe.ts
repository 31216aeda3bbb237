import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";

/** A stream that records what is done to it. */
export interface Probe {
  readonly stream: ByteStream;
  /** How often a chunk was asked for. */
  pulls: number;
  /** The reasons it was cancelled with. */
  readonly cancels: unknown[];
}

/** Makes a stream of chunks that then ends, stalls or errors, and records pulls and cancels. */
export function probe(
  chunks: Iterable<Bytes>,
  after: { readonly stall?: boolean; readonly error?: unknown } = {},
): Probe {
  const iterator = chunks[Symbol.iterator]();
  const result: Probe = {
    pulls: 0,
    cancels: [],
    stream: new ReadableStream<Bytes>({
      async pull(controller) {
        const { done, value } = iterator.next();
        if (!done) {
          result.pulls++;
          return controller.enqueue(value);
        }
        if (after.error !== undefined) throw after.error;
        if (after.stall) return await new Promise(() => {});
        controller.close();
      },
      cancel(reason) {
        result.cancels.push(reason);
      },
    }, { highWaterMark: 0 }),
  };
  return result;
}
