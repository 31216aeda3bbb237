/** What users of other clients complain about, in the order of their threads' list. */
import type { Behaviour } from "./behaviour.ts";

export const COMPLAINTS: readonly Behaviour[] = [
  ["a pull succeeds though the stream has an error", "engine/pull: complaint 1:"],
  ["a push succeeds though it was denied", "engine/push: complaint 2:"],
  ["what was loaded is not known, and errors are not raised", "engine/load: complaint 3:"],
  [
    "it resolves before the work is done",
    "engine/pull: pull() is done when the engine has the image",
    "engine/build_failures: a stream that breaks off",
  ],
  ["no progress of remote builds", "engine/build: progress of a download by the engine"],
  [
    "it hangs, or reads half a stream",
    "engine/abort: abort() ends the request",
    "engine/save: cancelling save()",
    "engine/message: decodeMessages() cancels the stream",
    "engine/hostile: an engine that hangs up",
  ],
  [
    "BuildKit is missing",
    "engine/build_buildkit: steps of BuildKit are events",
    "engine/build_failures: an engine that says that it needs a session",
    "interop/engine_build: BuildKit builds without a session",
  ],
  [
    ".dockerignore differs, and is slow",
    "engine/dockerignore: Dockerignore matches every single pattern",
    "engine/dockerignore: hostile patterns take no longer",
    "engine/context_ignore: what .dockerignore leaves of a tree",
    "engine/context_ignore: BuildKit's own .dockerignore",
  ],
  ["reads time out after 60 s", "engine/docker_py: complaint 9:"],
  [
    "whole archives are in memory",
    "engine/save: save() asks the engine when it is read",
    "engine/context_directory: a directory of many large files streams",
    "runtimes/engine_memory.long: 2 GiB are imported",
  ],
  [
    "listing asks for each image, and one that goes meanwhile fails it",
    "engine/images: list() asks once",
  ],
  [
    "the client version is too old",
    "engine/api_version: an engine that was replaced",
    "engine/api_version: an engine is asked for its version once",
  ],
  ["the pushed digest is not known", "engine/push: complaint 13:"],
  ["the ID is not always the digest of the config", "engine/images: complaint 14:"],
  [
    "platforms are confusing",
    "engine/api_version: what an engine is too old for",
    "engine/images: get() and history() ask newer engines",
    "engine/save: save() asks for platforms in JSON",
  ],
  ["several images cannot be saved", "engine/save: complaint 16:"],
  [
    "a helper that fails breaks builds that do not need it",
    "engine/build_credentials: credentials go along for the registries",
    "engine/docker_py: only the registry in question",
  ],
  [
    "contexts are ignored",
    "engine/locate: locateEngine() takes the host of the call",
    "interop/engine_connect: Engine.connect() goes where",
  ],
  ["names that are good are refused", "engine/build_options: every tag that docker-py takes"],
  [
    "a pull by digest loses the name",
    "engine/pull: pull() by digest",
    "engine/go_dockerclient: names with a tag and a digest",
  ],
  [
    "several objects in a chunk, half a character",
    "engine/message: decodeMessages() finds messages wherever",
  ],
  ["rate limits and missing rights come as 500", "engine/pull: complaint 22:"],
  ["base64 of the wrong kind", "engine/auth_header: encodeRegistryAuth() writes URL-safe"],
  [
    "sockets do not work on Bun or Deno",
    "runtimes/engine_suite: Docker's engine does",
    "runtimes/engine_transport: requests arrive as they are",
  ],
  ["a tag is missing after its push", "testing/engine_suite/registries: pushing tells the digest"],
];
