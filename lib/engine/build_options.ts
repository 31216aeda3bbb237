import type { CallOptions } from "../model/content.ts";
import type { Platform } from "../model/platform.ts";
import type { EngineCredentials } from "./auth_header.ts";
import type { PackOptions } from "./build_context.ts";

/** What the containers of a build may take; BuildKit knows no such limits. */
export interface BuildLimits {
  /** The memory in bytes. */
  readonly memory?: number | undefined;
  /** Memory and swap together in bytes; -1 for no limit. */
  readonly memorySwap?: number | undefined;
  /** The weight among containers. */
  readonly cpuShares?: number | undefined;
  /** The microseconds of a period that may be used. */
  readonly cpuQuota?: number | undefined;
  /** The length of a period in microseconds. */
  readonly cpuPeriod?: number | undefined;
  /** The processors: `0-3`, `0,1`. */
  readonly cpuSetCpus?: string | undefined;
  /** The memory nodes: `0-3`, `0,1`. */
  readonly cpuSetMems?: string | undefined;
}

/** A limit of the shell's `ulimit`. */
export interface BuildUlimit {
  /** Its name: `nofile`. */
  readonly name: string;
  /** The limit that holds. */
  readonly soft: number;
  /** How far it can be raised. */
  readonly hard: number;
}

/** Where BuildKit puts what was built. */
export interface BuildOutput {
  /**
   * `moby`, the engine's images, or `image`, those of containerd. What would be sent back here
   * (`local`, `tar`, `oci`, `docker`) needs a session.
   */
  readonly type: string;
  /** Its attributes. */
  readonly attributes?: Readonly<Record<string, string>> | undefined;
}

/** Options of {@linkcode EngineImages.build}. */
export interface BuildOptions extends CallOptions, PackOptions {
  /** The names that the image gets: `site:dev`; `latest` where one has no tag. */
  readonly tags?: string | readonly string[] | undefined;
  /** Values for `ARG`; `null` takes the default of the Dockerfile away. */
  readonly buildArgs?: Readonly<Record<string, string | null>> | undefined;
  /**
   * Whether the proxies of Docker's configuration become arguments too; those of the same name in
   * `buildArgs` go before them. Default `true`.
   */
  readonly useConfigProxy?: boolean | undefined;
  /** Labels of the image (API 1.23). */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** The stage that is built; default the last one (API 1.29). */
  readonly target?: string | undefined;
  /** What the image is for; default what the engine runs on (API 1.32). */
  readonly platform?: Platform | string | undefined;
  /** Takes nothing from the cache. */
  readonly noCache?: boolean | undefined;
  /** Asks registries for newer images of those that the build begins with. */
  readonly pull?: boolean | undefined;
  /** Reports nothing but the ID, and the output of a build that fails. */
  readonly quiet?: boolean | undefined;
  /** Whether containers of steps are removed after a good build; default `true`. */
  readonly rm?: boolean | undefined;
  /** Whether they are removed after a failure too. */
  readonly forceRm?: boolean | undefined;
  /** Makes one layer of those of the build, on engines with experimental features (API 1.25). */
  readonly squash?: boolean | undefined;
  /** Images whose layers may be taken (API 1.25). */
  readonly cacheFrom?: readonly string[] | undefined;
  /** The network of the steps: `host`, `none`, or the name of one (API 1.25). */
  readonly networkMode?: string | undefined;
  /** More names of hosts for the steps, by the name or as `name:address` (API 1.27). */
  readonly extraHosts?: Readonly<Record<string, string>> | readonly string[] | undefined;
  /** The size of `/dev/shm` in bytes (API 1.22). */
  readonly shmSize?: number | undefined;
  /** How containers of Windows are kept apart (API 1.24). */
  readonly isolation?: string | undefined;
  /** What the containers may take. */
  readonly limits?: BuildLimits | undefined;
  /** Limits of the shell's `ulimit`. */
  readonly ulimits?: readonly BuildUlimit[] | undefined;
  /** The control group that the containers are put into. */
  readonly cgroupParent?: string | undefined;
  /** Options of security, on Windows. */
  readonly securityOptions?: readonly string[] | undefined;
  /**
   * The builder: `1` is the classic one, `2` is BuildKit (API 1.39); default the engine's default,
   * which is the classic one. BuildKit works without a session for images of registries that want
   * no login; secrets and `ssh` mounts are not there.
   */
  readonly version?: 1 | 2 | undefined;
  /** Where BuildKit puts what was built; at most one (API 1.40). */
  readonly outputs?: readonly BuildOutput[] | undefined;
  /** Credentials by the registries that they are for; they go before those of the machine. */
  readonly credentials?: Readonly<Record<string, EngineCredentials>> | undefined;
  /**
   * The registries whose credentials the classic builder gets; default those that the Dockerfile
   * names, where it is known: that of an archive or of a URL is not.
   */
  readonly registries?: readonly string[] | undefined;
  /** How long the engine may be silent in its answer, in milliseconds; by default without end. */
  readonly idleTimeoutMs?: number | undefined;
}
