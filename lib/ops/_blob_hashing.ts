import { hashWith } from "../bytes/lineage.ts";
import type { LayerThread, LayerThreads } from "../compress/layer_threads.ts";
import type { ByteStream } from "../model/bytes.ts";
import type { Descriptor } from "../model/descriptor.ts";

/** Has the proof of a blob that moves worked out in a thread, where there is one to take. */
export class BlobHashing {
  readonly #threads: LayerThreads | undefined;
  #thread: LayerThread | undefined;

  constructor(threads: LayerThreads | undefined) {
    this.#threads = threads;
  }

  /** Begins with a stream that proves itself; the one before has ended. */
  async begin(stream: ByteStream, { size }: Descriptor): Promise<void> {
    this.end();
    if (this.#threads === undefined || size < this.#threads.minBytes) return;
    const thread = await this.#threads.take(size);
    if (thread === undefined) return;
    this.#thread = thread;
    if (!hashWith(stream, (algorithm) => thread.hasher(algorithm))) this.end();
  }

  /** Gives the thread back. */
  end(): void {
    this.#thread?.leave();
    this.#thread = undefined;
  }
}
