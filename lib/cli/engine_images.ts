import type { ImageSummary } from "../engine/list.ts";
import { type Command, flag } from "./_command.ts";
import { formatDay } from "./_day.ts";
import { ENGINE_OPTIONS, FILTER_OPTION, filtersOption, withEngine } from "./_engine.ts";
import { escapeControls } from "./_plain_text.ts";
import { formatSize } from "./size.ts";

function lines({ shortID, tags, size, created }: ImageSummary): string[] {
  const rest = `${shortID}  ${formatSize(size).padStart(7)}  ${formatDay(created)}`;
  const names = tags.length === 0 ? ["<none>"] : tags;
  return names.map((name) => `${rest}  ${escapeControls(name)}`);
}

/** `lading engine images [NAME]`. */
export const imagesCommand: Command = {
  name: "images",
  group: "engine",
  synopsis: "[NAME]",
  summary: "list the images of an engine",
  arity: [0, 1],
  options: {
    all: { type: "boolean", short: "a", help: "list the images between layers too" },
    ...FILTER_OPTION,
    ...ENGINE_OPTIONS,
  },
  examples: ["lading engine images", "lading engine images --filter dangling=true --json"],
  run: (context) =>
    withEngine(context, async (engine) => {
      const images = await engine.images.list({
        name: context.args[0],
        all: flag(context, "all"),
        filters: filtersOption(context),
        signal: context.signal,
      });
      if (flag(context, "json")) return await context.output.json(images);
      for (const line of images.flatMap(lines)) await context.output.line(line);
    }),
};
