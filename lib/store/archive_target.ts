import type { HasherFactory } from "../hash/hasher.ts";
import type { CallOptions, Deleter, Referrers, Roots, Target, Uploader } from "../model/content.ts";
import type { Platform } from "../model/platform.ts";
import type { FileSystem } from "./file_system.ts";

/** Options of `ociArchiveTarget()` and `dockerArchiveTarget()`. */
export interface ArchiveTargetOptions {
  /**
   * Whose image of an index Docker is to load: its `manifest.json` knows no index. Not needed when
   * the index has one image only.
   */
  readonly platform?: Platform | undefined;
  /** Makes the hasher that proves what is written. */
  readonly hasher?: HasherFactory | undefined;
  /** Where content waits until the archive is written. Default: beside the archive. */
  readonly temporary?: {
    /** The file system. */
    readonly fileSystem: FileSystem;
    /** The directory in it; it has to be there. */
    readonly directory: string;
  } | undefined;
  /** Waits until the archive is on the medium, so that it survives a power loss; default `true`. */
  readonly isDurable?: boolean | undefined;
}

/**
 * An archive that is being written: a {@linkcode Target} until it is closed. Leaving an
 * `await using` block without closing it gives up.
 */
export interface ArchiveTarget
  extends Target, Roots, Deleter, Referrers, Uploader, AsyncDisposable {
  /**
   * Writes the archive with everything that was pushed, and moves it to its place, over whatever
   * is there. When no image was tagged nothing is written, and what is there stays. When it fails,
   * what is there stays too, and closing can be tried again.
   *
   * @param options A signal.
   */
  close(options?: CallOptions): Promise<void>;
  /**
   * Gives up: ends the pushes that are under way, and removes everything but what was at the place
   * of the archive before. After `close()` it does nothing.
   *
   * @param reason What pushes reject with; default an `AbortError`.
   */
  abort(reason?: unknown): Promise<void>;
}
