import type { SyncEvent, SyncResult } from "../ops/sync.ts";
import { syncPlaces } from "../runtime/sync_places.ts";
import { argument, type Command, type CommandContext, flag, list, UsageError } from "./_command.ts";
import { errorText } from "./_error_text.ts";
import {
  JOBS_OPTION,
  jobsOption,
  JSON_OPTION,
  openOptions,
  platformsOption,
  REGISTRY_OPTION,
} from "./_options.ts";
import { formatSize } from "./size.ts";

/** Makes a test of tags from patterns, which have to match whole tags. */
function chooser(context: CommandContext): (tag: string) => boolean {
  const [included, excluded] = [patterns(context, "include"), patterns(context, "exclude")];
  return (tag) => {
    const isIncluded = included.length === 0 || included.some((pattern) => pattern.test(tag));
    return isIncluded && !excluded.some((pattern) => pattern.test(tag));
  };
}

function patterns(context: CommandContext, name: string): RegExp[] {
  return list(context, name).map((pattern) => {
    try {
      return new RegExp(`^(?:${pattern})$`, "u");
    } catch (error) {
      throw new UsageError(
        `--${name} takes a regular expression, not ${JSON.stringify(pattern)}`,
        { cause: error },
      );
    }
  });
}

function tell(context: CommandContext, event: SyncEvent): void {
  if (event.type === "tag") context.output.note(`${event.status.padEnd(9)}  ${event.reference}`);
}

async function answer(context: CommandContext, result: SyncResult): Promise<void> {
  const { output } = context;
  const { copied, unchanged, failed, bytesFetched } = result;
  output.note(
    `${copied.length} copied, ${unchanged.length} unchanged, ${failed.length} failed; moved ` +
      formatSize(bytesFetched),
  );
  if (flag(context, "json")) {
    const failures = failed.map(({ reference, error }) => ({ reference, error: errorText(error) }));
    await output.json({ ...result, failed: failures });
  } else {
    for (const { reference, descriptor } of copied) {
      await output.line(`${reference}  ${descriptor?.digest ?? ""}`.trimEnd());
    }
  }
  const [first, ...others] = failed;
  for (const { reference, error } of others) output.fail(`${reference}: ${errorText(error)}`);
  if (first !== undefined) throw first.error;
}

/** `lading sync FROM TO`. */
export const syncCommand: Command = {
  name: "sync",
  synopsis: "FROM TO",
  summary: "copy many tags of a repository or a layout",
  arity: [2, 2],
  options: {
    include: {
      type: "string",
      isList: true,
      value: "REGEXP",
      help: "copy the tags that match as a whole; may be given several times",
    },
    exclude: {
      type: "string",
      isList: true,
      value: "REGEXP",
      help: "leave out the tags that match as a whole; may be given several times",
    },
    referrers: { type: "boolean", help: "copy signatures, SBOMs and whatever else refers to them" },
    platform: {
      type: "string",
      value: "OS/ARCH[/VARIANT]",
      help: "copy the images for this platform only",
    },
    ...JOBS_OPTION,
    ...JSON_OPTION,
    ...REGISTRY_OPTION,
  },
  details:
    "Tags that point at the same image in TO are not touched, and tags that only TO has stay. It\n" +
    "goes on when a tag fails, and ends with the exit code of the first failure. The answer is a\n" +
    "line for each tag that was copied: the tag and its digest.",
  examples: [
    "lading sync ghcr.io/acme/app registry.acme.dev/app --include '1\\..*' --exclude '.*-rc.*'",
    "lading sync ghcr.io/acme/app oci:./backup --referrers",
  ],
  async run(context) {
    const operation = syncPlaces(argument(context, 0), argument(context, 1), {
      ...openOptions(context),
      include: chooser(context),
      keepGoing: true,
      platform: platformsOption(context),
      jobs: jobsOption(context),
      referrers: flag(context, "referrers"),
    });
    for await (const event of operation) tell(context, event);
    await answer(context, await operation);
  },
};
