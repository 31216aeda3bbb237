import type { ContainerConfig } from "../model/image_config.ts";
import type { Platform } from "../model/platform.ts";
import type { ImageFormat } from "../model/image_format.ts";

/** Fields of the config of a container; `null` takes a field out. */
export type ContainerConfigEdit = {
  readonly [Field in keyof ContainerConfig]?: ContainerConfig[Field] | null | undefined;
};

/** Pairs to set; `null` takes one out. */
export type PairsEdit = Readonly<Record<string, string | null>>;

/** Times to set all over an image. */
export interface TimestampsEdit {
  /** The time: seconds since 1970, RFC 3339, or a date. */
  readonly time: number | string | Date;
  /** Whether only later times are set, and earlier ones stay; default `false`. */
  readonly clamp?: boolean | undefined;
  /**
   * Whether the files of all layers get it too; default `false`. Layers are written anew then: each
   * is read to know its digest, and again to be pushed. Layers with gzip or Zstandard become gzip,
   * others stay without compression; one whose files have that time already keeps its bytes.
   */
  readonly layers?: boolean | undefined;
}

/** What `mutate()` changes. What is not given stays. */
export interface MutateOptions {
  /** Fields of the container's config, as they stand there; `null` takes one out. */
  readonly config?: ContainerConfigEdit | undefined;
  /** Variables of the environment, set one by one. */
  readonly env?: PairsEdit | undefined;
  /** Labels, set one by one. */
  readonly labels?: PairsEdit | undefined;
  /** The entry point; it takes the command out, as in Docker, unless one is given too. */
  readonly entrypoint?: readonly string[] | null | undefined;
  /** The command, or the arguments of the entry point. */
  readonly cmd?: readonly string[] | null | undefined;
  /** `user`, `uid`, `user:group` or `uid:gid`. */
  readonly user?: string | null | undefined;
  /** The working directory. */
  readonly workingDir?: string | null | undefined;
  /** The ports it listens on, instead of those it has: `8080`, `53/udp`. */
  readonly exposedPorts?: readonly string[] | null | undefined;
  /** The directories that hold data, instead of those it has. */
  readonly volumes?: readonly string[] | null | undefined;
  /** What the image runs on. */
  readonly platform?: Platform | undefined;
  /** By whom it was made. */
  readonly author?: string | null | undefined;
  /** When it was made: seconds since 1970, RFC 3339, or a date. */
  readonly created?: number | string | Date | null | undefined;
  /** The time of the image, of each entry of its history and, when asked for, of its files. */
  readonly timestamps?: TimestampsEdit | undefined;
  /** Annotations of the manifest, set one by one. */
  readonly annotations?: PairsEdit | undefined;
  /** What the image was built on, for the annotations that say so. */
  readonly base?: {
    /** The reference, such as `docker.io/library/node:22`. */
    readonly name?: string | undefined;
    /** The digest of the manifest or index. */
    readonly digest?: string | undefined;
  } | undefined;
  /** Whose media types manifest, config and layers have; layers keep their bytes. */
  readonly mediaTypes?: ImageFormat | undefined;
}
