import { argument, type Command } from "./_command.ts";
import { ENGINE_OPTIONS, withEngine } from "./_engine.ts";
import { answer } from "./_engine_answer.ts";

/** `lading engine tag IMAGE NAME`. */
export const tagCommand: Command = {
  name: "tag",
  group: "engine",
  synopsis: "IMAGE NAME",
  summary: "give an image of an engine another name",
  arity: [2, 2],
  options: { ...ENGINE_OPTIONS },
  examples: ["lading engine tag app:1 registry.acme.dev/app:1"],
  run: (context) =>
    withEngine(context, async (engine) => {
      const { signal } = context;
      const [image, name] = [argument(context, 0), argument(context, 1)];
      const tagged = await engine.images.tag(image, name, { signal });
      await answer(context, { lines: [tagged], json: { name: tagged } });
    }),
};
