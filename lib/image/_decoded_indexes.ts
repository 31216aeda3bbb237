import type { Checkpoints } from "../compress/checkpoint.ts";
import { indexOf } from "./_indexed_layer.ts";
import type { Layer } from "./layer.ts";
import type { LayerIndexes } from "./layer_indexes.ts";

/**
 * The most bytes of histories that are kept: 1024 checkpoints, as many as lading sets in one layer.
 * That is 4 GiB of layers where they are 4 MiB apart.
 */
const MAX_KEPT_BYTES: number = 32 * 1024 * 1024;

/** What opening a file takes from the index of its layer. */
export interface DecodedIndex {
  /** The places where the layer can be inflated from; none when it is no gzip. */
  readonly checkpoints: Checkpoints | undefined;
}

interface Kept {
  readonly indexes: LayerIndexes;
  readonly decoded: Promise<DecodedIndex | undefined>;
  /** What it takes; 0 before it is decoded. */
  bytes: number;
}

/**
 * Indexes of the layers of one tree that were decoded already: proving and decoding one takes
 * milliseconds, a small file much less. When there are more than 32 MiB of them, what was not used
 * for longest makes room, and one that is larger by itself is not kept.
 */
export class DecodedIndexes {
  /** What was not used for longest comes first. */
  readonly #kept = new Map<Layer, Kept>();
  #total = 0;

  /** Gives the index that is kept of a layer; whoever asks meanwhile waits for the same. */
  of(layer: Layer, indexes: LayerIndexes): Promise<DecodedIndex | undefined> {
    const before = this.#drop(layer);
    const kept = before?.indexes === indexes ? before : this.#decode(layer, indexes);
    this.#kept.set(layer, kept);
    this.#total += kept.bytes;
    return kept.decoded;
  }

  #decode(layer: Layer, indexes: LayerIndexes): Kept {
    const kept: Kept = { indexes, decoded: decoded(layer, indexes), bytes: 0 };
    kept.decoded.then(
      (index) => this.#account(layer, kept, index),
      () => this.#forget(layer, kept),
    );
    return kept;
  }

  #account(layer: Layer, kept: Kept, index: DecodedIndex | undefined): void {
    // What is not there yet may be there the next time.
    if (index === undefined) return this.#forget(layer, kept);
    const bytes = bytesOf(index);
    if (bytes > MAX_KEPT_BYTES) return this.#forget(layer, kept);
    if (this.#kept.get(layer) !== kept) return;
    kept.bytes = bytes;
    this.#total += kept.bytes;
    for (const oldest of this.#kept.keys()) {
      if (this.#total <= MAX_KEPT_BYTES) break;
      this.#drop(oldest);
    }
  }

  #forget(layer: Layer, kept: Kept): void {
    if (this.#kept.get(layer) === kept) this.#drop(layer);
  }

  #drop(layer: Layer): Kept | undefined {
    const kept = this.#kept.get(layer);
    this.#total -= kept?.bytes ?? 0;
    this.#kept.delete(layer);
    return kept;
  }
}

async function decoded(layer: Layer, indexes: LayerIndexes): Promise<DecodedIndex | undefined> {
  const index = await indexOf(layer, indexes);
  // The rest of the index, its entries above all, is not held.
  return index && { checkpoints: index.checkpoints() };
}

function bytesOf({ checkpoints }: DecodedIndex): number {
  return checkpoints?.points.reduce((sum, { history }) => sum + history.byteLength, 0) ?? 0;
}
