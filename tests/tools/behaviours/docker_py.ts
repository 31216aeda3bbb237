/**
 * What docker-py's unit and integration tests hold it to, of images, builds, credentials and
 * utilities. Names of its tests are without `test_`; what lading does otherwise is said in the row.
 */
import type { Behaviour } from "./behaviour.ts";

/** Requests, answers and streams. */
const REQUESTS: readonly Behaviour[] = [
  [
    "api_test url_valid_resource: names stand in paths as they are",
    "engine/docker_py: names stand in paths",
  ],
  [
    "api_test url_invalid_resource: what is no text is no name",
    "engine/hostile: what programs without types forget",
  ],
  [
    "regression 647_support_doubleslash_in_image_names: refused",
    "engine/hostile: hostile names are refused by every method",
  ],
  [
    "requests drops None",
    "engine/images: list() asks once",
    "engine/build_options: what is not asked for is no parameter",
  ],
  ["api_test custom_user_agent", "engine/docker_py: the name of the client"],
  [
    "utils_test update_headers: HttpHeaders go along, explicit ones first",
    "engine/images: every request has the headers",
    "engine/locate: locateEngine() reads headers and proxies",
  ],
  [
    "requests of a version that the engine does not speak",
    "testing/engine_suite/versions: versions of the API are too new",
  ],
  [
    "api_test retrieve_server_version, utils_test compare_versions: by number",
    "engine/api_version: compareApiVersions()",
    "engine/api_version: an engine is asked for its version once",
  ],
  [
    "api_test version pinned by the caller",
    "engine/api_version: a version that is given is not asked for",
  ],
  [
    "utils_test convert_filters",
    "engine/docker_py: filters of every kind",
    "engine/images: list() does not change the filters",
  ],
  ["utils_test ParseRepositoryTagTest", "engine/docker_py: names fall into repository and tag"],
  [
    "bodies have the type of archives or of JSON",
    "engine/docker_py: nothing is ever sent as a form",
  ],
  [
    "errors_test status, is_client_error, is_server_error, explanation",
    "engine/hostile: error bodies of every kind",
    "engine/go_dockerclient: Error: the status",
  ],
  [
    "errors_test create_api_error_from_http_exception: which 404 is a missing image",
    "engine/docker_py: which 404 is a missing image",
  ],
  [
    "errors_test create_error_from_exception, StreamParseError: half a stream is no success",
    "engine/message: decodeMessages() fails when the stream ends within",
  ],
  [
    "api_test stream_helper, regression 443: answers in one piece are streams too",
    "engine/docker_py: an answer in one piece",
  ],
  [
    "utils_json_stream_test with_leading_whitespace, with_trailing_newline, several objects",
    "engine/message: decodeMessages() reads several messages in a chunk",
  ],
  [
    "utils_json_stream_test objects over chunks",
    "engine/message: decodeMessages() finds messages wherever",
  ],
  [
    "utils_json_stream_test with_falsy_entries",
    "engine/message: decodeMessages() passes over empty objects and lists",
  ],
  [
    "api_test decoding of ed f3 f3: U+FFFD, and the rest whole",
    "engine/docker_py: bytes that are no UTF-8",
  ],
  [
    "api_test early_stream_response: a refusal during an upload is heard",
    "engine/build_failures: an engine that refuses while the context",
    "runtimes/engine_transport: who refuses a request while it is sent",
  ],
  [
    "api_test tcp_socket_stream, unix_socket_stream",
    "runtimes/engine_transport: requests arrive as they are",
    "runtimes/engine_suite: Docker's engine does",
  ],
  [
    "api_test disable_socket_timeout, load_image timeout: no limit here that nobody set",
    "engine/docker_py: complaint 9:",
    "engine/abort: an engine that is silent",
  ],
];

