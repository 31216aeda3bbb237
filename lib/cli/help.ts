import type { Command } from "./_command.ts";
import { commandHelp, programHelp } from "./_help.ts";
import { findCommand } from "./_parse.ts";

/** `lading help [COMMAND]`. */
export const helpCommand: Command = {
  name: "help",
  synopsis: "[COMMAND]",
  summary: "show the help of the program or of a command",
  arity: [0, 1],
  words: (commands) => commands.map(({ name }) => name),
  options: {},
  examples: ["lading help pull", "lading pull --help"],
  async run({ args, commands, output }) {
    const [name] = args;
    const help = name === undefined
      ? programHelp(commands)
      : commandHelp(findCommand(commands, name));
    await output.text(help);
  },
};
