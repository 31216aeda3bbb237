import { fetchManifest } from "../image/fetch_manifest.ts";
import type { Source, Target } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { ContentError, NotFoundError } from "../model/errors.ts";
import type { ParsedManifest } from "../model/manifest.ts";
import { blame } from "./_side.ts";
import { together } from "./_together.ts";

/** A manifest that a copy is about. */
interface ReadManifest {
  readonly parsed: ParsedManifest;
  /** Whether the target has it. */
  readonly isPresent: boolean;
}

/** Where a manifest may be read. */
interface Sides {
  readonly source: Source;
  readonly target: Target;
}

/**
 * Reads a manifest and finds out whether the target has it. A registry is asked while the source is
 * read: that is one round trip. Where reading is dear in the source it is read from the target, if it
 * is there, and so it is where the target is a store, which can be damaged.
 *
 * @param sides Where it may be.
 * @param descriptor What it is.
 * @param isDear Whether the source is better not read.
 * @param signal Ends it.
 * @throws {NotFoundError} when it is on neither side.
 */
export async function readManifest(
  { source, target }: Sides,
  descriptor: Descriptor,
  isDear: boolean,
  signal: AbortSignal,
): Promise<ReadManifest> {
  if (isDear || isStore(target)) {
    const found = await readFromTarget(target, descriptor, signal);
    if (found !== undefined) return { parsed: found, isPresent: true };
    return { parsed: await fetchManifest(source, descriptor, { signal }), isPresent: false };
  }
  const [isPresent, read] = await together(
    (signal) => hasManifest(target, descriptor, signal),
    (signal) => fetchManifest(source, descriptor, { signal }).catch(ifMissing),
    signal,
  );
  if (!(read instanceof NotFoundError)) return { parsed: read, isPresent };
  const found = isPresent ? await readFromTarget(target, descriptor, signal) : undefined;
  if (found === undefined) throw read;
  return { parsed: found, isPresent };
}

/**
 * Tells whether the target has a manifest. A store is read, so that what is damaged there is stored
 * again; a registry tells it by a header, which counts as no pull on Docker Hub.
 */
export async function hasManifest(
  target: Target,
  descriptor: Descriptor,
  signal: AbortSignal,
): Promise<boolean> {
  if (isStore(target)) return await readFromTarget(target, descriptor, signal) !== undefined;
  try {
    return await target.exists(descriptor, { signal });
  } catch (error) {
    throw blame("target", error, descriptor, signal);
  }
}

async function readFromTarget(
  target: Target,
  descriptor: Descriptor,
  signal: AbortSignal,
): Promise<ParsedManifest | undefined> {
  try {
    return await fetchManifest(target, descriptor, { signal });
  } catch (error) {
    // It is not there, or damaged, which is no reason to fail: the source has another one.
    if (error instanceof ContentError) return undefined;
    throw blame("target", error, descriptor, signal);
  }
}

/** What lists its roots is no registry. */
function isStore(target: Target): boolean {
  return "roots" in target;
}

function ifMissing(error: unknown): NotFoundError {
  if (error instanceof NotFoundError) return error;
  throw error;
}