/** `ImageApiMixin` and `models/images.py`. */
const IMAGES: readonly Behaviour[] = [
  [
    "image_test image_viz: GraphViz went with API 1.7",
    "engine/images: request() is a way to everything else",
  ],
  [
    "image_test images, images_name, images_filters, images_filter_with_api: parameters",
    "engine/images: list() asks once",
    "engine/images: list() names images by the old parameter",
  ],
  [
    "api_image_test images: as many as the engine counts",
    "testing/engine_suite/builds: a Dockerfile from scratch",
  ],
  ["api_image_test images_quiet: IDs", "testing/engine_suite/lists: a loaded image is listed"],
  [
    "models_images_test list: by name, with latest or without",
    "engine/docker_py: a name and the same with latest",
  ],
  [
    "models_images_test list_with_repository: a name that went finds nothing",
    "engine/docker_py: a name that was taken away",
  ],
  [
    "models_images_test list_filters: chosen by the engine",
    "testing/engine_suite/lists: lists are chosen by names, labels and age",
    "testing/engine_suite/lists: filters that are none are refused",
  ],
  ["image_test image_history", "engine/images: history() reads the recorded reply"],
  [
    "image_test inspect_image, inspect_image_undefined_id (NullResource)",
    "engine/images: get() reads the recorded reply",
    "engine/hostile: what programs without types forget",
  ],
  ["models_images_test get", "testing/engine_suite/lists: a loaded image is listed"],
  [
    "image_test import_image, import_image_from_bytes, import_image_from_image: parameters",
    "engine/import: import() sends an archive as one",
    "engine/import: import() of an image",
  ],
  [
    "api_image_test import_from_bytes: bytes are bytes, whatever they spell",
    "engine/docker_py: bytes of an import",
  ],
  [
    "api_image_test import_from_file: a path is named as one",
    "engine/load: load() takes bytes, streams, functions, blobs and files",
  ],
  [
    "api_image_test import_from_stream, import_image_from_data_with_changes, import_from_file_with_changes",
    "testing/engine_suite/imports: the archive of a file tree",
  ],
  [
    "api_image_test import_from_url: no body",
    "engine/import: import() of a URL",
    "testing/fake_engine_options: fakeEngine() downloads what",
  ],
  [
    "api_image_test bad imports",
    "testing/engine_suite/imports: trees and changes that cannot be imported",
  ],
  ["image_test pull: parameters", "engine/pull: pull() sends name and tag apart"],
  [
    "api_image_test pull, pull_streaming: done when the image is there",
    "testing/engine_suite/pulls: images are pulled by tag",
    "engine/pull: pull() is done when the engine has the image",
  ],
  [
    "api_image_test pull_invalid_platform",
    "engine/docker_py: a platform that is none",
    "testing/engine_suite/pulls: what a registry does not have",
  ],
  [
    "models_images_test pull, pull_with_sha, pull_with_tag, pull_tag_precedence",
    "engine/pull: pull() by digest",
    "engine/docker_py: names fall into repository and tag",
    "testing/engine_suite/pulls: images are pulled by tag",
  ],
  [
    "models_images_test pull_multiple: all tags, each an image",
    "engine/pull: pullAll() asks for no tag",
    "testing/engine_suite/pulls: all tags of a repository",
  ],
  [
    "models_images_test pull platform of an index",
    "testing/engine_suite/pulls: of an index the image of the platform",
  ],
  [
    "image_test push_image, push_image_with_tag, push_image_with_auth, push_image_stream",
    "engine/push: push() gives the digest",
    "engine/auth_header: pull, push, search and distribution",
  ],
  [
    "models_images_test push",
    "testing/engine_suite/registries: pushing tells the digest",
    "testing/engine_suite/registries: what cannot be pushed",
  ],
  ["push without a tag pushes one here; all on request", "engine/push: push() of all tags"],
  [
    "image_test tag_image, tag_image_tag, tag_image_force",
    "engine/images: tag() sends repository and tag apart",
    "testing/engine_suite/names: names are given and move",
  ],
  [
    "names that cannot be given",
    "testing/engine_suite/names: names that cannot be given",
    "engine/hostile: hostile tags are refused too",
  ],
  [
    "api_image_test remove, models_images_test remove: a list of what went",
    "testing/engine_suite/removing: removing takes names away first",
    "testing/engine_suite/removing: removing by ID takes the only name along",
  ],
  [
    "remove_image 404 and 409",
    "engine/images: remove() tells a missing image",
    "testing/engine_suite/lists: what is not there is refused",
  ],
  [
    "api_image_test prune_images: what dangles, all on request",
    "testing/engine_suite/removing: pruning removes what dangles",
    "engine/images: prune() takes null for nothing",
  ],
  [
    "api_image_test prune_images: what a container uses stays",
    "interop/engine_suite: containers keep images",
  ],
  ["api_image_test commit, commit_with_changes", "interop/engine_suite: containers keep images"],
  [
    "api_image_test search, models_images_test search",
    "engine/images: search() encodes the term",
    "testing/engine_suite/registries: searches for too much",
  ],
  [
    "image_test get_image, api_image_test get_image_load_image: a round trip",
    "testing/engine_suite/archives: archives go out and come in",
    "engine/save: save() gives what the engine saved",
  ],
  ["get_image chunk_size", "engine/save: save() cuts the archive into chunks"],
  [
    "api_image_test get_load_image: Loaded image",
    "engine/load: complaint 3:",
    "testing/engine_suite/archives: archives may be compressed",
  ],
  [
    "image_test load_image, load_image_quiet: gated, no content type of a form",
    "engine/load: load() takes quiet and platforms",
    "engine/docker_py: nothing is ever sent as a form",
  ],
  [
    "models_images_test load: what was loaded, by name and by ID",
    "engine/load: complaint 3:",
  ],
  [
    "models_images_test load_error, load_corrupt: an error in a good answer fails",
    "testing/engine_suite/archives: archives that are none",
    "engine/load: load() fails unless something was loaded",
  ],
  [
    "models_images_test save_and_load, save_and_load_repo_name",
    "engine/docker_py: names of archives come back",
    "testing/engine_suite/archives: an archive has the names",
  ],
  [
    "models_images_test save, save_name, save_name_error",
    "engine/save: a handle saves itself by ID",
    "engine/docker_py: names of archives come back",
  ],
  [
    "models_images_test short_id, tags, labels",
    "engine/images: get() gives a handle",
    "engine/images: an image without names, labels and config",
  ],
  ["models Image.__eq__, __hash__, __repr__", "engine/docker_py: handles of one image have one ID"],
  [
    "models_images_test history, reload, remove, tag: by the ID",
    "engine/images: a handle asks by its ID",
  ],
  [
    "inspect_distribution: with credentials, gated",
    "engine/auth_header: pull, push, search and distribution",
    "engine/api_version: old gates hold as well",
    "testing/engine_suite/registries: registries are asked",
  ],
  [
    "models_images_test get_registry_data, models RegistryData.id, short_id, image_name",
    "engine/distribution: distribution() gives digest and platforms",
    "engine/docker_py: platforms of a registry",
  ],
  [
    "RegistryData.has_platform: texts, objects, as on the engine; no answer is no false",
    "engine/docker_py: platforms of a registry",
    "engine/distribution: hasPlatform() does not guess",
  ],
  [
    "RegistryData.pull, reload: with the credentials that were given",
    "engine/distribution: distribution() keeps the credentials",
  ],
  [
    "version gates: InvalidVersion",
    "engine/api_version: what an engine is too old for",
    "engine/api_version: old gates hold as well",
  ],
];

