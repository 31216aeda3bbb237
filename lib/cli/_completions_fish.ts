import type { Command, OptionSpec } from "./_command.ts";
import { completedOptions, completedWords } from "./_completed.ts";

function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}

function optionLine(command: Command, [name, spec]: [string, OptionSpec]): string {
  const { short, value, help } = spec;
  return [
    `complete -c lading -n ${quoted(`__fish_seen_subcommand_from ${command.name}`)} -l ${name}`,
    ...(short === undefined ? [] : [`-s ${short}`]),
    ...(value === undefined ? [] : ["-x"]),
    `-d ${quoted(help)}`,
  ].join(" ");
}

function commandLines(command: Command, commands: readonly Command[]): string[] {
  const { name, summary } = command;
  const words = completedWords(command, commands);
  return [
    `complete -c lading -n __fish_use_subcommand -f -a ${name} -d ${quoted(summary)}`,
    ...Object.entries(completedOptions(command)).map((entry) => optionLine(command, entry)),
    ...(words === undefined ? [] : [
      `complete -c lading -n ${quoted(`__fish_seen_subcommand_from ${name}`)} -f -a ${
        quoted(words.join(" "))
      }`,
    ]),
  ];
}

/** Writes the completions for fish. */
export function fishCompletions(commands: readonly Command[]): string {
  const lines = commands.flatMap((command) => commandLines(command, commands));
  return `# Completions of lading for fish, written by: lading completions fish
${lines.join("\n")}
`;
}
