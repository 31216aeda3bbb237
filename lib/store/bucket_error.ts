import { LadingError, type LadingErrorOptions } from "../model/errors.ts";

/** Thrown when a bucket refuses or fails; `cause` is the error of the bucket. */
export class BucketError extends LadingError {
  /** The key, or the prefix of a list. */
  readonly key: string;

  /**
   * Makes an error.
   *
   * @param message What was tried, and why it failed.
   * @param options The same for programs.
   */
  constructor(message: string, options: LadingErrorOptions & { readonly key: string }) {
    super("BUCKET_ERROR", message, options);
    this.key = options.key;
  }
}
