import { type CommandContext, list, type OptionSpecs, UsageError } from "./_command.ts";

/** The options that choose some of many tags. */
export const PATTERN_OPTIONS: OptionSpecs = {
  include: {
    type: "string",
    isList: true,
    value: "REGEXP",
    help: "take the tags that match as a whole; may be given several times",
  },
  exclude: {
    type: "string",
    isList: true,
    value: "REGEXP",
    help: "leave out the tags that match as a whole; may be given several times",
  },
};

/** Reads `--include` and `--exclude` as a test of tags. */
export function patternsOption(context: CommandContext): (tag: string) => boolean {
  const [included, excluded] = [patterns(context, "include"), patterns(context, "exclude")];
  return (tag) => {
    const isIncluded = included.length === 0 || included.some((pattern) => pattern.test(tag));
    return isIncluded && !excluded.some((pattern) => pattern.test(tag));
  };
}

function patterns(context: CommandContext, name: string): RegExp[] {
  return list(context, name).map((pattern) => {
    try {
      return new RegExp(`^(?:${pattern})$`, "u");
    } catch (error) {
      throw new UsageError(
        `--${name} takes a regular expression, not ${JSON.stringify(pattern)}`,
        { cause: error },
      );
    }
  });
}
