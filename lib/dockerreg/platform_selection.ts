import type { Platform } from "../model/platform.ts";
import { matchPlatform } from "../model/platform_match.ts";

/** Which image of a list is meant; what is left out is that of the registry's default platform. */
export interface PlatformSelection {
  /** The processor architecture, as Go names it: `amd64`, `arm64`. */
  readonly architecture?: string | undefined;
  /** The operating system, as Go names it: `linux`. */
  readonly os?: string | undefined;
  /** The variant of the architecture: `v7`. */
  readonly variant?: string | undefined;
}

/** Completes a selection; `undefined` when nothing was selected and there is no default. */
export function selectPlatform(
  selection: PlatformSelection | undefined,
  fallback: Platform | undefined,
): Platform | undefined {
  if (selection === undefined) return fallback;
  const { architecture = fallback?.architecture, os = fallback?.os ?? "linux" } = selection;
  if (architecture === undefined) {
    throw new TypeError("Cannot choose a platform: give an architecture, there is no default one");
  }
  // The default variant belongs to the default architecture.
  const isDefault = selection.architecture === undefined;
  const variant = selection.variant ?? (isDefault ? fallback?.variant : undefined);
  return { os, architecture, ...(variant === undefined ? {} : { variant }) };
}

/** Tells whether an image runs on a platform, as far as it says what it is for. */
export function runsOn(
  image: Pick<PlatformSelection, "architecture" | "variant"> & { readonly os?: string | undefined },
  wanted: Platform | undefined,
): boolean {
  const { architecture, os = "linux", variant } = image;
  if (wanted === undefined || architecture === undefined) return true;
  return matchPlatform(wanted, {
    os,
    architecture,
    ...(variant === undefined ? {} : { variant }),
  });
}
