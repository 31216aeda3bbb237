/**
 * Iterates over the chunks of a stream, in every runtime: some browsers cannot iterate a stream.
 * Leaving the loop early, by `break` or by an error, cancels the stream.
 *
 * @param stream The stream; it is locked until the loop ends.
 * @returns The chunks in order.
 */
export async function* iterate<Chunk>(
  stream: ReadableStream<Chunk>,
): AsyncGenerator<Chunk, void, undefined> {
  const reader = stream.getReader();
  let ended = false;
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((error) => {
        ended = true;
        throw error;
      });
      if (done) {
        ended = true;
        return;
      }
      yield value;
    }
  } finally {
    if (!ended) await reader.cancel().catch(() => {});
    reader.releaseLock();
  }
}
