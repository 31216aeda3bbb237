import type { HasherFactory } from "../hash/hasher.ts";

/** Options of {@linkcode ociLayout}. */
export interface OCILayoutOptions {
  /** Makes the hasher that proves what is read and written. */
  readonly hasher?: HasherFactory | undefined;
  /**
   * A word about this process that temporary files carry in their names, such as its id: up to 32
   * letters and digits. Default `lading`.
   */
  readonly owner?: string | undefined;
  /**
   * Follows symbolic links where a file of the layout is one, as some build tools make them. Off
   * by default: in a directory that others write to, a link can lead to any file.
   */
  readonly followLinks?: boolean | undefined;
  /**
   * Waits until what is written is on the medium, so that it survives a power loss; `true` by
   * default. Without it the layout is still consistent after the end of the process.
   */
  readonly isDurable?: boolean | undefined;
  /**
   * How long the lock around `index.json` must show no sign of life until it is taken from its
   * holder, in milliseconds; 10 seconds by default. A holder that was alive starts again: too
   * short a time costs work, never an update.
   */
  readonly lockStaleAfterMs?: number | undefined;
}
