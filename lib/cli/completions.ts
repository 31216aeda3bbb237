import { argument, type Command, UsageError } from "./_command.ts";
import { bashCompletions } from "./_completions_bash.ts";
import { fishCompletions } from "./_completions_fish.ts";
import { zshCompletions } from "./_completions_zsh.ts";

type Generator = (commands: readonly Command[]) => string;

const SHELLS: ReadonlyMap<string, Generator> = new Map([
  ["bash", bashCompletions],
  ["zsh", zshCompletions],
  ["fish", fishCompletions],
]);

/** `lading completions SHELL`. */
export const completionsCommand: Command = {
  name: "completions",
  synopsis: "bash|zsh|fish",
  summary: "print the completions for a shell",
  arity: [1, 1],
  words: () => [...SHELLS.keys()],
  options: {},
  examples: [
    'eval "$(lading completions bash)"    # in ~/.bashrc',
    'eval "$(lading completions zsh)"     # in ~/.zshrc, after compinit',
    "lading completions fish > ~/.config/fish/completions/lading.fish",
  ],
  async run(context) {
    const shell = argument(context, 0);
    const generate = SHELLS.get(shell);
    if (generate === undefined) {
      throw new UsageError(
        `there are completions for ${[...SHELLS.keys()].join(", ")}, not for ${
          JSON.stringify(shell)
        }`,
      );
    }
    await context.output.text(generate(context.commands));
  },
};
