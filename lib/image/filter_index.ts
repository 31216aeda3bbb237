import type { Descriptor } from "../model/descriptor.ts";
import { NotFoundError } from "../model/errors.ts";
import { formatPlatform, type Platform } from "../model/platform.ts";
import { normalizePlatform } from "../model/normalize_platform.ts";
import { isAttestation } from "../model/platform_match.ts";
import { editIndex } from "./_edit_index.ts";
import type { IndexView } from "./index_view.ts";
import { keepEntries } from "./_keep_entries.ts";

/** What the platform of an entry has to be: fields that are not given may be anything. */
export interface PlatformFilter {
  /** The operating system. */
  readonly os?: string | undefined;
  /** The processor architecture. */
  readonly architecture?: string | undefined;
  /** The variant of the architecture. */
  readonly variant?: string | undefined;
  /** The version of the operating system. */
  readonly "os.version"?: string | undefined;
}

/**
 * Keeps the entries of an index that are for some platforms, with their attestations. Entries
 * without a platform, such as indexes in the index, are left out unless a function keeps them.
 *
 * @param index The index.
 * @param keep The platforms to keep: `{ os: "linux" }` keeps all of Linux; or a function.
 * @returns The new index; the old one is unchanged, and nothing is stored before it is pushed. Its
 * methods reject with {@linkcode NotFoundError} when nothing would be left.
 */
export function filterIndex(
  index: IndexView,
  keep: readonly PlatformFilter[] | ((entry: Descriptor) => boolean),
): IndexView {
  return editIndex(index, async (before, signal) => {
    const isKept = typeof keep === "function" ? keep : (entry: Descriptor) => {
      const { platform } = entry;
      return platform !== undefined && !isAttestation(entry) &&
        keep.some((filter) => satisfies(platform, filter));
    };
    const value = keepEntries(before, isKept);
    if (value.manifests.length > 0) return { value };
    const digest = await index.digest({ signal });
    const there = (await index.platforms({ signal })).map(formatPlatform).join(", ");
    throw new NotFoundError(
      `Cannot filter the index ${digest}: nothing would be left; it has ${there || "no image"}`,
    );
  });
}

function satisfies(candidate: Platform, filter: PlatformFilter): boolean {
  const { os, architecture, variant, "os.version": version } = filter;
  const actual = normalizePlatform(candidate);
  const wanted = normalizePlatform({
    os: os ?? actual.os,
    architecture: architecture ?? actual.architecture,
    ...(variant === undefined ? {} : { variant }),
  });
  return wanted.os === actual.os && wanted.architecture === actual.architecture &&
    (variant === undefined || wanted.variant === actual.variant) &&
    (version === undefined || version === actual["os.version"]);
}
