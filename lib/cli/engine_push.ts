import { argument, type Command, flag, text } from "./_command.ts";
import {
  ENGINE_PLATFORM_OPTION,
  ENGINE_PROGRESS_OPTIONS,
  showEngine,
  withEngine,
} from "./_engine.ts";
import { answer } from "./_engine_answer.ts";

/** `lading engine push IMAGE`. */
export const pushCommand: Command = {
  name: "push",
  group: "engine",
  synopsis: "IMAGE",
  summary: "let an engine push an image; done when the registry has it",
  arity: [1, 1],
  options: {
    "all-tags": { type: "boolean", short: "a", help: "push every tag of the repository" },
    ...ENGINE_PLATFORM_OPTION,
    ...ENGINE_PROGRESS_OPTIONS,
  },
  details: "The answer is the digest-pinned reference.",
  examples: ["lading engine push registry.acme.dev/app:1"],
  run: (context) =>
    withEngine(context, async (engine) => {
      const operation = engine.images.push(argument(context, 0), {
        allTags: flag(context, "all-tags"),
        platform: text(context, "platform"),
        signal: context.signal,
      });
      const pushed = await showEngine(context, operation);
      await answer(context, { lines: [pushed.reference], json: pushed });
    }),
};
