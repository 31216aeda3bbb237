import { InvalidPlatformError } from "./errors.ts";
import { normalizeArchitecture, normalizeOS, withVariant } from "./normalize_platform.ts";
import type { Platform } from "./platform.ts";

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
