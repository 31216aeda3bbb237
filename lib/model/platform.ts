import { InvalidPlatformError } from "./errors.ts";

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

/** Fills what a text leaves out, unless the caller knows better: what most servers run. */
const DEFAULT_PLATFORM: Platform = { os: "linux", architecture: "amd64" };

// The lists of Go's syslist.go, as containerd has them.
const KNOWN_OS: ReadonlySet<string> = new Set(
  ("aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 " +
    "solaris windows zos").split(" "),
);
const KNOWN_ARCHITECTURES: ReadonlySet<string> = new Set(
  ("386 amd64 amd64p32 arm armbe arm64 arm64be ppc64 ppc64le loong64 mips mipsle mips64 " +
    "mips64le mips64p32 mips64p32le ppc riscv riscv64 s390 s390x sparc sparc64 wasm").split(" "),
);

const OS_REGEXP = /^([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.%+-]*)\))?$/;
const COMPONENT_REGEXP = /^[A-Za-z0-9_.-]+$/;

/** The most characters of a platform: many times what any real one has. */
const MAX_LENGTH = 1024;

function normalizeOS(os: string): string {
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

/** The canonical architecture and variant; `""` where there is no variant to name. */
function normalizeArchitecture(architecture: string, variant: string): [string, string] {
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
function withVariant(platform: Platform, architecture: string, variant: string): Platform {
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
  return { ...normal, "os.features": [...new Set(features)].sort(compareText) };
}

/** Orders by UTF-16 code units, which no locale changes. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function refuse(text: string, reason: string): never {
  throw new InvalidPlatformError(
    `Cannot parse platform ${JSON.stringify(text.slice(0, 128))}: ${reason}`,
    { input: text },
  );
}

function decodeOption(option: string, text: string): string {
  try {
    return option.includes("%") ? decodeURIComponent(option) : option;
  } catch {
    refuse(text, "a percent sign has to be followed by two hexadecimal digits");
  }
}

/** Parses `os` or `os(version+feature+feature)`. */
function parseOS(part: string, text: string): Platform {
  const match = OS_REGEXP.exec(part);
  if (match === null) {
    refuse(text, "the operating system may hold letters, digits, _ and -, and (version+feature)");
  }
  const [, name = "", options = ""] = match;
  const [version = "", ...features] = options.split("+");
  if (features.includes("")) refuse(text, "an os feature is empty");
  const decoded = features.map((feature) => decodeOption(feature, text));
  return {
    os: normalizeOS(name),
    architecture: "",
    ...(version === "" ? {} : { "os.version": decodeOption(version, text) }),
    ...(decoded.length === 0 ? {} : { "os.features": decoded }),
  };
}

/**
 * Parses a platform as containerd and Docker write it: `os`, `architecture`,
 * `os/architecture` or `os/architecture/variant`, where the operating system may be followed by
 * its version and features in parentheses: `windows(10.0.20348+win32k)/amd64`.
 *
 * @param text A platform, such as `linux/arm64`.
 * @param host What fills the part that the text leaves out; `linux/amd64` by default.
 * @returns The platform; names are normalised, a variant that was written is kept.
 * @throws {InvalidPlatformError} when the text is no platform.
 *
 * @example Read what a user typed
 * ```ts
 * import { formatPlatform, parsePlatform } from "@lading/lading/reference";
 *
 * console.log(formatPlatform(parsePlatform("Aarch64"))); // linux/arm64
 * ```
 */
export function parsePlatform(text: string, host: Platform = DEFAULT_PLATFORM): Platform {
  if (text.length > MAX_LENGTH) refuse(text, `longer than ${MAX_LENGTH} characters`);
  if (text.includes("*")) refuse(text, "wildcards are not supported");
  const parts = text.split("/");
  const [first = "", second, third] = parts;
  if (parts.length > 3) refuse(text, "more than os/architecture/variant");
  const platform = parseOS(first, text);
  for (const part of parts.slice(1)) {
    if (!COMPONENT_REGEXP.test(part)) {
      refuse(text, "architecture and variant may hold letters, digits, _, . and -");
    }
  }
  if (second !== undefined) {
    const [architecture, variant] = normalizeArchitecture(second, third ?? "");
    if (third === undefined) {
      return withVariant(platform, architecture, spoken(architecture, variant));
    }
    const isPlainArm64 = architecture === "arm64" && variant === "";
    return withVariant(platform, architecture, isPlainArm64 ? "v8" : variant);
  }
  if (KNOWN_OS.has(platform.os)) return completeArchitecture(platform, host);
  const [architecture, variant] = normalizeArchitecture(first, "");
  if (!KNOWN_ARCHITECTURES.has(architecture)) {
    refuse(text, "unknown operating system or architecture");
  }
  return withVariant({ ...platform, os: host.os }, architecture, spoken(architecture, variant));
}

/** The variant as containerd writes it: that of `arm` is `v7` unless another one is named. */
function spoken(architecture: string, variant: string): string {
  return architecture === "arm" && variant === "v7" ? "" : variant;
}

function completeArchitecture(platform: Platform, host: Platform): Platform {
  const [architecture, variant] = normalizeArchitecture(host.architecture, host.variant ?? "");
  return withVariant(
    platform,
    architecture,
    architecture === "arm" ? spoken(architecture, variant) : "",
  );
}

/** Escapes what would be read as a mark of the syntax; the percent sign is one of them. */
function encodeOption(option: string): string {
  return option.replace(
    /[%+()/]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/**
 * Writes a platform so that {@linkcode parsePlatform} reads it again. Features are sorted.
 *
 * @param platform A platform.
 * @returns Its text, such as `linux/arm/v7` or `windows(10.0.20348+win32k)/amd64`.
 */
export function formatPlatform(platform: Platform): string {
  if (platform.os === "") return "unknown";
  const version = encodeOption(platform["os.version"] ?? "");
  const features = [...new Set(platform["os.features"])].sort(compareText)
    .filter((feature) => feature !== "").map((feature) => `+${encodeOption(feature)}`).join("");
  const options = version + features === "" ? "" : `(${version}${features})`;
  return [platform.os + options, platform.architecture, platform.variant ?? ""]
    .filter((part) => part !== "").join("/");
}

/**
 * Reads the version of an ARM processor out of the machine name of `uname -m`.
 *
 * @param machine A machine name, such as `armv7l` or `aarch64`.
 * @returns The version, such as `7`; `unknown` for one that no image is made for.
 * @throws {InvalidPlatformError} when the name is of no ARM processor.
 */
export function armVersion(machine: string): string {
  const name = machine.toLowerCase();
  if (name === "aarch64") return "8";
  const version = name.charAt(4);
  if (!name.startsWith("armv") || version === "") refuse(machine, "no ARM machine name");
  return version >= "3" && version <= "8" ? version : "unknown";
}
