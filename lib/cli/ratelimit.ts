import { parsePlace } from "../model/place.ts";
import { parseReference, withDefaultTag } from "../model/reference.ts";
import type { RateLimit } from "../registry/rate_limit.ts";
import { openRepository } from "../runtime/open.ts";
import { argument, type Command, type CommandContext, flag, UsageError } from "./_command.ts";
import { JSON_OPTION, openOptions, REGISTRY_OPTION } from "./_options.ts";

/** Asks the registry of the image that the argument names. */
async function rateLimit(context: CommandContext): Promise<RateLimit> {
  const place = parsePlace(argument(context, 0));
  if (place.transport !== "docker") throw new UsageError("name an image in a registry");
  const { tag, digest } = withDefaultTag(parseReference(place.reference));
  const repository = openRepository(place.reference, openOptions(context));
  return await repository.rateLimit(digest ?? tag ?? "", { signal: context.signal });
}

/** `lading ratelimit IMAGE`. */
export const ratelimitCommand: Command = {
  name: "ratelimit",
  synopsis: "IMAGE",
  summary: "tell how many pulls a registry still takes",
  arity: [1, 1],
  options: { ...JSON_OPTION, ...REGISTRY_OPTION },
  details:
    "The answer is what the header of the manifest says, as that of Docker Hub does; asking for it\n" +
    "counts as no pull. Nothing is printed where the registry does not tell.",
  examples: [
    "lading ratelimit alpine:3.20",
    "lading ratelimit ratelimitpreview/test --json | jq .remaining",
  ],
  async run(context) {
    const { output } = context;
    const limit = await rateLimit(context);
    if (flag(context, "json")) return await output.json(limit);
    const seconds = (value: number | undefined) => value === undefined ? value : `${value} s`;
    const rows = Object.entries({
      limit: limit.limit,
      remaining: limit.remaining,
      window: seconds(limit.windowSeconds),
      reset: seconds(limit.resetSeconds),
      source: limit.source,
    }).filter(([, value]) => value !== undefined);
    for (const [name, value] of rows) await output.line(`${name.padEnd(9)}  ${value}`);
    if (rows.length === 0) output.note("the registry tells of no limit");
  },
};
