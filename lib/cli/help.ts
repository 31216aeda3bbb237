import type { Command } from "./_command.ts";
import { commandHelp, programHelp } from "./_help.ts";
import { findCommand } from "./_parse.ts";

/** `lading help [COMMAND]`. */
export const helpCommand: Command = {
  name: "help",
  synopsis: "[COMMAND [COMMAND]]",
  summary: "show the help of the program or of a command",
  arity: [0, 2],
  words: (commands) => commands.map(({ name }) => name),
  options: {},
  examples: ["lading help pull", "lading pull --help", "lading help engine build"],
  async run({ args, commands, output }) {
    const [name, inner] = args;
    if (name === undefined) return await output.text(programHelp(commands));
    const command = findCommand(commands, name);
    const found = inner === undefined ? command : findCommand(command.commands ?? [], inner, name);
    await output.text(commandHelp(found));
  },
};
