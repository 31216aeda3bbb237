#!/usr/bin/env node
/**
 * The command line of lading, for Node, Bun and Deno. Answers go to stdout, everything else to
 * stderr. Exit codes: 0 ok, 1 failure, 2 usage, 3 not found, 4 authentication, 5 verification
 * failed, 6 unsafe input, 130 interrupted.
 *
 * @example
 * ```sh
 * lading pull alpine:3.20 oci:./alpine
 * lading ls oci:./alpine
 * ```
 *
 * @module
 */
import { realpathSync } from "node:fs";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { type Command, UsageError } from "./_command.ts";
import { COMMON_OPTIONS } from "./_options.ts";
import { catalogCommand } from "./catalog.ts";
import { catCommand } from "./cat.ts";
import { configCommand } from "./config.ts";
import { copyCommand } from "./copy.ts";
import { digestCommand } from "./digest.ts";
import { EXIT_CODE, exitCode } from "./exit_code.ts";
import { exportCommand } from "./export.ts";
import { inspectCommand } from "./inspect.ts";
import { lsCommand } from "./ls.ts";
import { manifestCommand } from "./manifest.ts";
import { type Output, processOutput } from "./output.ts";
import { pullCommand } from "./pull.ts";
import { tagsCommand } from "./tags.ts";
import { validateCommand } from "./validate.ts";

export type { Output };

const COMMANDS: readonly Command[] = [
  pullCommand,
  copyCommand,
  inspectCommand,
  digestCommand,
  manifestCommand,
  configCommand,
  tagsCommand,
  catalogCommand,
  lsCommand,
  catCommand,
  exportCommand,
  validateCommand,
];

function usage(): string {
  const lines = COMMANDS.map(({ name, synopsis, summary }) =>
    `  ${`${name} ${synopsis}`.padEnd(24)}${summary}`
  );
  return `usage: lading COMMAND [OPTIONS]\n\n${
    lines.join("\n")
  }\n\nlading COMMAND --help tells more.`;
}

function help(command: Command): string {
  const options = Object.entries({ ...command.options, ...COMMON_OPTIONS }).map(([name, spec]) => {
    const short = spec.short === undefined ? "" : `-${spec.short}, `;
    const value = spec.value === undefined ? "" : ` ${spec.value}`;
    return `  ${`${short}--${name}${value}`.padEnd(32)}${spec.help}`;
  });
  return `usage: lading ${command.name} ${command.synopsis} [OPTIONS]\n\n${command.summary}\n\n${
    options.join("\n")
  }`;
}

function distance(a: string, b: string): number {
  let row = [...b, ""].map((_, index) => index);
  for (const [i, left] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, right] of [...b].entries()) {
      const replaced = (row[j] ?? 0) + (left === right ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

function findCommand(name: string): Command {
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (command !== undefined) return command;
  const [nearest] = COMMANDS.map((candidate) => candidate.name)
    .filter((candidate) => distance(candidate, name) <= 2);
  const hint = nearest === undefined ? "see lading --help" : `did you mean "${nearest}"?`;
  throw new UsageError(`there is no command "${name}"; ${hint}`);
}

function parse(command: Command, args: readonly string[]): ReturnType<typeof parseArgs> {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { ...command.options, ...COMMON_OPTIONS },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

async function run(args: readonly string[], signal: AbortSignal, output?: Output): Promise<void> {
  const [name, ...rest] = args;
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    return await (output ?? processOutput({ quiet: false })).line(usage());
  }
  const command = findCommand(name);
  const { values, positionals } = parse(command, rest);
  const out = output ?? processOutput({ quiet: values["quiet"] === true });
  if (values["help"] === true) return await out.line(help(command));
  const [least, most] = command.arity;
  if (positionals.length < least || positionals.length > most) {
    throw new UsageError(`usage: lading ${command.name} ${command.synopsis}`);
  }
  const options = values as Readonly<Record<string, string | boolean | undefined>>;
  await command.run({ args: positionals, options, output: out, signal });
}

/**
 * Runs one command.
 *
 * @param args The arguments without the program's name.
 * @param options A signal that interrupts the command, and an output instead of the process's.
 * @returns The exit code.
 */
export async function main(
  args: readonly string[],
  options: { readonly signal?: AbortSignal; readonly output?: Output } = {},
): Promise<number> {
  const { signal = new AbortController().signal, output } = options;
  try {
    await run(args, signal, output);
    return EXIT_CODE.ok;
  } catch (error) {
    if (signal.aborted) return EXIT_CODE.interrupted;
    // A reader that has enough, such as head, is no failure.
    if ((error as { readonly code?: unknown }).code === "EPIPE") return EXIT_CODE.ok;
    const message = error instanceof Error ? error.message : String(error);
    (output ?? processOutput({ quiet: false })).draw(`lading: ${message}\n`);
    return exitCode(error);
  }
}

function isProgram(): boolean {
  const [, script] = process.argv;
  if (script === undefined) return false;
  try {
    return pathToFileURL(realpathSync(script)).href === import.meta.url;
  } catch {
    return false;
  }
}

/** Runs the command of this process: its arguments, its signals, its exit code. */
export async function runProgram(): Promise<void> {
  const controller = new AbortController();
  process.once("SIGINT", () => controller.abort(new Error("interrupted")));
  process.stdout.on("error", () => process.exit(EXIT_CODE.ok));
  process.exitCode = await main(process.argv.slice(2), { signal: controller.signal });
}

if (isProgram()) await runProgram();