/** `BuildApiMixin`, the packing of contexts and `.dockerignore`. */
const BUILDS: readonly Behaviour[] = [
  [
    "api_build_test build_container, build_container_pull, build_container_stream, build_container_custom_context",
    "engine/build: build() posts the context",
    "interop/engine_build: the classic builder builds from every kind of context",
  ],
  [
    "api_build_test build_container_custom_context_gzip, encoding",
    "engine/context_docker_cli: archives of the docker command itself",
    "interop/engine_build: the classic builder builds from every kind of context",
  ],
  ["api_build_test build_gzip_encoding", "engine/context_directory: a context that is to be gzip"],
  [
    "api_build_test build_remote_with_registry_auth, build_container_with_named_dockerfile, every parameter",
    "engine/build_options: every option of docker-py and go-dockerclient",
    "engine/build: a URL or a repository is a parameter",
  ],
  [
    "api_build_test build_container_with_container_limits, build_container_invalid_container_limits",
    "engine/build_options: every option of docker-py and go-dockerclient",
    "engine/build_options: what is wrong with options",
  ],
  [
    "api_build_test build_container with an empty or bad tag, utils_build_test TagTest",
    "engine/build_options: every tag that docker-py takes",
    "engine/build_options: what is wrong with options",
  ],
  ["version gates of options", "engine/build_options: an engine that is too old for an option"],
  [
    "api_build_test set_auth_headers_with_empty_dict_and_auth_configs, ..._with_dict_and_auth_configs, ..._with_dict_and_no_auth_configs: only what the Dockerfile names",
    "engine/build_credentials: credentials go along for the registries",
    "engine/build_credentials: credentials of the call go before",
  ],
  [
    "api_build_test build: neither path nor fileobj, no directory: TypeError before anything is sent",
    "engine/context: what is no context is refused",
    "engine/hostile: archives and contexts that cannot be read",
  ],
  [
    "api_build_test process_dockerfile",
    "engine/context_dockerfile: the Dockerfile is found as docker-py's process_dockerfile",
  ],
  [
    "api_build_test build_out_of_context_dockerfile, build_in_context_dockerfile, ..._nested, ..._abs",
    "engine/build: a directory is packed",
    "interop/engine_build: the classic builder builds from every kind of context",
  ],
  [
    "api_build_test build_streaming, build_from_stringio",
    "engine/context_dockerfile: a Dockerfile alone is a context",
    "engine/build: a recorded build gives its output",
  ],
  [
    "api_build_test build_with_dockerignore",
    "interop/engine_build: the classic builder builds from every kind of context",
  ],
  [
    "api_build_test build_with_proxy, build_with_proxy_and_buildargs, utils_proxy_test",
    "engine/build_options: proxies of the configuration",
    "interop/engine_build: the classic builder builds from every kind of context",
  ],
  [
    "api_build_test build_with_buildargs, build_labels, build_with_cache_from, build_container_with_target, build_with_network_mode, build_with_extra_hosts, build_shmsize, build_isolation",
    "interop/engine_build: the classic builder builds from every kind of context",
    "testing/engine_suite/builds: a stage is where",
  ],
  ["api_build_test build_squash", "interop/engine_build: squashing makes one layer"],
  [
    "api_build_test build_stderr_data, build_gzip_encoding: the last words",
    "interop/engine_build: the classic builder builds from every kind of context",
  ],
  [
    "api_build_test build_with_dockerfile_empty_lines: white space in .dockerignore does no harm",
    "engine/dockerignore: parseDockerignore() drops lines of white space",
  ],
  [
    "api_build_test build_invalid_platform",
    "engine/build_options: what is wrong with options",
    "interop/engine_build: the classic builder builds from every kind of context",
  ],
  [
    "api_build_test build_with_network_mode none: the code of the error",
    "engine/build_failures: the exit code of a step",
  ],
  [
    "models_images_test build: the image and its log",
    "testing/engine_suite/builds: a Dockerfile from scratch",
  ],
  [
    "models_images_test build_with_error, BuildError.msg, build_log",
    "engine/build_failures: a build that fails after a good begin",
    "testing/engine_suite/builds: builds that cannot be",
  ],
  [
    "models_images_test build_with_success_build_output, build_with_multiple_success",
    "engine/build: the ID comes from aux",
  ],
  [
    "models_images_test build without an ID: BuildError",
    "engine/build_failures: a build that tells no ID",
  ],
  [
    "api_build_test prune_builds: parameters and gates",
    "engine/images: pruneBuilds() names the space to keep",
    "engine/api_version: old gates hold as well",
  ],
  [
    "utils_build_test ExcludePathsTest, the table of patterns",
    "engine/context_ignore: the exclusions that docker-py tests",
  ],
  [
    "utils_build_test ExcludePathsTest parent_directory, readme.md, [!a], a\\*b, **.txt: as moby",
    "engine/dockerignore: docker-py's divergences",
    "engine/dockerignore: the rows in which Docker and docker-py differ",
  ],
  [
    "utils_build_test TarTest empty_directory, symlinks, broken symlink",
    "engine/context_directory: empty directories are sent",
  ],
  [
    "utils_build_test TarTest socket_file, fifo, modes",
    "engine/context_docker_cli: contexts are what the docker command packs",
  ],
  [
    "utils_build_test TarTest inaccessible_file: its error is that of the build",
    "engine/context: an error of the file system",
    "engine/build_failures: a context that breaks off",
  ],
  [
    "utils_build_test TarTest negative_mtime, large mtime",
    "engine/context_directory: times before 1970 and after 2242",
  ],
  [
    "utils_build_test file_list, extra files go before those of the context",
    "engine/context_dockerfile: a Dockerfile is added to an archive",
  ],
];

