import type { ImageHistoryEntry } from "../engine/history.ts";
import { argument, type Command, flag, text } from "./_command.ts";
import { formatDay } from "./_day.ts";
import { ENGINE_OPTIONS, ENGINE_PLATFORM_OPTION, withEngine } from "./_engine.ts";
import { escapeControls } from "./_plain_text.ts";
import { formatSize } from "./size.ts";

function line({ size, created, createdBy, comment }: ImageHistoryEntry): string {
  const words = [createdBy, comment].filter((text) => text !== "").map(escapeControls);
  return [formatSize(size).padStart(7), formatDay(created), ...words].join("  ");
}

/** `lading engine history IMAGE`. */
export const historyCommand: Command = {
  name: "history",
  group: "engine",
  synopsis: "IMAGE",
  summary: "list the steps that an image was made in, the last one first",
  arity: [1, 1],
  options: { ...ENGINE_PLATFORM_OPTION, ...ENGINE_OPTIONS },
  details: "A step is its size, its day, the command and what its author said of it.",
  examples: ["lading engine history alpine:3.20"],
  run: (context) =>
    withEngine(context, async (engine) => {
      const { output, signal } = context;
      const entries = await engine.images.history(argument(context, 0), {
        platform: text(context, "platform"),
        signal,
      });
      if (flag(context, "json")) return await output.json(entries);
      for (const entry of entries) await output.line(line(entry));
    }),
};
