import { argument, type Command, flag, UsageError } from "./_command.ts";
import {
  DEFAULT_PLATFORM_OPTION,
  defaultPlatform,
  ENGINE_PROGRESS_OPTIONS,
  showEngine,
  withEngine,
} from "./_engine.ts";
import { answer, imageAnswer } from "./_engine_answer.ts";

/** `lading engine pull IMAGE`. */
export const pullCommand: Command = {
  name: "pull",
  group: "engine",
  synopsis: "IMAGE",
  summary: "let an engine pull an image; done when it has it",
  arity: [1, 1],
  options: {
    "all-tags": { type: "boolean", short: "a", help: "pull every tag of the repository" },
    ...DEFAULT_PLATFORM_OPTION,
    ...ENGINE_PROGRESS_OPTIONS,
  },
  details: "The answer is the ID of the image.",
  examples: ["lading engine pull alpine:3.20", "lading engine pull acme/app --all-tags"],
  run: (context) =>
    withEngine(context, async (engine) => {
      const name = argument(context, 0);
      const { signal } = context;
      if (!flag(context, "all-tags")) {
        const platform = defaultPlatform(context);
        const image = await showEngine(context, engine.images.pull(name, { platform, signal }));
        return await answer(context, { lines: [image.id], json: imageAnswer(image) });
      }
      if (context.options.has("platform")) {
        throw new UsageError("--all-tags and --platform cannot stand together");
      }
      const images = await showEngine(context, engine.images.pullAll(name, { signal }));
      await answer(context, { lines: images.map(({ id }) => id), json: images.map(imageAnswer) });
    }),
};
