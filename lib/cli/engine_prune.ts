import { type Command, flag } from "./_command.ts";
import { ENGINE_OPTIONS, FILTER_OPTION, filtersOption, withEngine } from "./_engine.ts";
import { formatSize } from "./size.ts";

/** `lading engine prune`. */
export const pruneCommand: Command = {
  name: "prune",
  group: "engine",
  synopsis: "",
  summary: "remove images without a name from an engine, or the cache of builds",
  arity: [0, 0],
  options: {
    all: { type: "boolean", short: "a", help: "remove every image that no container uses" },
    builds: { type: "boolean", help: "remove the cache of builds, and no images" },
    ...FILTER_OPTION,
    ...ENGINE_OPTIONS,
  },
  examples: ["lading engine prune", "lading engine prune --builds --filter until=24h"],
  run: (context) =>
    withEngine(context, async (engine) => {
      const { output, signal } = context;
      const filters = filtersOption(context);
      const all = flag(context, "all");
      const result = flag(context, "builds")
        ? await engine.images.pruneBuilds({ all: all || undefined, filters, signal })
        : await engine.images.prune({
          filters: all ? { ...filters, dangling: false } : filters,
          signal,
        });
      if (flag(context, "json")) return await output.json(result);
      for (const one of result.deleted) await output.line(one);
      output.note(`${formatSize(result.spaceReclaimed)} reclaimed`);
    }),
};
