import type { Bytes, ByteStream } from "../model/bytes.ts";
import type { CallOptions, ContentStore } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { digestAlgorithm } from "../model/digest.ts";
import { DigestMismatchError } from "../model/errors.ts";
import { measure } from "./_measure.ts";
import { storeBlob } from "./_store_blob.ts";

/** Options of {@linkcode pushBlob}. */
export interface PushBlobOptions extends CallOptions {
  /** The digest that the content has to have; default whatever it has, under SHA-256. */
  readonly digest?: string | undefined;
  /** What the descriptor says of it; default `application/octet-stream`. */
  readonly mediaType?: string | undefined;
}

/**
 * Stores a blob on its own: for a manifest that is to be pushed after it. The content is read once to
 * know its digest and size, and again when the target does not have it; nothing is held in memory.
 *
 * @param target Where it goes: a repository, a layout.
 * @param content Bytes, or a function that opens the content.
 * @param options The digest that is expected, the media type, and a signal.
 * @returns The descriptor, for the manifest.
 * @throws {DigestMismatchError} when the content has another digest; nothing was stored.
 * @throws {InvalidDigestError} when the digest is none, or of an algorithm that is not verified.
 *
 * @example Store a blob
 * ```ts
 * import { memoryStore } from "@lading/lading/store";
 * import { pushBlob } from "@lading/lading/ops";
 *
 * const store = memoryStore();
 * const blob = await pushBlob(store, new TextEncoder().encode("hello"), { mediaType: "text/plain" });
 * console.log(blob.size, await store.exists(blob)); // 5 true
 * ```
 */
export async function pushBlob(
  target: ContentStore,
  content: Bytes | (() => ByteStream | Promise<ByteStream>),
  options: PushBlobOptions = {},
): Promise<Descriptor> {
  const { digest: expected, mediaType = "application/octet-stream", signal } = options;
  signal?.throwIfAborted();
  const algorithm = expected === undefined ? "sha256" : digestAlgorithm(expected);
  const { digest, size } = await measure(content, algorithm, signal);
  const descriptor: Descriptor = { mediaType, digest, size };
  if (expected !== undefined && digest !== expected) {
    throw new DigestMismatchError(
      `Cannot push blob ${expected}: its content has the digest ${digest}`,
      { expected, actual: digest, descriptor },
    );
  }
  await storeBlob(target, descriptor, content, { signal });
  return descriptor;
}
