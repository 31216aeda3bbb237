import type { SyncEvent, SyncResult } from "../ops/sync.ts";
import { syncPlaces } from "../runtime/sync_places.ts";
import { argument, type Command, type CommandContext, flag } from "./_command.ts";
import { errorText } from "./_error_text.ts";
import { PATTERN_OPTIONS, patternsOption } from "./_name_patterns.ts";
import {
  JOBS_OPTION,
  jobsOption,
  JSON_OPTION,
  openOptions,
  platformsOption,
  REGISTRY_OPTION,
} from "./_options.ts";
import { formatSize } from "./size.ts";

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
    ...PATTERN_OPTIONS,
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
      include: patternsOption(context),
      keepGoing: true,
      platform: platformsOption(context),
      jobs: jobsOption(context),
      referrers: flag(context, "referrers"),
    });
    for await (const event of operation) tell(context, event);
    await answer(context, await operation);
  },
};
