/** Where an image runs (OCI image-spec, image-index.md). */
export interface Platform {
  /** The operating system, as Go names it: `linux`, `windows`, `darwin`. */
  readonly os: string;
  /** The processor architecture, as Go names it: `amd64`, `arm64`, `arm`, `386`. */
  readonly architecture: string;
  /** The variant of the architecture: `v7`, `v8`. */
  readonly variant?: string;
  /** The version of the operating system, as Windows needs it: `10.0.20348.2700`. */
  readonly "os.version"?: string;
  /** What the operating system has to offer: `win32k`. */
  readonly "os.features"?: readonly string[];
}

/** Escapes what would be read as a mark of the syntax; the percent sign is one of them. */
function encodeOption(option: string): string {
  return option.replace(
    /[%+()/]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/**
 * Writes a platform so that `parsePlatform` reads it again. Features are sorted by their code units.
 *
 * @param platform A platform.
 * @returns Its text, such as `linux/arm/v7` or `windows(10.0.20348+win32k)/amd64`.
 */
export function formatPlatform(platform: Platform): string {
  if (platform.os === "") return "unknown";
  const version = encodeOption(platform["os.version"] ?? "");
  const features = [...new Set(platform["os.features"])].sort()
    .filter((feature) => feature !== "").map((feature) => `+${encodeOption(feature)}`).join("");
  const options = version + features === "" ? "" : `(${version}${features})`;
  return [platform.os + options, platform.architecture, platform.variant ?? ""]
    .filter((part) => part !== "").join("/");
}
