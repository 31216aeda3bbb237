import type { Platform } from "../model/platform.ts";

interface Host {
  readonly process?: { readonly arch?: string };
}

/** Node's names of architectures -> the names of images (GOARCH). */
const ARCHITECTURES: ReadonlyMap<string, Platform> = new Map([
  ["x64", { os: "linux", architecture: "amd64" }],
  ["ia32", { os: "linux", architecture: "386" }],
  ["arm64", { os: "linux", architecture: "arm64" }],
  ["arm", { os: "linux", architecture: "arm", variant: "v7" }],
  ["ppc64", { os: "linux", architecture: "ppc64le" }],
  ["riscv64", { os: "linux", architecture: "riscv64" }],
  ["s390x", { os: "linux", architecture: "s390x" }],
  ["loong64", { os: "linux", architecture: "loong64" }],
]);

/**
 * Tells which platform an image is chosen for when nobody says: the machine's architecture, on
 * Linux, because that is what runs containers on every machine.
 *
 * @returns The platform; `linux/amd64` where the runtime does not tell (workers, browsers).
 */
export function hostPlatform(): Platform {
  const architecture = (globalThis as Host).process?.arch ?? "x64";
  return ARCHITECTURES.get(architecture) ?? { os: "linux", architecture: "amd64" };
}