/** Credentials, and where the engine is. */
const CREDENTIALS: readonly Behaviour[] = [
  [
    "auth_test encode_header 803: URL-safe base64 with padding",
    "engine/auth_header: encodeRegistryAuth() writes URL-safe",
  ],
  [
    "auth_test encode_header, forms of credentials",
    "engine/auth_header: encodeRegistryAuth() has a form for each",
  ],
  ["auth_test ResolveRepositoryNameTest, the table", "engine/docker_py: the registry of a name"],
  [
    "auth_test ResolveRepositoryNameTest invalid_index_name",
    "engine/docker_py: the registry of a name",
  ],
  ["auth_test ResolveAuthTest, the table", "engine/docker_py: the entry of a registry"],
  [
    "auth_test ResolveAuthTest default_explicit_none, default_registry: every name of the Hub",
    "engine/docker_py: the entry of a registry",
    "engine/auth_header: encodeRegistryAuth() names Docker Hub",
  ],
  [
    "auth_test ResolveAuthTest, a store that answers nothing",
    "auth/docker_config: dockerConfigCredentials() asks the helper",
  ],
  [
    "auth_test parse_auth, LoadConfigTest unknown_keys, invalid_auth_dict, utf8",
    "engine/docker_py: odd configurations",
  ],
  [
    "auth_test LoadConfigTest identity_token",
    "auth/docker_config: dockerConfigCredentials() prefers a registry token",
  ],
  [
    "auth_test LoadConfigTest load_legacy_config, load_json_config (.dockercfg)",
    "auth/legacy_docker_config: parseLegacyDockerConfig() reads two lines",
    "auth/legacy_docker_config: parseLegacyDockerConfig() reads entries",
  ],
  [
    "utils_config_test find_config_file: DOCKER_CONFIG, ~/.docker, ~/.dockercfg, none",
    "runtimes/docker_credentials: hostCredentials() asks variables and files",
    "runtimes/docker_credentials: hostCredentials() reads ~/.dockercfg",
    "runtimes/docker_credentials: hostCredentials() knows nothing",
  ],
  [
    "auth_test get_all_credentials, credstore, 3_sources: a registry is asked for, never all",
    "engine/docker_py: only the registry in question",
    "engine/build_credentials: credentials go along for the registries",
  ],
  [
    "auth_test get_all_credentials with_empty_credhelper",
    "auth/helper: askHelper() gives anonymous credentials",
  ],
  [
    "a helper that fails",
    "engine/auth_header: a credential helper that fails",
    "engine/build_credentials: credentials go along for the registries",
  ],
  [
    "credentials store_test get, store, erase, list",
    "auth/helper: askHelper() speaks the protocol",
    "auth/helper: storeInHelper() gives",
    "auth/helper: listHelper() reads",
    "auth/helper: eraseFromHelper() erases",
  ],
  [
    "credentials store_test missing binary, StoreError",
    "auth/helper: askHelper() fails when the helper cannot be run",
    "auth/helper: askHelper() fails when the helper fails",
  ],
  [
    "credentials utils_test create_environment_dict",
    "runtimes/docker_credentials: hostCredentials() gives helpers what they need",
  ],
  ["auth_config of the call goes first", "engine/auth_header: credentials of a call go before"],
  [
    "api_test login: tried at the registry, kept nowhere here",
    "engine/auth_header: login() lets the engine try",
    "engine/docker_py: a login is kept nowhere",
    "testing/engine_suite/registries: credentials are tried",
  ],
  [
    "api_test login with a wrong password",
    "engine/auth_header: login() tells that credentials are wrong",
  ],
  [
    "utils_test ParseHostTest, the tables",
    "engine/endpoint: parseEngineHost() reads every form",
    "engine/endpoint: parseEngineHost() refuses what leads nowhere",
  ],
  ["utils_test ParseHostTest tls", "engine/endpoint: parseEngineHost() speaks TLS"],
  [
    "utils_test kwargs_from_env: empty, tls, no cert path, alternate environment",
    "engine/locate: locateEngine() goes to the usual socket",
    "engine/locate: locateEngine() speaks TLS",
  ],
  [
    "tls TLSParameterError: half of a certificate",
    "engine/locate: locateEngine() refuses half of a certificate",
  ],
  [
    "context_test, api_test from_context: which context goes first",
    "engine/locate: locateEngine() takes the host of the call",
    "interop/engine_connect: Engine.connect() goes where",
  ],
  [
    "context_test: one that is absent is an error here, as for the docker command",
    "engine/locate: locateEngine() refuses a context",
  ],
  ["context_test: TLS of a context", "engine/locate: locateEngine() reads the TLS files"],
  [
    "utils_config_test load_general_config: broken files",
    "engine/locate: locateEngine() says which file is broken",
  ],
  [
    "sshadapter_test, api_test ssh",
    "interop/engine_connect: ssh:// reaches an engine",
    "runtimes/engine_ssh: ssh:// runs",
  ],
];

export const DOCKER_PY: readonly Behaviour[] = [
  ...REQUESTS,
  ...IMAGES,
  ...BUILDS,
  ...CREDENTIALS,
];
