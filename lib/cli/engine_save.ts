import { type Command, text } from "./_command.ts";
import { CONNECTION_OPTIONS, ENGINE_PLATFORM_OPTION, withEngine } from "./_engine.ts";
import { bytesOutput, OUTPUT_OPTION } from "./_output_option.ts";

/** `lading engine save IMAGE…`. */
export const saveCommand: Command = {
  name: "save",
  group: "engine",
  synopsis: "IMAGE...",
  summary: "write images of an engine as one archive",
  arity: [1, 1000],
  options: { ...OUTPUT_OPTION, ...ENGINE_PLATFORM_OPTION, ...CONNECTION_OPTIONS },
  details:
    "The archive is as docker save writes it. lading copy docker-daemon:NAME writes other ones.",
  examples: [
    "lading engine save app:1 -o app.tar",
    "lading engine save app:1 | lading engine load --host tcp://other:2376",
  ],
  async run(context) {
    const write = bytesOutput(context);
    await withEngine(context, async (engine) => {
      const { args, signal } = context;
      const platform = text(context, "platform");
      await write(engine.images.save(args, { platform, signal }));
    });
  },
};
