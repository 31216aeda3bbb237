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
