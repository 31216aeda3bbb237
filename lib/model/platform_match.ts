import { ANNOTATION_DOCKER_REFERENCE_TYPE } from "./annotations.ts";
import type { Platform } from "./platform.ts";
import { normalizePlatform } from "./normalize_platform.ts";
import { isWindowsCompatible } from "./_windows_version.ts";

/**
 * How close a platform has to be:
 * - `compatible`: the same, or an older one that the hardware runs: amd64 runs 386, arm64 runs arm;
 * - `exact`: the same after normalisation;
 * - `os`: the same operating system, of any architecture; the same architecture comes first.
 */
export type PlatformMatch = "compatible" | "exact" | "os";

/** Finds and orders platforms that satisfy a wish. */
export interface PlatformMatcher {
  /** Tells whether a platform satisfies the wish. */
  matches(candidate: Platform): boolean;
  /** Orders platforms, best first; for `Array.prototype.sort`. */
  compare(a: Platform, b: Platform): number;
}

// Armv9.x implements Armv8.(x+5) (Arm ARM, DDI 0487); 8.9 is the last of its line.
function arm64Variants(variant: string): string[] {
  const match = /^v([89])(?:\.([0-9]))?$/.exec(variant === "" ? "v8" : variant);
  if (match === null) return [];
  const major = Number(match[1]);
  const minor = Number(match[2] ?? 0);
  if (major === 9 && minor > 7) return [];
  const line = (version: number, last: number): string[] =>
    Array.from({ length: last + 1 }, (_, i) => last - i).map((number) =>
      number === 0 ? `v${version}` : `v${version}.${number}`
    );
  return major === 8 ? line(8, minor) : [...line(9, minor), ...line(8, Math.min(minor + 5, 9))];
}

/** The variants below `variant` down to `lowest`; versions of more than two digits do not exist. */
function lowerVariants(variant: string, lowest: number): string[] {
  const match = /^v?([0-9]{1,2})$/.exec(variant);
  const variants: string[] = [];
  for (let version = Number(match?.[1] ?? 0) - 1; version >= lowest; version--) {
    variants.push(`v${version}`);
  }
  return variants;
}

/** The platforms that hardware runs, best first (containerd/platforms, `Only`). */
function compatiblePlatforms(wanted: Platform): Platform[] {
  const { variant = "", ...rest } = wanted;
  const as = (architecture: string, variants: readonly string[]): Platform[] =>
    variants.map((name) => ({ ...rest, architecture, variant: name }));
  switch (wanted.architecture) {
    case "amd64":
      return [wanted, ...as("amd64", lowerVariants(variant, 1)), { ...rest, architecture: "386" }];
    case "arm":
      return [wanted, ...as("arm", lowerVariants(variant, 5))];
    case "arm64": {
      const variants = arm64Variants(variant);
      if (variants.length === 0) return [];
      return [...as("arm64", variants), ...as("arm", ["v8", "v7", "v6", "v5"])];
    }
    default:
      return [wanted];
  }
}

/** Images for Windows name `win32k`, which every Windows host has: it decides nothing. */
function featuresOf(platform: Platform, isWindows: boolean): readonly string[] {
  const features = platform["os.features"] ?? [];
  return isWindows ? features.filter((feature) => feature !== "win32k") : features;
}

function satisfiesOS(wanted: Platform, candidate: Platform): boolean {
  const isWindows = wanted.os === "windows";
  if (candidate.os !== wanted.os) return false;
  if (isWindows && !isWindowsCompatible(wanted["os.version"], candidate["os.version"])) {
    return false;
  }
  const offered = new Set(wanted["os.features"]);
  return featuresOf(candidate, isWindows).every((feature) => offered.has(feature));
}

/** Both sides are normalised. */
function satisfies(wanted: Platform, candidate: Platform): boolean {
  return candidate.architecture === wanted.architecture && candidate.variant === wanted.variant &&
    satisfiesOS(wanted, candidate);
}

function withoutFeatures(platform: Platform): Platform {
  const { "os.features": _, ...rest } = platform;
  return rest;
}

function featureCount(platform: Platform): number {
  return platform["os.features"]?.length ?? 0;
}

/** Orders by the first platform of the list that is satisfied; then by more features. */
function compareOrdered(order: readonly Platform[], a: Platform, b: Platform): number {
  for (const wanted of order) {
    const isA = satisfies(wanted, a);
    const isB = satisfies(wanted, b);
    if (isA && isB) return featureCount(b) - featureCount(a);
    if (isA || isB) return isA ? -1 : 1;
  }
  if (featureCount(a) === 0 && featureCount(b) === 0) return 0;
  // A platform that asks for too much is still closer than one of another architecture.
  return compareOrdered(order, withoutFeatures(a), withoutFeatures(b));
}

