import type { Platform } from "./platform.ts";

/** Gives the canonical name of an operating system. */
export function normalizeOS(os: string): string {
  const lower = os.toLowerCase();
  return lower === "macos" ? "darwin" : lower;
}

function normalizeArm64(variant: string): string {
  if (variant === "8" || variant === "v8" || variant === "v8.0") return "";
  return variant === "9" || variant === "9.0" || variant === "v9.0" ? "v9" : variant;
}

function normalizeArm(variant: string): string {
  if (variant === "" || variant === "7") return "v7";
  return variant === "5" || variant === "6" || variant === "8" ? `v${variant}` : variant;
}

/** Gives the canonical architecture and variant; `""` where there is no variant to name. */
export function normalizeArchitecture(architecture: string, variant: string): [string, string] {
  const name = architecture.toLowerCase();
  const detail = variant.toLowerCase();
  switch (name) {
    case "i386":
      return ["386", ""];
    case "x86_64":
    case "x86-64":
    case "amd64":
      return ["amd64", detail === "v1" ? "" : detail];
    case "aarch64":
    case "arm64":
      return ["arm64", normalizeArm64(detail)];
    case "armhf":
      return ["arm", "v7"];
    case "armel":
      return ["arm", "v6"];
    case "arm":
      return ["arm", normalizeArm(detail)];
    default:
      return [name, detail];
  }
}

/** Sets the variant, or leaves the key out when it is empty. */
export function withVariant(platform: Platform, architecture: string, variant: string): Platform {
  const { variant: _, ...rest } = platform;
  return { ...rest, architecture, ...(variant === "" ? {} : { variant }) };
}

/**
 * Gives the canonical form of a platform, as containerd does: `x86_64` is `amd64`, `aarch64` is
 * `arm64`, `armhf` is `arm/v7`; `arm` without a variant is `v7`; `v8` of arm64 and `v1` of amd64
 * go without saying. Normalising twice changes nothing more; unknown fields are kept.
 *
 * @param platform A platform.
 * @returns Its canonical form.
 */
export function normalizePlatform(platform: Platform): Platform {
  const [architecture, variant] = normalizeArchitecture(
    platform.architecture,
    platform.variant ?? "",
  );
  const normal = withVariant(
    { ...platform, os: normalizeOS(platform.os) },
    architecture,
    variant,
  );
  const features = normal["os.features"];
  if (features === undefined || features.length === 0) return normal;
  return { ...normal, "os.features": [...new Set(features)].sort() };
}
