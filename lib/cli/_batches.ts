import type { Bytes } from "../model/bytes.ts";

/** A write costs more than to copy some bytes: pipes of Linux hold as many as these. */
export const BATCH_BYTES: number = 64 * 1024;

/**
 * Joins chunks up to {@linkcode BATCH_BYTES}; longer ones are given as they are. What came before the
 * end is given at the end, also when that is an error.
 *
 * @param chunks The chunks.
 * @param done Is told of each chunk when nobody needs it any more.
 * @returns The batches; each is lent until the next one is asked for.
 */
export async function* inBatches(
  chunks: AsyncIterable<Bytes>,
  done: (chunk: Bytes) => void,
): AsyncGenerator<Bytes, void, undefined> {
  const batch = new Uint8Array(BATCH_BYTES);
  let filled = 0;
  const taken = (): Bytes => {
    const bytes = batch.subarray(0, filled);
    filled = 0;
    return bytes;
  };
  try {
    for await (const chunk of chunks) {
      if (filled > 0 && filled + chunk.length > BATCH_BYTES) yield taken();
      if (chunk.length >= BATCH_BYTES) yield chunk;
      else {
        batch.set(chunk, filled);
        filled += chunk.length;
      }
      done(chunk);
    }
  } catch (error) {
    if (filled > 0) yield taken();
    throw error;
  }
  if (filled > 0) yield taken();
}