/**
 * Makes a matcher for a wish, with the rules of containerd.
 *
 * @param wanted The platform that is wanted.
 * @param match How close a platform has to be.
 * @returns The matcher.
 */
export function platformMatcher(
  wanted: Platform,
  match: PlatformMatch = "compatible",
): PlatformMatcher {
  const normal = normalizePlatform(wanted);
  // The variants that compatibility adds ("arm64/v8") have a normal form of their own.
  const order = match === "compatible"
    ? compatiblePlatforms(normal).map(normalizePlatform)
    : [normal];
  const matches = (candidate: Platform): boolean =>
    match === "os"
      ? satisfiesOS(normal, candidate)
      : order.some((platform) => satisfies(platform, candidate));
  return {
    matches: (candidate) => matches(normalizePlatform(candidate)),
    compare(a, b) {
      const left = normalizePlatform(a);
      const right = normalizePlatform(b);
      if (match === "os") {
        const rank = Number(matches(right)) - Number(matches(left));
        if (rank !== 0 || !matches(left)) return rank;
      }
      return compareOrdered(order, left, right);
    },
  };
}

/**
 * Tells whether an image for `candidate` runs where `wanted` is wanted, as containerd decides:
 * the same platform, or an older one that the hardware runs.
 *
 * @param wanted The platform that is wanted.
 * @param candidate The platform of an image.
 * @returns Whether it runs.
 */
export function matchPlatform(wanted: Platform, candidate: Platform): boolean {
  return platformMatcher(wanted).matches(candidate);
}

/**
 * Makes a function that orders platforms by how well they satisfy a wish, best first.
 *
 * @param wanted The platform that is wanted.
 * @returns A function for `Array.prototype.sort`.
 */
export function comparePlatforms(wanted: Platform): (a: Platform, b: Platform) => number {
  return platformMatcher(wanted).compare;
}

/** What is chosen from: the descriptors of an index, or anything else with a platform. */
export interface PlatformCandidate {
  /** The platform; without one a candidate is never chosen. */
  readonly platform?: Platform | undefined;
  /** The annotations, which tell attestations from images. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/**
 * Tells whether an entry of an index is no image but says something about one, as BuildKit's
 * attestations do: `unknown/unknown`, or annotated as such.
 *
 * @param candidate An entry of an index.
 * @returns Whether it can never run.
 */
export function isAttestation(candidate: PlatformCandidate): boolean {
  const { platform, annotations } = candidate;
  return platform?.os === "unknown" || platform?.architecture === "unknown" ||
    annotations?.[ANNOTATION_DOCKER_REFERENCE_TYPE] === "attestation-manifest";
}

/** Newer revisions of Windows first: they have the fixes. */
function compareRevision(a: Platform, b: Platform): number {
  const left = (a["os.version"] ?? "").split(".").map(Number);
  const right = (b["os.version"] ?? "").split(".").map(Number);
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (right[i] ?? 0) - (left[i] ?? 0);
    if (difference !== 0 && !Number.isNaN(difference)) return difference;
  }
  return 0;
}

/**
 * Chooses the best match for a platform. Of equal ones the first is chosen, of Windows images the
 * newest revision. Attestations and candidates without a platform are never chosen.
 *
 * @param candidates The descriptors of an index.
 * @param wanted The platform that is wanted.
 * @returns The best match, or `undefined` when nothing matches.
 *
 * @example Choose from an index
 * ```ts
 * import { choosePlatform, parsePlatform } from "@lading/lading/reference";
 *
 * const candidates = [{ platform: parsePlatform("linux/386") }, { platform: parsePlatform("linux/amd64") }];
 * const chosen = choosePlatform(candidates, parsePlatform("linux/amd64"));
 * console.log(chosen?.platform.architecture); // amd64
 * ```
 */
export function choosePlatform<Candidate extends PlatformCandidate>(
  candidates: readonly Candidate[],
  wanted: Platform,
): Candidate | undefined {
  const matcher = platformMatcher(wanted);
  let best: { candidate: Candidate; platform: Platform } | undefined;
  for (const candidate of candidates) {
    const { platform } = candidate;
    if (platform === undefined || isAttestation(candidate) || !matcher.matches(platform)) continue;
    if (best !== undefined) {
      const order = matcher.compare(platform, best.platform) ||
        compareRevision(platform, best.platform);
      if (order >= 0) continue;
    }
    best = { candidate, platform };
  }
  return best?.candidate;
}
