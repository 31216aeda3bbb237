import { argument, type Command, flag, text } from "./_command.ts";
import { ENGINE_OPTIONS, ENGINE_PLATFORM_OPTION, withEngine } from "./_engine.ts";

/** `lading engine inspect IMAGE`. */
export const inspectCommand: Command = {
  name: "inspect",
  group: "engine",
  synopsis: "IMAGE",
  summary: "show what an engine says of an image, as JSON",
  arity: [1, 1],
  options: {
    manifests: { type: "boolean", help: "list the manifests of an index along" },
    ...ENGINE_PLATFORM_OPTION,
    ...ENGINE_OPTIONS,
  },
  examples: ["lading engine inspect alpine:3.20"],
  run: (context) =>
    withEngine(context, async (engine) => {
      const { signal } = context;
      const image = await engine.images.get(argument(context, 0), {
        platform: text(context, "platform"),
        manifests: flag(context, "manifests"),
        signal,
      });
      await context.output.json(image.attrs);
    }),
};
