import type { Target } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { CopyOptions } from "./copy.ts";
import type { ListedSource } from "./sync_names.ts";
import { namedPerhaps } from "./_target_name.ts";
import { together } from "./_together.ts";

/** What is known of a tag before its image is read. */
export interface TagBefore {
  /** What it points at in the target. */
  readonly digest: string | undefined;
  /** What both point at, where nothing is to be done. */
  readonly unchanged?: Descriptor | undefined;
}

/** An image by its names. */
export interface NamedTwice {
  /** In the source. */
  readonly reference: string;
  /** In the target. */
  readonly name: string;
}

/** What the copy would do besides, and how long to look. */
interface Look extends Pick<CopyOptions, "platform" | "referrers" | "format"> {
  /** Whether the tag is written if it is another one. */
  readonly isPushedNext?: boolean;
  readonly signal: AbortSignal;
}

/**
 * Looks at a tag on both sides. With a platform, referrers or a format, only the copy finds out what
 * is to be done.
 */
export async function tagBefore(
  source: ListedSource,
  target: Target,
  { reference, name }: NamedTwice,
  options: Look,
): Promise<TagBefore> {
  const { platform = "all", referrers = false, format, isPushedNext = false, signal } = options;
  const isPlain = platform === "all" && referrers === false && format === undefined;
  const [here, there] = await together(
    async (signal) => isPlain ? await source.resolve(reference, { signal }) : undefined,
    (signal) => namedPerhaps(target, name, isPushedNext, signal),
    signal,
  );
  const digest = there?.digest;
  return here !== undefined && here.digest === digest ? { digest, unchanged: here } : { digest };
}
