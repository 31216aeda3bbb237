import type { Output } from "./output.ts";

/** One option of a command; every option can be given once. */
export interface OptionSpec {
  readonly type: "string" | "boolean";
  readonly short?: string;
  /** What the value is, for the usage text. */
  readonly value?: string;
  readonly help: string;
}

/** What a command gets to work with. */
export interface CommandContext {
  readonly args: readonly string[];
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
  readonly output: Output;
  readonly signal: AbortSignal;
}

/** One verb of the command line. */
export interface Command {
  readonly name: string;
  /** The arguments, such as `IMAGE [PLACE]`. */
  readonly synopsis: string;
  readonly summary: string;
  /** The least and the most arguments. */
  readonly arity: readonly [number, number];
  readonly options: Readonly<Record<string, OptionSpec>>;
  run(context: CommandContext): Promise<void>;
}

/** Thrown when the command line cannot be understood; the exit code is 2. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** Thrown after the report of an image that is not valid; the exit code is 5. */
export class ValidationFailedError extends Error {
  override name = "ValidationFailedError";
}

/** Gives the value of a text option. */
export function text(context: CommandContext, name: string): string | undefined {
  const value = context.options[name];
  return typeof value === "string" ? value : undefined;
}

/** Tells whether a switch was given. */
export function flag(context: CommandContext, name: string): boolean {
  return context.options[name] === true;
}

/** Gives an argument that the arity guarantees. */
export function argument(context: CommandContext, index: number): string {
  const value = context.args[index];
  if (value === undefined) throw new UsageError(`argument ${index + 1} is missing`);
  return value;
}
