import { parseArgs } from "node:util";
import { type Command, type OptionSpecs, type OptionValues, UsageError } from "./_command.ts";
import { commandName, usageLine } from "./_help.ts";
import { nearest } from "./_nearest.ts";
import { COMMON_OPTIONS } from "./_options.ts";

/** A command line that was understood. */
export interface CommandLine {
  readonly command: Command;
  readonly args: readonly string[];
  readonly options: OptionValues;
}

/** What stands for a command without being one. */
const ALIASES: ReadonlyMap<string | undefined, string> = new Map([
  [undefined, "help"],
  ["--help", "help"],
  ["-h", "help"],
  ["--version", "version"],
  ["-V", "version"],
  ["-v", "version"],
]);

/** Finds a command by its name, one of the program or of a group. */
export function findCommand(
  commands: readonly Command[],
  name: string,
  group?: string,
): Command {
  const command = commands.find((candidate) => candidate.name === name);
  if (command !== undefined) return command;
  const help = group === undefined ? "--help" : `${group} --help`;
  if (name.startsWith("-")) {
    throw new UsageError(`options come after the command; see lading ${help}`);
  }
  throw new UsageError(
    `there is no command ${JSON.stringify(name)}${group === undefined ? "" : ` of ${group}`}; ` +
      hint(name, commands.map(nameOf), help),
  );
}

function nameOf({ name }: Command): string {
  return name;
}

function hint(word: string, candidates: readonly string[], where: string): string {
  const meant = nearest(word, candidates);
  return meant === undefined ? `see lading ${where}` : `did you mean "${meant}"?`;
}

/**
 * Parses the arguments of the program: a command, then its options and arguments in any order.
 *
 * @throws {UsageError} when they make no sense.
 */
export function parseCommandLine(
  commands: readonly Command[],
  args: readonly string[],
): CommandLine {
  const [first, ...rest] = args;
  const command = findCommand(commands, ALIASES.get(first) ?? first ?? "");
  const inner = command.commands;
  if (
    inner !== undefined && (command.isVerb !== true || inner.some(({ name }) => name === rest[0]))
  ) {
    return parseGroup(commands, command, inner, rest);
  }
  return parseCommand(commands, command, rest);
}

/** Parses what stands behind a group: a command of it, and its arguments. */
function parseGroup(
  all: readonly Command[],
  group: Command,
  commands: readonly Command[],
  [first = "--help", ...rest]: readonly string[],
): CommandLine {
  if (first === "--help" || first === "-h") {
    return { command: findCommand(all, "help"), args: [group.name], options: new Map() };
  }
  return parseCommand(all, findCommand(commands, first, group.name), rest);
}

function parseCommand(
  commands: readonly Command[],
  command: Command,
  rest: readonly string[],
): CommandLine {
  const parsed = parseRest(command, rest);
  // Help is given to everybody who asks, whatever else they wrote.
  if (parsed.options.get("help") === true) {
    const args = command.group === undefined ? [command.name] : [command.group, command.name];
    return { ...parsed, command: findCommand(commands, "help"), args };
  }
  const [least, most] = command.arity;
  const { length } = parsed.args;
  if (length < least || length > most) {
    const much = length < least ? "few" : "many";
    throw new UsageError(
      `too ${much} arguments; usage: ${usageLine(command)}`,
    );
  }
  return { command, ...parsed };
}

function parseRest(command: Command, args: readonly string[]): Omit<CommandLine, "command"> {
  const specs: OptionSpecs = { ...command.options, ...COMMON_OPTIONS };
  // Not strict: the runtimes word their errors differently, and none suggests.
  const { tokens } = parseArgs({
    args: args.map((arg) => arg.startsWith("-:") ? MARK + arg : arg),
    allowPositionals: true,
    strict: false,
    tokens: true,
    options: specs,
  });
  const options = new Map<string, string | true | string[]>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") positionals.push(unmarked(token.value));
    if (token.kind !== "option") continue;
    const value = valueOf(command, specs, {
      ...token,
      value: token.value && unmarked(token.value),
    });
    const before = options.get(token.name);
    if (typeof value === "string" && specs[token.name]?.isList === true) {
      options.set(token.name, typeof before === "object" ? [...before, value] : [value]);
    } else options.set(token.name, value);
  }
  return { args: positionals, options };
}

/** Keeps `-:PATH`, the standard input at a place, from being read as options; no argument has a NUL. */
const MARK = "\0";

function unmarked(text: string): string {
  return text.startsWith(MARK) ? text.slice(MARK.length) : text;
}

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
}

function valueOf(command: Command, specs: OptionSpecs, token: OptionToken): string | true {
  const { name, rawName, value, inlineValue } = token;
  const spec = Object.hasOwn(specs, name) ? specs[name] : undefined;
  if (spec === undefined) {
    const names = Object.keys(specs).map((known) => `--${known}`);
    throw new UsageError(
      `lading ${commandName(command)} has no option ${rawName}; ` +
        hint(rawName, names, `${commandName(command)} --help`),
    );
  }
  if (spec.type === "boolean") {
    if (value !== undefined) throw new UsageError(`${rawName} takes no value`);
    return true;
  }
  const isOption = inlineValue !== true && value !== undefined && /^-./.test(value);
  if (value === undefined || value === "" || isOption) {
    const dashed = isOption
      ? `, or ${rawName}='${spec.isSecret === true ? "-…" : value}' for one with a dash`
      : "";
    throw new UsageError(`${rawName} needs a value: ${rawName} ${spec.value ?? "VALUE"}${dashed}`);
  }
  return value;
}
