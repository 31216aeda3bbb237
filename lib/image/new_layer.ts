import type { Layer } from "./layer.ts";

/** A layer that was made here. It is read from what it was made from, or from its spool. */
export interface NewLayer extends Layer {
  /**
   * Frees what a spool holds. The layer cannot be read any more when it had one; without a spool
   * nothing happens.
   */
  close(): Promise<void>;
}
