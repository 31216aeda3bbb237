import { ContentError, type LadingErrorOptions } from "../model/errors.ts";

/**
 * Why a signature counts for nothing:
 * - `invalid`: it does not match the bytes and the key;
 * - `key`: the key is none, or does not have the ID that the signature names;
 * - `unsupported`: it is of a kind that lading does not verify.
 */
export type SignatureReason = "invalid" | "key" | "unsupported";

/** Thrown when a manifest is signed and a signature of it cannot be verified. */
export class SignatureError extends ContentError {
  /** Why. */
  readonly reason: SignatureReason;

  /**
   * Makes the error.
   *
   * @param message What was attempted, and why it failed.
   * @param options The same for programs.
   */
  constructor(
    message: string,
    options: LadingErrorOptions & { readonly reason: SignatureReason },
  ) {
    super("SIGNATURE_INVALID", message, options);
    this.reason = options.reason;
  }
}
