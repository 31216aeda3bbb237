import type { CredentialProvider } from "../auth/credentials.ts";
import type { CallOptions } from "../model/content.ts";
import type { Platform } from "../model/platform.ts";
import type { RegistryOptions } from "../registry/registry_options.ts";
import type { FileSystem } from "../store/file_system.ts";
import type { PlatformSelection } from "./platform_selection.ts";

/** Which protocol a registry speaks: `auto` asks it, version 2 first. */
export type RegistryProtocol = "auto" | "v1" | "v2";

/** How to reach a Docker registry, and what is meant when nothing else is said. */
export interface DockerRegistryOptions extends RegistryOptions {
  /** Which protocol it speaks; default `auto`, which asks once. */
  readonly protocol?: RegistryProtocol | undefined;
  /**
   * The image to choose from a list when a call says nothing, usually the host's platform. Without
   * it a list of several images has to be told apart in each call.
   */
  readonly platform?: Platform | undefined;
  /** Where images are cached in files; needed for calls that name a cache. */
  readonly files?: FileSystem | undefined;
}

/** Options of calls about one image, which may be one of a list. */
export interface ImageSelectOptions extends CallOptions {
  /** Which image of a list; default the registry's default platform. */
  readonly platform?: PlatformSelection | undefined;
}

/** Options of calls that open an image. */
export interface OpenImageOptions extends ImageSelectOptions {
  /**
   * The beginning of the names of files that hold the image: `<cache>.manifest` and
   * `<cache>.<hexadecimal digest>` for the config and each layer. What is read of the image is kept
   * there, and taken from there the next time.
   */
  readonly cache?: string | undefined;
  /** Reads the manifest anew although it is in the cache; what is there and good stays. */
  readonly refresh?: boolean | undefined;
}

/** Options of {@linkcode DockerRegistry.pullImage}; without a cache the image is held in memory. */
export type PullImageOptions = OpenImageOptions;

/** Options of {@linkcode DockerRegistry.pushImage}. */
export interface PushImageOptions extends CallOptions {
  /** The beginning of the names of the files that hold the image. */
  readonly cache: string;
  /** Converts manifests of schema 1 to the OCI's; default `false`: they are signed anew. */
  readonly convert?: boolean | undefined;
}

/** Options of {@linkcode DockerRegistry.deleteImage}. */
export interface DeleteImageOptions extends CallOptions {
  /** The image of a list that is deleted; default whatever the tag points at. */
  readonly platform?: PlatformSelection | undefined;
  /** Deletes the layers, the config and the images of a list too; default `false`. */
  readonly layers?: boolean | undefined;
  /** Deletes what other tags need as well; default `false`. */
  readonly force?: boolean | undefined;
}

/** Options of {@linkcode DockerRegistry.repositories}. */
export interface RepositoriesOptions extends CallOptions {
  /** Matches the whole names of repositories: `acme/app`. */
  readonly filter?: RegExp | undefined;
  /** Matches the namespaces: `acme`, and the empty text for repositories without one. */
  readonly namespaceFilter?: RegExp | undefined;
}

/** Options of `DockerRepository.tags` and `DockerRepository.tagsWithMetadata`. */
export interface TagsOptions extends CallOptions {
  /** Matches the tags. */
  readonly filter?: RegExp | undefined;
}

/** Where an image goes; what is left out is as in the source. One field at least has to be set. */
export interface PushDestination {
  /** The registry: `ghcr.io`. */
  readonly registry?: string | undefined;
  /** The repository in it: `acme/app`. */
  readonly repository?: string | undefined;
  /** The tag. */
  readonly tag?: string | undefined;
  /** Gives credentials for it; those of the source's provider otherwise. */
  readonly credentials?: CredentialProvider | undefined;
  /**
   * How to reach it: the transport with its certificates, the cache of tokens, plain http. Each
   * option that is left out is as for the source.
   */
  readonly options?: Omit<DockerRegistryOptions, "credentials"> | undefined;
}

/** Options of {@linkcode DockerRegistry.pullAndPush}. */
export interface PullAndPushOptions extends CallOptions {
  /** Which image of a list; `"all"` is the whole list. Default the registry's default platform. */
  readonly platform?: PlatformSelection | "all" | undefined;
  /** Pulls the image into these files first, and pushes it from there; default directly. */
  readonly cache?: string | undefined;
  /** Pulls the manifest although it is in the cache. */
  readonly refresh?: boolean | undefined;
  /** Converts manifests of schema 1 to the OCI's; default `false`: they are signed anew. */
  readonly convert?: boolean | undefined;
}

/** Options of {@linkcode DockerImage.copyTo}. */
export interface CopyImageOptions extends CallOptions {
  /** Pulls the image into these files first, and pushes it from there; default directly. */
  readonly cache?: string | undefined;
  /** Converts manifests of schema 1 to the OCI's; default `false`: they are signed anew. */
  readonly convert?: boolean | undefined;
}
