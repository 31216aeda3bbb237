import type {
  BlobResolver,
  CallOptions,
  NamedFetcher,
  Referrers,
  Source,
  Tags,
} from "../model/content.ts";

/**
 * A repository that a proxy reads from, such as a `Repository` of `./registry`. Without `tags` and
 * `referrers` the proxy has no such lists; without `resolveBlob` it gives out only blobs that a
 * manifest names which came through it.
 */
export type UpstreamRepository =
  & Source
  & Partial<NamedFetcher & BlobResolver & Referrers & Tags>;

/**
 * Where a proxy reads from: the repository that one of its own stands for. It may throw a
 * `NotFoundError` for one that there shall not be.
 */
export type Upstream = (repository: string) => UpstreamRepository;

/** Lists the repositories of an upstream, as `Registry.catalog` does. */
export type UpstreamCatalog = (options?: CallOptions) => AsyncIterable<string>;
