import type { HasherFactory } from "../hash/hasher.ts";
import type { CallOptions, Roots, Target, Uploader } from "../model/content.ts";

/** Options of {@linkcode imageDirectoryTarget}. */
export interface ImageDirectoryTargetOptions {
  /** Makes the hasher that proves what is written. */
  readonly hasher?: HasherFactory | undefined;
  /** Waits until files are on the medium, so that they survive a power loss; default `true`. */
  readonly isDurable?: boolean | undefined;
}

/**
 * The directory of an image that is being written: a {@linkcode Target} until it is closed. Leaving an
 * `await using` block without closing it gives up.
 */
export interface ImageDirectoryTarget extends Target, Roots, Uploader, AsyncDisposable {
  /**
   * Makes what was tagged the image of the directory, in place of the one that is there. When nothing
   * was tagged, what was pushed is removed. When it fails, it can be tried again.
   *
   * @param options A signal.
   * @throws {LadingError} (`UNSUPPORTED_PLACE`) when several images were tagged.
   */
  close(options?: CallOptions): Promise<void>;
  /**
   * Gives up: ends the pushes that are under way, and removes what was pushed. After `close()` it does
   * nothing.
   *
   * @param reason What pushes reject with; default an `AbortError`.
   */
  abort(reason?: unknown): Promise<void>;
}
