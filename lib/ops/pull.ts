import type { Operation } from "../bytes/operation.ts";
import type { Source, Target } from "../model/content.ts";
import type { CopyEvent } from "../model/events.ts";
import type { Platform } from "../model/platform.ts";
import { copy, type CopyOptions, type CopyResult } from "./copy.ts";

/** Options of {@linkcode pull}. */
export interface PullOptions extends CopyOptions {
  /** The platform to choose from an index, or `"all"` for the whole index. */
  readonly platform: Platform | "all";
}

/**
 * Pulls an image: copies it with the platform named, so that nobody gets every platform, or the
 * wrong one, by accident.
 *
 * @param source Where the image is.
 * @param reference Its name or digest there.
 * @param target Where it goes.
 * @param options The platform, and what {@linkcode copy} takes.
 * @returns The operation of {@linkcode copy}.
 * @throws {RangeError} when `jobs` is no positive integer.
 */
export function pull(
  source: Source,
  reference: string,
  target: Target,
  options: PullOptions,
): Operation<CopyResult, CopyEvent> {
  return copy(source, reference, target, options);
}
