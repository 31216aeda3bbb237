import { InvalidConfigError, NotFoundError } from "../model/errors.ts";
import type { ImageIndex } from "../model/image_index.ts";
import type { LockOptions } from "./file_lock.ts";
import { checkThere, type LayoutContext, readSmall } from "./_layout_files.ts";
import { MAX_LAYOUT_INDEX_BYTES, parseLayoutIndex } from "./_layout_index.ts";

/** `oci-layout` says one version number; what is longer is none. */
const MAX_LAYOUT_FILE_BYTES = 4096;

/** The file that lists what a layout holds. */
export const INDEX = "index.json";

/** A holder of the lock shows four times in this time that it is alive. */
const LOCK_STALE_AFTER_MS = 10_000;

/** The lock around `index.json`; how long it must show no sign of life to be broken. */
export function indexLock(
  context: LayoutContext,
  staleAfterMs: number = LOCK_STALE_AFTER_MS,
): LockOptions {
  return { ...context, directory: context.path, name: INDEX, staleAfterMs };
}

/** Reads `index.json`; `undefined` when there is none. */
export async function readIndex(context: LayoutContext): Promise<ImageIndex | undefined> {
  const raw = await readSmall(context, INDEX, MAX_LAYOUT_INDEX_BYTES);
  return raw === undefined ? undefined : parseLayoutIndex(raw, context.place);
}

/** Reads the index of a layout that has to be there. */
export async function readLayout(context: LayoutContext): Promise<ImageIndex> {
  await checkVersion(context);
  const index = await readIndex(context);
  if (index !== undefined) return index;
  await checkThere(context);
  throw new NotFoundError(
    `Cannot open ${context.place}: it has no index.json, it is no layout`,
  );
}

/**
 * Refuses a layout of a version to come. One without the file is read, as skopeo reads it.
 *
 * @returns Whether the file is there.
 */
export async function checkVersion(context: LayoutContext): Promise<boolean> {
  const raw = await readSmall(context, "oci-layout", MAX_LAYOUT_FILE_BYTES);
  if (raw === undefined) return false;
  const text = new TextDecoder().decode(raw);
  if (layoutVersion(text)?.startsWith("1.")) return true;
  throw new InvalidConfigError(
    `Cannot open ${context.place}: its file oci-layout says no version 1`,
    { input: text },
  );
}

function layoutVersion(text: string): string | undefined {
  try {
    const document: unknown = JSON.parse(text);
    if (typeof document !== "object" || document === null) return undefined;
    const version = "imageLayoutVersion" in document ? document.imageLayoutVersion : undefined;
    return typeof version === "string" ? version : undefined;
  } catch {
    return undefined;
  }
}
