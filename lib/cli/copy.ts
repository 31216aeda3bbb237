import { copyPlaces } from "../runtime/open.ts";
import { argument, type Command, UsageError } from "./_command.ts";
import {
  JOBS_OPTION,
  jobsOption,
  JSON_OPTION,
  openOptions,
  PLATFORM_OPTION,
  platformsOption,
} from "./_options.ts";
import { showProgress } from "./progress.ts";
import { pinned } from "./pull.ts";
import { formatSize } from "./size.ts";

/** `lading copy FROM TO`. */
export const copyCommand: Command = {
  name: "copy",
  synopsis: "FROM TO",
  summary: "copy an image between any two places",
  arity: [2, 2],
  options: {
    all: { type: "boolean", short: "a", help: "copy every platform of an index" },
    ...PLATFORM_OPTION,
    ...JOBS_OPTION,
    ...JSON_OPTION,
  },
  async run(context) {
    const from = argument(context, 0);
    const to = argument(context, 1);
    const platform = platformsOption(context);
    if (context.options["all"] === true && platform !== undefined && platform !== "all") {
      throw new UsageError("--all and --platform cannot stand together");
    }
    const result = await showProgress(
      copyPlaces(from, to, {
        ...openOptions(context),
        platform: context.options["all"] === true ? "all" : platform,
        jobs: jobsOption(context),
      }),
      context.output,
    );
    context.output.note(
      `moved ${formatSize(result.bytesFetched)}, ${formatSize(result.bytesSkipped)} were there`,
    );
    if (context.options["json"] === true) {
      return await context.output.json({ ...result, place: to });
    }
    await context.output.line(pinned(to, result.descriptor.digest));
  },
};
