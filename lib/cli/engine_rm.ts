import { type Command, flag, text } from "./_command.ts";
import { errorText } from "./_error_text.ts";
import { ENGINE_OPTIONS, ENGINE_PLATFORM_OPTION, withEngine } from "./_engine.ts";

/** `lading engine rm IMAGE…`. */
export const rmCommand: Command = {
  name: "rm",
  group: "engine",
  synopsis: "IMAGE...",
  summary: "remove names and images from an engine",
  arity: [1, 1000],
  options: {
    force: { type: "boolean", short: "f", help: "remove an image with all its names" },
    "no-prune": { type: "boolean", help: "keep parents that have no name" },
    ...ENGINE_PLATFORM_OPTION,
    ...ENGINE_OPTIONS,
  },
  details:
    "It goes on when one cannot be removed, and ends with the exit code of the first failure.",
  examples: ["lading engine rm app:1 app:2"],
  run: (context) =>
    withEngine(context, async (engine) => {
      const { args, signal, output } = context;
      const platform = text(context, "platform");
      const [untagged, deleted]: [string[], string[]] = [[], []];
      const failures: unknown[] = [];
      for (const name of args) {
        const removal = engine.images.remove(name, {
          force: flag(context, "force"),
          noPrune: flag(context, "no-prune"),
          platforms: platform === undefined ? undefined : [platform],
          signal,
        });
        const result = await removal.catch((error: unknown) => {
          if (signal.aborted) throw error;
          failures.push(error);
          return undefined;
        });
        if (result === undefined) continue;
        untagged.push(...result.untagged);
        deleted.push(...result.deleted);
        if (flag(context, "json")) continue;
        for (const one of result.untagged) await output.line(`untagged  ${one}`);
        for (const one of result.deleted) await output.line(`deleted   ${one}`);
      }
      if (flag(context, "json")) await output.json({ untagged, deleted });
      const [first, ...others] = failures;
      for (const error of others) output.fail(errorText(error));
      if (first !== undefined) throw first;
    }),
};
