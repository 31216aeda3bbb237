import { type Command, UsageError } from "./_command.ts";
import { artifactPullCommand } from "./artifact_pull.ts";
import { artifactPushCommand } from "./artifact_push.ts";

const COMMANDS: readonly Command[] = [artifactPushCommand, artifactPullCommand];

/** `lading artifact COMMAND`. */
export const artifactCommand: Command = {
  name: "artifact",
  synopsis: "COMMAND",
  summary: "store files in a registry, and get them back",
  arity: [0, 1000],
  options: {},
  commands: COMMANDS,
  examples: [
    "lading artifact push ghcr.io/acme/rules:1 rules.json --artifact-type application/vnd.acme.rules",
    "lading artifact pull ghcr.io/acme/rules:1 ./rules",
  ],
  run: () => Promise.reject(new UsageError("name what to do; see lading artifact --help")),
};
