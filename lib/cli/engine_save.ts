import { type Command, text } from "./_command.ts";
import { CONNECTION_OPTIONS, ENGINE_PLATFORM_OPTION, withEngine } from "./_engine.ts";

/** `lading engine save IMAGE…`. */
export const saveCommand: Command = {
  name: "save",
  group: "engine",
  synopsis: "IMAGE...",
  summary: "write images of an engine as one archive to stdout",
  arity: [1, 1000],
  options: { ...ENGINE_PLATFORM_OPTION, ...CONNECTION_OPTIONS },
  details:
    "The archive is as docker save writes it. lading copy docker-daemon:NAME writes other ones.",
  examples: [
    "lading engine save app:1 > app.tar",
    "lading engine save app:1 | lading engine load --host tcp://other:2376",
  ],
  run: (context) =>
    withEngine(context, async (engine) => {
      const { args, output, signal } = context;
      const platform = text(context, "platform");
      await output.bytes(engine.images.save(args, { platform, signal }));
    }),
};
