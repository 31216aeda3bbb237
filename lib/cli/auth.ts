import { authTokenCommand } from "./auth_token.ts";
import { type Command, UsageError } from "./_command.ts";

const COMMANDS: readonly Command[] = [authTokenCommand];

/** `lading auth COMMAND`. */
export const authCommand: Command = {
  name: "auth",
  synopsis: "COMMAND",
  summary: "show what a registry lets other programs in with",
  arity: [0, 1000],
  options: {},
  commands: COMMANDS,
  examples: ["lading auth token ghcr.io/acme/app"],
  run: () => Promise.reject(new UsageError("name what to do; see lading auth --help")),
};
