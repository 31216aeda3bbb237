import type { CallOptions, ContentStore } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { Reopened } from "./_measure.ts";
import { blame } from "./_side.ts";

/** Stores a blob unless the target has it. */
export async function storeBlob(
  target: ContentStore,
  descriptor: Descriptor,
  content: Reopened,
  { signal }: CallOptions,
): Promise<void> {
  try {
    const isThere = await target.exists(descriptor, { signal, isNamedNext: true });
    if (!isThere) await target.push(descriptor, content, { signal });
  } catch (error) {
    throw blame("target", error, descriptor, signal ?? new AbortController().signal);
  }
}
