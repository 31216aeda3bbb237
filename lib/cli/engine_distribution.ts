import { formatPlatform } from "../model/platform.ts";
import { argument, type Command, flag } from "./_command.ts";
import { ENGINE_OPTIONS, withEngine } from "./_engine.ts";

/** `lading engine distribution IMAGE`. */
export const distributionCommand: Command = {
  name: "distribution",
  group: "engine",
  synopsis: "IMAGE",
  summary: "let an engine ask a registry for digest and platforms of an image",
  arity: [1, 1],
  options: { ...ENGINE_OPTIONS },
  examples: ["lading engine distribution alpine:3.20"],
  run: (context) =>
    withEngine(context, async (engine) => {
      const { output, signal } = context;
      const data = await engine.images.distribution(argument(context, 0), { signal });
      const { descriptor, platforms = [] } = data;
      if (flag(context, "json")) return await output.json({ descriptor, platforms });
      await output.line(descriptor.digest);
      for (const platform of platforms) await output.line(formatPlatform(platform));
    }),
};
