import type { SyncPlan } from "../ops/plan_sync.ts";
import type { FailedTag, SyncEvent, SyncResult } from "../ops/sync.ts";
import { syncPlaces } from "../runtime/sync_places.ts";
import { argument, type Command, type CommandContext, flag } from "./_command.ts";
import { hostCredentials } from "../runtime/docker_credentials.ts";
import { BOTH_CREDENTIALS_OPTIONS, credentialsOption } from "./_credentials_option.ts";
import { errorText } from "./_error_text.ts";
import { PATTERN_OPTIONS, patternsOption } from "./_name_patterns.ts";
import {
  FORMAT_OPTION,
  formatOption,
  JOBS_OPTION,
  jobsOption,
  JSON_OPTION,
  MIRROR_OPTION,
  openOptions,
  platformsOption,
  REGISTRIES_OPTION,
} from "./_options.ts";
import { formatSize } from "./size.ts";

function tell(context: CommandContext, event: SyncEvent): void {
  if (event.type === "tag") context.output.note(`${event.status.padEnd(9)}  ${event.reference}`);
}

async function answer(context: CommandContext, result: SyncResult): Promise<void> {
  const { output } = context;
  const { copied, unchanged, kept, failed, bytesFetched, bytesMounted } = result;
  const left = kept.length === 0 ? "" : `${kept.length} kept, `;
  output.note(
    `${copied.length} copied, ${unchanged.length} unchanged, ${left}${failed.length} failed; ` +
      `moved ${formatSize(bytesFetched)}` +
      (bytesMounted === 0 ? "" : `, ${formatSize(bytesMounted)} mounted`),
  );
  if (flag(context, "json")) {
    await output.json({ ...result, failed: failures(failed) });
  } else {
    for (const { reference, descriptor } of copied) {
      await output.line(`${reference}  ${descriptor?.digest ?? ""}`.trimEnd());
    }
  }
  tellFailures(context, failed);
}

/** Writes what would become of each tag, and how much would move. */
async function showPlan(context: CommandContext, plan: SyncPlan): Promise<void> {
  const { output } = context;
  const { tags, failed, bytesToCopy } = plan;
  if (flag(context, "json")) {
    await output.json({ ...plan, failed: failures(failed) });
  } else {
    for (const { reference, descriptor, action } of tags) {
      await output.line(`${action.padEnd(9)}  ${reference}  ${descriptor?.digest ?? ""}`.trimEnd());
    }
  }
  const copied = tags.filter(({ action }) => action === "copy").length;
  output.note(`${copied} of ${tags.length} tags and ${formatSize(bytesToCopy)} would be copied`);
  tellFailures(context, failed);
}

function failures(failed: readonly FailedTag[]): unknown {
  return failed.map(({ reference, error }) => ({ reference, error: errorText(error) }));
}

/** The first failure is what the command ends with; the others are told before it. */
function tellFailures(context: CommandContext, failed: readonly FailedTag[]): void {
  const [first, ...others] = failed;
  for (const { reference, error } of others) {
    context.output.fail(`${reference}: ${errorText(error)}`);
  }
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
    "dry-run": { type: "boolean", help: "show what would be copied, and move nothing" },
    "no-clobber": {
      type: "boolean",
      short: "n",
      help: "leave tags that point at other images in TO as they are",
    },
    ...FORMAT_OPTION,
    ...BOTH_CREDENTIALS_OPTIONS,
    referrers: { type: "boolean", help: "copy signatures, SBOMs and whatever else refers to them" },
    platform: {
      type: "string",
      value: "OS/ARCH[/VARIANT]",
      help: "copy the images for this platform only",
    },
    ...JOBS_OPTION,
    ...JSON_OPTION,
    ...MIRROR_OPTION,
    ...REGISTRIES_OPTION,
  },
  details:
    "FROM and TO are without a tag. Docker archives and engines get the name of the repository with\n" +
    "each tag, that of TO where it has one. A tag that two images would have is an error.\n" +
    "Tags that point at the same image in TO are not touched, and tags that only TO has stay. It\n" +
    "goes on when a tag fails, and ends with the exit code of the first failure. The answer is a\n" +
    "line for each tag that was copied: the tag and its digest.",
  examples: [
    "lading sync ghcr.io/acme/app registry.acme.dev/app --include '1\\..*' --exclude '.*-rc.*'",
    "lading sync ghcr.io/acme/app oci:./backup --referrers",
    "lading sync ghcr.io/acme/app registry.acme.dev/app --dry-run --json | jq .bytesToCopy",
  ],
  async run(context) {
    const [from, to] = [argument(context, 0), argument(context, 1)];
    const options = {
      ...openOptions(context),
      targetCredentials: credentialsOption(context, "target") ?? hostCredentials(),
      include: patternsOption(context),
      keepGoing: true,
      existing: flag(context, "no-clobber") ? "keep" : "replace",
      platform: platformsOption(context),
      format: formatOption(context),
      jobs: jobsOption(context),
      referrers: flag(context, "referrers"),
    } as const;
    if (flag(context, "dry-run")) {
      return await showPlan(context, await syncPlaces.plan(from, to, options));
    }
    const operation = syncPlaces(from, to, options);
    for await (const event of operation) tell(context, event);
    await answer(context, await operation);
  },
};
