import { chunksOf, streamOfChunks } from "../bytes/chunks.ts";
import { noteOwnedChunks, passLineage } from "../bytes/lineage.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";

/** A blob on its way to a client and into a store. */
export interface BlobFill {
  /** The bytes for the client. */
  readonly stream: ByteStream;
  /** Whether the store has taken all of it; never rejects. */
  readonly stored: Promise<boolean>;
}

/**
 * Hands a stream on while a store takes the same bytes, in lock step: memory is one chunk for each of
 * both. The slower of them sets the pace, but a store that fails is left behind. The end is handed on
 * once the store has got all. A client that stops reading leaves the rest to the store: it is read to
 * the end, unless the store has failed too.
 *
 * @param source What the blob is read from; it errors unless it proves itself.
 * @param store Takes the blob; what it is given errors with the source, so that it keeps nothing.
 * @param onError Is told what failed, and of which of both.
 * @returns The stream, and what came of the store.
 */
export function fillWhileReading(
  source: ByteStream,
  store: (content: ByteStream) => Promise<void>,
  onError: (error: unknown, side: "source" | "store") => void,
): BlobFill {
  const copies = new Handover();
  const content = streamOfChunks({
    next: () => copies.take(),
    cancel: () => Promise.resolve(copies.leave()),
  });
  // It carries what the source carries, or errors: who takes it need not hash it again.
  noteOwnedChunks(passLineage(source, content));
  const chunks = chunksOf(source);
  let hasFailed = false;
  const stored = store(content).then(() => true, (error) => {
    if (!hasFailed) onError(error, "store");
    return false;
  }).finally(() => copies.leave());

  const read = async (): Promise<Bytes | undefined> => {
    try {
      const chunk = await chunks.next();
      // The client may do with its chunk what it likes, before the store has written it too.
      if (chunk === undefined || chunk.byteLength > 0) await copies.give(chunk?.slice());
      if (chunk === undefined) await stored;
      return chunk;
    } catch (error) {
      hasFailed = true;
      onError(error, "source");
      copies.fail(error);
      await stored;
      throw error;
    }
  };
  let reading: Promise<Bytes | undefined> = Promise.resolve(undefined);
  let isOver = false;
  const next = (): Promise<Bytes | undefined> => {
    reading = read();
    reading.then((chunk) => isOver = chunk === undefined, () => isOver = true);
    return reading;
  };
  const finish = async (reason: unknown): Promise<void> => {
    await reading.catch(() => {});
    while (!isOver && !copies.isLeft) await next().catch(() => {});
    if (!isOver) await chunks.cancel(reason).catch(() => {});
  };
  const stream = streamOfChunks({
    next,
    cancel(reason) {
      void finish(reason);
      return Promise.resolve();
    },
  });
  return { stream, stored };
}

/** Hands chunks from one to another, who asks for each. */
class Handover {
  #take: Deferred<Bytes | undefined> | undefined;
  #asked: Deferred<void> = deferred();
  #failure: { readonly error: unknown } | undefined;
  #isOver = false;
  isLeft = false;

  /** Asks for the next chunk. */
  take(): Promise<Bytes | undefined> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error);
    if (this.#isOver) return Promise.resolve(undefined);
    this.#take = deferred();
    this.#asked.resolve();
    return this.#take.promise;
  }

  /** Gives a chunk, or `undefined` for the end, once it is asked for, or to nobody. */
  async give(chunk: Bytes | undefined): Promise<void> {
    await this.#asked.promise;
    this.#asked = deferred();
    if (this.isLeft) return this.#asked.resolve();
    if (chunk === undefined) this.#isOver = true;
    this.#take?.resolve(chunk);
  }

  /** Gives an error to who asks, now or next. */
  fail(error: unknown): void {
    this.#failure = { error };
    this.#take?.reject(error);
  }

  /** Says that nobody asks any more. */
  leave(): void {
    this.isLeft = true;
    this.#asked.resolve();
  }
}

interface Deferred<Value> {
  readonly promise: Promise<Value>;
  resolve(value: Value): void;
  reject(error: unknown): void;
}

/** `Promise.withResolvers`, which Node 20 does not have. */
function deferred<Value>(): Deferred<Value> {
  let resolve: (value: Value) => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<Value>((fulfil, refuse) => {
    resolve = fulfil;
    reject = refuse;
  });
  promise.catch(() => {});
  return { promise, resolve, reject };
}
