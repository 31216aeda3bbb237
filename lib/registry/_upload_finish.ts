import type { CallOptions } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { UploadError } from "../model/errors.ts";
import { redactURL } from "../model/redact.ts";
import { type Answer, discard } from "./_answer.ts";
import { hasBlob } from "./blobs.ts";
import type { RepositoryContext } from "./_context.ts";
import { expectStored } from "./_digest_header.ts";

/**
 * Believes the registry only what it can prove about a blob that it says it has taken.
 *
 * @throws {DigestMismatchError} when it stored something else.
 * @throws {UploadError} when it does not have it.
 */
export async function expectBlob(
  context: RepositoryContext,
  target: Descriptor,
  answer: Answer,
  action: string,
  options: CallOptions,
): Promise<void> {
  discard(answer);
  expectStored(answer.headers, target, action);
  // Only 201 says that it is stored; distribution 2.8 stores sha512 under its sha256 alone.
  if (answer.status === 201 && target.digest.startsWith("sha256:")) return;
  if (await hasBlob(context, target, options)) return;
  throw new UploadError(
    `Cannot ${action}: the registry answered ${answer.status}, but does not have it`,
    { status: answer.status, method: "PUT", url: redactURL(answer.url), offset: target.size },
  );
}

/** Tells whether a blob was stored though its upload failed: the answer may have been lost (F19). */
export async function isStored(
  context: RepositoryContext,
  target: Descriptor,
  options: CallOptions,
): Promise<boolean> {
  try {
    return await hasBlob(context, target, options);
  } catch {
    options.signal?.throwIfAborted();
    return false;
  }
}
