import type { Command, OptionSpecs } from "./_command.ts";
import { COMMON_OPTIONS } from "./_options.ts";

/** The options that completions offer behind a command: of a group those of all in it. */
export function completedOptions({ options, commands = [] }: Command): OptionSpecs {
  return Object.assign({}, options, ...commands.map((inner) => inner.options), COMMON_OPTIONS);
}

/** The words that completions offer behind a command: of a group the names of what is in it. */
export function completedWords(
  command: Command,
  all: readonly Command[],
): readonly string[] | undefined {
  return command.words?.(all) ?? command.commands?.map(({ name }) => name);
}
