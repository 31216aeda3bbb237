import type { Command, OptionSpec } from "./_command.ts";
import { COMMON_OPTIONS } from "./_options.ts";

/** Writes two columns, the first as wide as it has to be. */
function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join("\n");
}

/** Writes how a command is called. */
export function usageLine({ name, synopsis }: Command): string {
  return `lading ${name} ${synopsis}`.trimEnd();
}

/** Writes the help of the program. */
export function programHelp(commands: readonly Command[]): string {
  const rows = commands.map((command) =>
    [usageLine(command).replace(/^lading /, ""), command.summary] as const
  );
  return `Reads, moves, proves and serves container images.

Usage: lading COMMAND [OPTIONS]

Commands:
${columns(rows)}

An IMAGE or PLACE is a reference such as alpine:3.20 or ghcr.io/acme/app@sha256:…, or it is
oci:DIR[:NAME], oci-archive:FILE[:NAME] or docker-archive:FILE[:NAME].

Answers go to stdout, everything else to stderr. Exit codes: 0 ok, 1 failure, 2 usage, 3 not found,
4 authentication, 5 verification failed, 6 unsafe input, 130 interrupted.

lading COMMAND --help tells more.
`;
}

function optionName(name: string, { short, value }: OptionSpec): string {
  const names = short === undefined ? `    --${name}` : `-${short}, --${name}`;
  return value === undefined ? names : `${names} ${value}`;
}

/** Writes the help of a command. */
export function commandHelp(command: Command): string {
  const { summary, details, options, examples } = command;
  const rows = Object.entries({ ...options, ...COMMON_OPTIONS }).map(([option, spec]) =>
    [optionName(option, spec), spec.help] as const
  );
  return `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.

Usage: ${usageLine(command)} [OPTIONS]
${details === undefined ? "" : `\n${details}\n`}
Options:
${columns(rows)}

Examples:
${examples.map((example) => `  ${example}`).join("\n")}
`;
}
