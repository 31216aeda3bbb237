import { argument, type Command, flag, text } from "./_command.ts";
import { ENGINE_OPTIONS, ENGINE_PLATFORM_OPTION, showEngine, withEngine } from "./_engine.ts";

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
    ...ENGINE_OPTIONS,
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
      const { reference } = await showEngine(context, operation);
      await context.output.line(reference);
    }),
};
