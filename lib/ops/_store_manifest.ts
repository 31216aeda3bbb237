import type { Bytes } from "../model/bytes.ts";
import type { CallOptions, NamedPusher, Target } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { blame } from "./_side.ts";

/** How a manifest is stored. */
interface StoreManifestOptions extends CallOptions {
  /** The name that it gets. */
  readonly reference: string | undefined;
}

/** Stores a manifest, with its name in one request where the target knows that. */
export async function storeManifest(
  target: Target & Partial<NamedPusher>,
  descriptor: Descriptor,
  raw: Bytes,
  { reference, signal }: StoreManifestOptions,
): Promise<void> {
  // A store that lists what it holds lists it, so that other tools find it there.
  const name = reference ?? ("roots" in target ? descriptor.digest : undefined);
  try {
    if (name !== undefined && target.pushNamed !== undefined) {
      return await target.pushNamed(descriptor, raw, name, { signal });
    }
    await target.push(descriptor, raw, { signal });
    if (name !== undefined) await target.tag(descriptor, name, { signal });
  } catch (error) {
    throw blame("target", error, descriptor, signal ?? new AbortController().signal);
  }
}
