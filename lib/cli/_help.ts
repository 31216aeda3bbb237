import type { Command, OptionSpec } from "./_command.ts";
import { COMMON_OPTIONS } from "./_options.ts";

/** Writes two columns, the first as wide as it has to be. */
function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join("\n");
}

/** Writes the words that call a command, without the program's name. */
export function commandName({ group, name }: Command): string {
  return group === undefined ? name : `${group} ${name}`;
}

/** Writes how a command is called. */
export function usageLine(command: Command): string {
  return `lading ${commandName(command)} ${command.synopsis}`.trimEnd();
}

/** Writes what the commands of a group do, or of the program. */
function commandRows(commands: readonly Command[]): string {
  return columns(
    commands.map((command) =>
      [usageLine(command).replace(/^lading /, ""), command.summary] as const
    ),
  );
}

/** Writes the help of the program. */
export function programHelp(commands: readonly Command[]): string {
  return `Reads, moves, proves and serves container images.

Usage: lading COMMAND [OPTIONS]

Commands:
${commandRows(commands)}

An IMAGE or PLACE is a reference such as alpine:3.20 or ghcr.io/acme/app@sha256:…, or it is
oci:DIR[:NAME], oci-archive:FILE[:NAME], docker-archive:FILE[:NAME], dir:DIR, docker-daemon:NAME or,
of a registry of version 1, docker-v1://NAME.

Answers go to stdout, everything else to stderr. Exit codes: 0 ok, 1 failure, 2 usage, 3 not found,
4 authentication, 5 verification failed, 6 unsafe input, 130 interrupted.

lading COMMAND --help tells more; --debug shows what a registry or an engine is asked.
`;
}

function optionName(name: string, { short, value }: OptionSpec): string {
  const names = short === undefined ? `    --${name}` : `-${short}, --${name}`;
  return value === undefined ? names : `${names} ${value}`;
}

/** Writes the help of a command. */
export function commandHelp(command: Command): string {
  const { summary, details, options, examples, commands } = command;
  if (commands !== undefined && command.isVerb !== true) return groupHelp(command, commands);
  const rows = Object.entries({ ...options, ...COMMON_OPTIONS }).map(([option, spec]) =>
    [optionName(option, spec), spec.help] as const
  );
  return `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.

Usage: ${usageLine(command)} [OPTIONS]
${details === undefined ? "" : `\n${details}\n`}
Options:
${columns(rows)}
${commands === undefined ? "" : `\nCommands:\n${commandRows(commands)}\n`}
Examples:
${examples.map((example) => `  ${example}`).join("\n")}
`;
}

function groupHelp(group: Command, commands: readonly Command[]): string {
  const { name, summary, details, examples } = group;
  return `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.

Usage: lading ${name} COMMAND [OPTIONS]
${details === undefined ? "" : `\n${details}\n`}
Commands:
${commandRows(commands)}

Examples:
${examples.map((example) => `  ${example}`).join("\n")}

lading ${name} COMMAND --help tells more.
`;
}
