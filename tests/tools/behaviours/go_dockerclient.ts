/** The options, the error values and the tests of go-dockerclient's `image.go`. */
import type { Behaviour } from "./behaviour.ts";

export const GO_DOCKERCLIENT: readonly Behaviour[] = [
  [
    "ListImages All, Filters, Filter",
    "engine/images: list() asks once",
    "engine/images: list() names images by the old parameter",
  ],
  ["ListImages Digests: they are always there", "engine/images: list() takes null, absent fields"],
  ["ImageHistory", "engine/images: history() reads the recorded reply"],
  [
    "RemoveImage, RemoveImageExtended force=1&noprune=1",
    "engine/images: remove() says what is gone",
  ],
  ["InspectImage", "engine/images: get() reads the recorded reply"],
  [
    "PushImage Tag, auth",
    "engine/push: push() gives the digest",
    "engine/auth_header: pull, push, search and distribution",
  ],
  ["PushImage, PullImage RawJSONStream", "engine/go_dockerclient: the raw stream of an operation"],
  ["PushImage, PullImage OutputStream: events", "engine/pull: pull() gives the newest state"],
  [
    "PushImage, PullImage: an error in the stream",
    "engine/pull: complaint 1:",
    "engine/push: complaint 2:",
  ],
  ["PullImage All", "engine/pull: pullAll() asks for no tag"],
  [
    "PullImage Platform",
    "engine/api_version: old gates hold as well",
    "testing/engine_suite/pulls: of an index",
  ],
  [
    "PullImage of base@sha256, tsuru/bs:latest@sha256",
    "engine/go_dockerclient: names with a tag and a digest",
  ],
  ["InactivityTimeout, ErrInactivityTimeout", "engine/go_dockerclient: ErrInactivityTimeout"],
  [
    "Context: cancel and deadline",
    "engine/abort: abort() ends the request",
    "engine/abort: a signal that has aborted",
  ],
  [
    "LoadImage InputStream, OutputStream, an error in the stream",
    "engine/load: load() takes bytes",
    "engine/load: load() fails unless",
  ],
  ["ExportImage", "engine/save: save() gives what the engine saved"],
  ["ExportImages Names: repeated, never with commas", "engine/save: complaint 16:"],
  [
    "ImportImage Repository, Source, Tag, Platform, InputStream",
    "engine/import: import() sends an archive",
    "engine/import: import() of a URL",
  ],
  [
    "BuildImage, all options, in any order",
    "engine/build_options: every option of docker-py and go-dockerclient",
  ],
  [
    "BuildImage Memswap -1, which it can never send",
    "engine/build_options: every option of docker-py and go-dockerclient",
  ],
  [
    "BuildImage Ulimits, BuildArgs, CacheFrom, Outputs, Version",
    "engine/build_options: every option of docker-py and go-dockerclient",
    "engine/build_buildkit: BuildKit gets version 2",
  ],
  ["BuildImage Remote; no name is made of it here", "engine/build: a URL or a repository"],
  [
    "BuildImage ContextDir, .dockerignore",
    "engine/context_ignore: what .dockerignore leaves of a tree",
  ],
  [
    "BuildImage AuthConfigs, X-Registry-Config as a flat map",
    "engine/auth_header: encodeRegistryConfig()",
    "engine/build_credentials: credentials of the call go before",
  ],
  ["TagImage Repo, Tag", "engine/images: tag() sends repository and tag apart"],
  [
    "SearchImages, SearchImagesEx: escaped, with credentials",
    "engine/images: search() encodes the term",
    "engine/go_dockerclient: a name of a search is encoded",
  ],
  ["PruneImages", "engine/images: prune() takes null for nothing"],
  ["InspectDistribution", "engine/distribution: distribution() gives digest and platforms"],
  ["headersWithAuth", "engine/auth_header: encodeRegistryAuth() writes URL-safe"],
  ["AuthCheck", "engine/auth_header: login() lets the engine try"],
  ["*Error{Status, Message}", "engine/go_dockerclient: Error: the status"],
  [
    "ErrNoSuchImage",
    "engine/go_dockerclient: ErrNoSuchImage",
    "engine/hostile: hostile names are refused by every method",
  ],
  [
    "ErrMissingRepo, ErrMultipleContexts, ErrMustSpecifyNames",
    "engine/go_dockerclient: ErrMustSpecifyNames",
  ],
  [
    "ErrMissingOutputStream: events need no reader",
    "engine/pull: pull() is done when the engine has the image",
  ],
  [
    "ErrInvalidEndpoint, ErrConnectionRefused, ErrCannotParseDockercfg",
    "engine/go_dockerclient: ErrInvalidEndpoint",
  ],
  [
    "NewClient, NewVersionedClient, NewClientFromEnv",
    "engine/api_version: an engine is asked for its version once",
    "engine/api_version: a version that is given",
    "engine/locate: locateEngine() takes the host",
  ],
  [
    "NewAuthConfigurationsFromDockerCfg",
    "runtimes/docker_credentials: hostCredentials() reads ~/.dockercfg",
  ],
  [
    "NewAuthConfigurationsFromCredsHelpers",
    "auth/docker_config: dockerConfigCredentials() asks the helper",
  ],
];
