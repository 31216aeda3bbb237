import { embeddedContent } from "../hash/embedded.ts";
import type { HasherFactory } from "../hash/hasher.ts";
import type { Bytes } from "../model/bytes.ts";
import type { CallOptions, ContentSource } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { LimitExceededError } from "../model/errors.ts";
import { readAll } from "./read_all.ts";
import { verified } from "./verify.ts";

/** Options of {@linkcode fetchProved}. */
export interface FetchProvedOptions extends CallOptions {
  /** The most bytes that are held. */
  readonly maxBytes: number;
  /** What is fetched, for messages. */
  readonly what: string;
  /** Makes the hasher. */
  readonly hasher?: HasherFactory | undefined;
}

/**
 * Fetches content that is small enough to be held, and proves it. The `data` of the descriptor is
 * used where it is what the descriptor says.
 *
 * @param source Where it is.
 * @param descriptor What it is.
 * @param options The limit, a name for messages and a signal.
 * @returns The bytes.
 * @throws {LimitExceededError} when the descriptor says more bytes than the limit.
 */
export async function fetchProved(
  source: ContentSource,
  descriptor: Descriptor,
  options: FetchProvedOptions,
): Promise<Bytes> {
  const { maxBytes, what, signal, hasher } = options;
  if (descriptor.size > maxBytes) {
    throw new LimitExceededError(
      `Cannot read ${what}: its ${descriptor.size} bytes are more than the limit of ${maxBytes}`,
      { limit: maxBytes, unit: "bytes" },
    );
  }
  const embedded = embeddedContent(descriptor);
  if (embedded !== undefined) return embedded;
  const content = await source.fetch(descriptor, { signal });
  return await readAll(verified(content, descriptor, { hasher, what }), { maxBytes, what, signal });
}
