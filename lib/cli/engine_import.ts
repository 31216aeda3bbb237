import { standardInput } from "../runtime/standard_input.ts";
import type { ImportSource } from "../engine/import.ts";
import { argument, type Command, list, text } from "./_command.ts";
import {
  DEFAULT_PLATFORM_OPTION,
  defaultPlatform,
  ENGINE_PROGRESS_OPTIONS,
  showEngine,
  withEngine,
} from "./_engine.ts";
import { answer, imageAnswer } from "./_engine_answer.ts";

function sourceOf(given: string, signal: AbortSignal): ImportSource {
  if (given === "-") return standardInput(signal);
  return /^https?:\/\//.test(given) ? { url: given } : { file: given };
}

/** `lading engine import SOURCE [NAME]`. */
export const importCommand: Command = {
  name: "import",
  group: "engine",
  synopsis: "FILE|URL|- [NAME]",
  summary: "make an image of a file tree, a tar archive, in an engine",
  arity: [1, 2],
  options: {
    change: {
      type: "string",
      short: "c",
      isList: true,
      value: "INSTRUCTION",
      help: "apply an instruction of a Dockerfile; may be given several times",
    },
    message: { type: "string", short: "m", value: "TEXT", help: "say something about the import" },
    ...DEFAULT_PLATFORM_OPTION,
    ...ENGINE_PROGRESS_OPTIONS,
  },
  details: "The answer is the ID of the image.",
  examples: ["lading engine import rootfs.tar acme/base:1 --message rootfs"],
  run: (context) =>
    withEngine(context, async (engine) => {
      const { signal } = context;
      const operation = engine.images.import(sourceOf(argument(context, 0), signal), {
        name: context.args[1],
        changes: list(context, "change"),
        message: text(context, "message"),
        platform: defaultPlatform(context),
        signal,
      });
      const image = await showEngine(context, operation);
      await answer(context, { lines: [image.id], json: imageAnswer(image) });
    }),
};
