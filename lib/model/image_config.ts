import type { Bytes } from "./bytes.ts";

/** The most bytes of an image config: twice what other clients take, configs of big images have a long history. */
export const MAX_CONFIG_BYTES: number = 8 * 1024 * 1024;

/** How to tell whether a container is healthy; a Docker extension. Times are in nanoseconds. */
export interface Healthcheck {
  /** `NONE`, or `CMD` or `CMD-SHELL` and the command. */
  readonly Test?: readonly string[];
  /** The time between two checks. */
  readonly Interval?: number;
  /** The time after which a check has failed. */
  readonly Timeout?: number;
  /** The time in which failures do not count. */
  readonly StartPeriod?: number;
  /** The time between two checks while starting. */
  readonly StartInterval?: number;
  /** The number of failures in a row that make a container unhealthy. */
  readonly Retries?: number;
}

/** How a container of the image is run (OCI image-spec, config.md §properties, `config`). */
export interface ContainerConfig {
  /** `user`, `uid`, `user:group` or `uid:gid`. */
  readonly User?: string;
  /** The ports it listens on: `8080/tcp`, `53/udp`. */
  readonly ExposedPorts?: Readonly<Record<string, unknown>>;
  /** The environment: `NAME=value`. */
  readonly Env?: readonly string[];
  /** The command, before `Cmd`. */
  readonly Entrypoint?: readonly string[];
  /** The arguments of the entry point, or the command. */
  readonly Cmd?: readonly string[];
  /** The directories that hold data of the container. */
  readonly Volumes?: Readonly<Record<string, unknown>>;
  /** The working directory. */
  readonly WorkingDir?: string;
  /** Free key-value pairs. */
  readonly Labels?: Readonly<Record<string, string>>;
  /** The signal that stops the container. */
  readonly StopSignal?: string;
  /** Whether `Cmd` and `Entrypoint` hold one escaped command line; Windows only. */
  readonly ArgsEscaped?: boolean;
  /** How to tell whether it is healthy; a Docker extension. */
  readonly Healthcheck?: Healthcheck;
  /** What to do first in images built on this one; a Docker extension. */
  readonly OnBuild?: readonly string[];
  /** The shell of build instructions; a Docker extension. */
  readonly Shell?: readonly string[];
}

/** The layers of an image, uncompressed. */
export interface RootFS {
  /** Always `layers`. */
  readonly type: string;
  /** The digests of the uncompressed layers, base first. */
  readonly diff_ids: readonly string[];
}

/** One step of the making of an image. */
export interface HistoryEntry {
  /** When (RFC 3339). */
  readonly created?: string;
  /** The command. */
  readonly created_by?: string;
  /** By whom. */
  readonly author?: string;
  /** Any words. */
  readonly comment?: string;
  /** Whether this step made no layer. */
  readonly empty_layer?: boolean;
}

/**
 * An image config (OCI image-spec, config.md). Fields that lading does not know are there too.
 * Maps with free keys have no prototype.
 */
export interface ImageConfig {
  /** When the image was made (RFC 3339). */
  readonly created?: string;
  /** By whom. */
  readonly author?: string;
  /** The processor architecture. */
  readonly architecture: string;
  /** The operating system. */
  readonly os: string;
  /** The version of the operating system. */
  readonly "os.version"?: string;
  /** What the operating system has to offer. */
  readonly "os.features"?: readonly string[];
  /** The variant of the architecture. */
  readonly variant?: string;
  /** How a container is run. */
  readonly config?: ContainerConfig;
  /** The layers. */
  readonly rootfs: RootFS;
  /** How it was made, oldest first. */
  readonly history?: readonly HistoryEntry[];
}

/** An image config with the bytes it was read from. */
export interface ParsedImageConfig {
  /** The bytes as they were received; their digest is the image ID. */
  readonly raw: Bytes;
  /** What they say; `null` of Go writers reads as absent. */
  readonly value: ImageConfig;
}
