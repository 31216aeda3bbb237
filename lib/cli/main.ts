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
import type { Command } from "./_command.ts";
import { withPasswords } from "./_credentials_option.ts";
import { useProxies } from "./_node_proxies.ts";
import { errorText } from "./_error_text.ts";
import { type CommandLine, parseCommandLine } from "./_parse.ts";
import { TRANSFER_COMMANDS } from "./_transfer_commands.ts";
import { EXIT_CODE, exitCode } from "./exit_code.ts";
import type { Output } from "./output.ts";
import { OutputClosedError, processOutput } from "./process_output.ts";

export type { Output };

/** How the command is run in a program. */
export interface MainOptions {
  /** Interrupts the command. */
  readonly signal?: AbortSignal | undefined;
  /** Where it writes; the process's stdout and stderr by default. */
  readonly output?: Output | undefined;
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
  options: MainOptions = {},
): Promise<number> {
  const { signal = new AbortController().signal } = options;
  let output = options.output ?? processOutput({ quiet: false });
  let called: CommandLine | undefined;
  const closers: (() => Promise<void>)[] = [];
  const atEnd = (close: () => Promise<void>): void => void closers.push(close);
  try {
    const commands = await commandsFor(args);
    const { command, ...given } = called = parseCommandLine(commands, args);
    const call = { ...given, options: await withPasswords(given.options, signal) };
    if (call.options.has("quiet")) output = options.output ?? processOutput({ quiet: true });
    await command.run({ ...call, output, signal, atEnd, commands });
    return EXIT_CODE.ok;
  } catch (error) {
    // A reader that has enough, such as head, is no failure.
    if (error instanceof OutputClosedError) return EXIT_CODE.ok;
    if (signal.aborted) {
      output.fail("interrupted");
      return EXIT_CODE.interrupted;
    }
    const help = called === undefined ? undefined : await adviceFor(error, called);
    const text = errorText(error);
    output.fail(help === undefined ? text : `${text.replace(/[\s.:]+$/, "")}; ${help}`);
    return exitCode(error);
  } finally {
    await Promise.allSettled(closers.map((close) => close()));
  }
}

/** Loads what knows what helps: few runs fail. */
async function adviceFor(error: unknown, called: CommandLine): Promise<string | undefined> {
  const { advice } = await import("./_advice.ts");
  return await advice(error, called);
}

/** Loads the commands that have to be known to run one: all, unless it is one of a transfer. */
async function commandsFor([name]: readonly string[]): Promise<readonly Command[]> {
  const isTransfer = name !== "help" && TRANSFER_COMMANDS.some((command) => command.name === name);
  return isTransfer ? TRANSFER_COMMANDS : (await import("./_commands.ts")).COMMANDS;
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
  useProxies();
  const controller = new AbortController();
  const interrupt = (): void => {
    // Who asks twice does not want to wait for a clean end.
    if (controller.signal.aborted) process.exit(EXIT_CODE.interrupted);
    controller.abort(new Error("interrupted"));
  };
  process.on("SIGINT", interrupt).on("SIGTERM", interrupt);
  // What cannot be written is told to who has written it.
  process.stdout.on("error", () => {});
  process.stderr.on("error", () => {});
  process.exitCode = await main(process.argv.slice(2), { signal: controller.signal });
  process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
}

if (isProgram()) await runProgram();
