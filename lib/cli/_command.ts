import type { Output } from "./output.ts";

/** One option of a command; the last of several counts, unless it is a list. */
export interface OptionSpec {
  readonly type: "string" | "boolean";
  /** Whether it may be given several times, and all of them count. */
  readonly isList?: true;
  readonly short?: string;
  /** Whether no message may quote what was given. */
  readonly isSecret?: true;
  /** What the value is, for the help. */
  readonly value?: string;
  readonly help: string;
}

/** The options of a command by their long names. */
export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

/** What was given for the options, by their long names. */
export type OptionValues = ReadonlyMap<string, string | true | readonly string[]>;

/** What a command gets to work with. */
export interface CommandContext {
  readonly args: readonly string[];
  readonly options: OptionValues;
  readonly output: Output;
  readonly signal: AbortSignal;
  /** Has something closed when the command ends, however it does. */
  readonly atEnd: (close: () => Promise<void>) => void;
  /** Every command, for those that speak about commands. */
  readonly commands: readonly Command[];
}

/** One verb of the command line. */
export interface Command {
  readonly name: string;
  /** The group that it belongs to: `engine` of `lading engine pull`. */
  readonly group?: string;
  /** The commands of a group. */
  readonly commands?: readonly Command[];
  /** Whether a group does something by itself too: `blob PLACE@DIGEST` beside `blob push`. */
  readonly isVerb?: true;
  /** The arguments, such as `IMAGE [PLACE]`. */
  readonly synopsis: string;
  readonly summary: string;
  /** The least and the most arguments. */
  readonly arity: readonly [number, number];
  readonly options: OptionSpecs;
  /** What the first argument can be, where that is a list of words. */
  readonly words?: (commands: readonly Command[]) => readonly string[];
  /** What there is to know besides. */
  readonly details?: string;
  /** Whole command lines. */
  readonly examples: readonly string[];
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
  const value = context.options.get(name);
  return typeof value === "string" ? value : undefined;
}

/** Gives the values of an option that may be given several times, in their order. */
export function list(context: CommandContext, name: string): readonly string[] {
  const value = context.options.get(name);
  return value === undefined || typeof value !== "object" ? [] : value;
}

/** Tells whether a switch was given. */
export function flag(context: CommandContext, name: string): boolean {
  return context.options.get(name) === true;
}

/** Gives an argument that the arity guarantees. */
export function argument(context: CommandContext, index: number): string {
  const value = context.args[index];
  if (value === undefined) throw new UsageError(`argument ${index + 1} is missing`);
  return value;
}
