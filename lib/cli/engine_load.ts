import { standardInput } from "../runtime/standard_input.ts";
import { type Command, text } from "./_command.ts";
import {
  ENGINE_PLATFORM_OPTION,
  ENGINE_PROGRESS_OPTIONS,
  showEngine,
  withEngine,
} from "./_engine.ts";
import { answer, imageAnswer } from "./_engine_answer.ts";

/** `lading engine load [FILE]`. */
export const loadCommand: Command = {
  name: "load",
  group: "engine",
  synopsis: "[FILE]",
  summary: "load an archive of images into an engine",
  arity: [0, 1],
  options: { ...ENGINE_PLATFORM_OPTION, ...ENGINE_PROGRESS_OPTIONS },
  details:
    "Without FILE, or with -, the archive comes from stdin. The answer is what was loaded: its\n" +
    "names, or its IDs where it has none.",
  examples: ["lading engine load app.tar"],
  run: (context) =>
    withEngine(context, async (engine) => {
      const { args: [path = "-"], signal } = context;
      const archive = path === "-" ? standardInput(signal) : { file: path };
      const platform = text(context, "platform");
      const operation = engine.images.load(archive, { platform, signal });
      const { names, images } = await showEngine(context, operation);
      const lines = names.length > 0 ? names : images.map(({ id }) => id);
      await answer(context, { lines, json: images.map(imageAnswer) });
    }),
};
