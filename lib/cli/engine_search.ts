import { argument, type Command, flag, text, UsageError } from "./_command.ts";
import { ENGINE_OPTIONS, FILTER_OPTION, filtersOption, withEngine } from "./_engine.ts";
import { escapeControls } from "./_plain_text.ts";

/** `lading engine search TERM`. */
export const searchCommand: Command = {
  name: "search",
  group: "engine",
  synopsis: "TERM",
  summary: "let an engine search Docker Hub",
  arity: [1, 1],
  options: {
    limit: { type: "string", value: "N", help: "list at most N repositories" },
    ...FILTER_OPTION,
    ...ENGINE_OPTIONS,
  },
  examples: ["lading engine search alpine --limit 5"],
  run: (context) =>
    withEngine(context, async (engine) => {
      const { output, signal } = context;
      const limit = text(context, "limit");
      if (limit !== undefined && !/^[1-9]\d{0,2}$/.test(limit)) {
        throw new UsageError(`--limit takes a number from 1 to 999, not ${JSON.stringify(limit)}`);
      }
      const found = await engine.images.search(argument(context, 0), {
        limit: limit === undefined ? undefined : Number(limit),
        filters: filtersOption(context),
        signal,
      });
      if (flag(context, "json")) return await output.json(found);
      for (const { name, stars, description } of found) {
        await output.line(`${String(stars).padStart(6)}  ${name}  ${escapeControls(description)}`);
      }
    }),
};
