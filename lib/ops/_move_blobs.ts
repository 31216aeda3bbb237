import { mapConcurrent } from "../bytes/map_concurrent.ts";
import type { Descriptor } from "../model/descriptor.ts";

/**
 * Blobs up to this size have come whole before they are sent: one body is open for them at a time.
 * Configs are smaller, and so are layers that make a directory or change a file.
 */
const MAX_SMALL_BYTES = 64 * 1024;

/** Moves one blob; `read` is told that it has come from the source. */
type Move = (
  blob: Descriptor,
  index: number,
  signal: AbortSignal,
  read: () => void,
) => Promise<void>;

/**
 * Moves blobs, in their order, so that at most two bodies for each job are open: what comes, and what
 * goes. A Worker has six connections at a time, so that is what three jobs are. A small blob has one of
 * them, and so has one that has come and is being stored.
 *
 * @param blobs The blobs.
 * @param jobs How many that are not small move at the same time.
 * @param move Moves one.
 * @param signal Ends all of it. So does the first failure, as in {@linkcode mapConcurrent}.
 */
export async function moveBlobs(
  blobs: readonly Descriptor[],
  jobs: number,
  move: Move,
  signal: AbortSignal,
): Promise<void> {
  const most = 2 * jobs;
  const bodies = new Bodies(most);
  await mapConcurrent(blobs, most, async (blob, index, signal) => {
    let open = blob.size <= MAX_SMALL_BYTES ? 1 : 2;
    await bodies.take(open);
    const read = (): void => {
      if (open < 2) return;
      bodies.give(1);
      open = 1;
    };
    try {
      signal.throwIfAborted();
      await move(blob, index, signal, read);
    } finally {
      bodies.give(open);
    }
  }, { signal });
}

/** How many bodies may still be opened. Who comes first gets them first. */
class Bodies {
  readonly #waiting: { readonly count: number; readonly go: () => void }[] = [];
  #free: number;

  constructor(free: number) {
    this.#free = free;
  }

  async take(count: number): Promise<void> {
    await new Promise<void>((go) => {
      this.#waiting.push({ count, go });
      this.#admit();
    });
  }

  give(count: number): void {
    this.#free += count;
    this.#admit();
  }

  #admit(): void {
    for (;;) {
      const [next] = this.#waiting;
      if (next === undefined || next.count > this.#free) return;
      this.#free -= next.count;
      this.#waiting.shift();
      next.go();
    }
  }
}
