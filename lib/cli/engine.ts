import { type Command, UsageError } from "./_command.ts";
import { buildCommand } from "./engine_build.ts";
import { distributionCommand } from "./engine_distribution.ts";
import { historyCommand } from "./engine_history.ts";
import { imagesCommand } from "./engine_images.ts";
import { importCommand } from "./engine_import.ts";
import { infoCommand } from "./engine_info.ts";
import { inspectCommand } from "./engine_inspect.ts";
import { loadCommand } from "./engine_load.ts";
import { pruneCommand } from "./engine_prune.ts";
import { pullCommand } from "./engine_pull.ts";
import { pushCommand } from "./engine_push.ts";
import { rmCommand } from "./engine_rm.ts";
import { saveCommand } from "./engine_save.ts";
import { searchCommand } from "./engine_search.ts";
import { tagCommand } from "./engine_tag.ts";

const COMMANDS: readonly Command[] = [
  imagesCommand,
  inspectCommand,
  historyCommand,
  pullCommand,
  pushCommand,
  tagCommand,
  rmCommand,
  pruneCommand,
  searchCommand,
  saveCommand,
  loadCommand,
  importCommand,
  buildCommand,
  distributionCommand,
  infoCommand,
];

/** `lading engine COMMAND`. */
export const engineCommand: Command = {
  name: "engine",
  synopsis: "COMMAND",
  summary: "work with the images of a Docker engine, or of podman",
  arity: [0, 1000],
  options: {},
  commands: COMMANDS,
  details:
    "The engine is found as the docker command finds it: DOCKER_HOST, contexts, TLS and ssh. What it\n" +
    "does not do is an error, in its own words.",
  examples: [
    "lading engine images",
    "lading engine build ./site -t site:dev",
    "lading engine save site:dev | lading push - registry.acme.dev/site:dev",
  ],
  run: () => Promise.reject(new UsageError("name what to do; see lading engine --help")),
};
