import { copyPlaces } from "../runtime/copy_places.ts";
import type { CopyPlan } from "../ops/plan_copy.ts";
import { archiveOutput, refuseFor, writeArchive } from "./_archive_output.ts";
import { argument, type Command, type CommandContext, flag, UsageError } from "./_command.ts";
import { hostCredentials } from "../runtime/docker_credentials.ts";
import { BOTH_CREDENTIALS_OPTIONS, credentialsOption } from "./_credentials_option.ts";
import {
  FORMAT_OPTION,
  formatOption,
  jobsOption,
  openOptions,
  platformsOption,
} from "./_options.ts";
import { formatSize } from "./size.ts";
import { pushImageToV1, v1Argument } from "./_v1.ts";
import { THREADS_OPTION, withThreads } from "./_threads.ts";
import { transfer, TRANSFER_OPTIONS } from "./_transfer.ts";

/** Writes a plan: what would happen to each content, and how much would move. */
async function showPlan(context: CommandContext, plan: CopyPlan): Promise<void> {
  const { output } = context;
  if (flag(context, "json")) return await output.json(plan);
  for (const { descriptor, action } of [...plan.blobs, ...plan.manifests]) {
    await output.line(`${action.padEnd(6)}  ${descriptor.digest}  ${formatSize(descriptor.size)}`);
  }
  output.note(`${formatSize(plan.bytesToCopy)} would be copied`);
}

/** `lading copy FROM TO`. */
export const copyCommand: Command = {
  name: "copy",
  synopsis: "FROM TO",
  summary: "copy an image between any two places",
  arity: [2, 2],
  options: {
    "dry-run": { type: "boolean", help: "show what would be copied, and move nothing" },
    "no-clobber": {
      type: "boolean",
      short: "n",
      help: "move nothing when the name in TO stands for another image, or the archive is there",
    },
    all: {
      type: "boolean",
      short: "a",
      help: "copy every platform of an index, as by default unless into an engine",
    },
    ...FORMAT_OPTION,
    ...BOTH_CREDENTIALS_OPTIONS,
    referrers: { type: "boolean", help: "copy signatures, SBOMs and whatever else refers to it" },
    "digest-tags": {
      type: "boolean",
      help: "copy tags that name its digest, sha256-….sig, where cosign keeps signatures",
    },
    ...TRANSFER_OPTIONS,
    ...THREADS_OPTION,
    platform: {
      type: "string",
      value: "OS/ARCH[/VARIANT]",
      help: "copy the image for this platform only",
    },
  },
  details:
    "What TO has is not moved. The answer is the digest-pinned reference. An archive with the\n" +
    "path - is read from stdin, or written to stdout.",
  examples: [
    "lading copy ghcr.io/acme/app:1 registry.acme.dev/app:1",
    "lading copy docker-archive:app.tar oci:./app:1",
    "lading copy ghcr.io/acme/app:1 docker-archive:- --platform linux/amd64 | docker load",
    "lading copy alpine:3.20 oci:./alpine --platform linux/arm64 --jobs 5",
    "lading copy alpine:3.20 dir:./alpine --platform linux/arm64",
    "lading copy ghcr.io/acme/app:1 oci:./app --referrers --dry-run",
  ],
  async run(context) {
    const [from, to] = [argument(context, 0), argument(context, 1)];
    const platform = platformsOption(context);
    if (flag(context, "all") && platform !== undefined && platform !== "all") {
      throw new UsageError("--all and --platform cannot stand together");
    }
    if (flag(context, "digest-tags") && context.options.has("format")) {
      throw new UsageError("--digest-tags does not go with --format, which changes digests");
    }
    const archive = archiveOutput(to);
    if (archive !== undefined) {
      refuseFor("an archive on stdout", context, [
        "dry-run",
        "no-clobber",
        "json",
        "format",
        "referrers",
        "digest-tags",
        "jobs",
        "threads",
      ]);
      return await writeArchive(context, from, archive, platform);
    }
    const v1 = v1Argument(context, to);
    if (v1 !== undefined) {
      refuseFor("a registry of version 1", context, [
        "dry-run",
        "no-clobber",
        "json",
        "format",
        "referrers",
        "digest-tags",
      ]);
      return await pushImageToV1(context, from, v1, platform);
    }
    const options = {
      ...openOptions(context),
      targetCredentials: credentialsOption(context, "target") ?? hostCredentials(),
      platform: flag(context, "all") ? "all" : platform,
      jobs: jobsOption(context),
      referrers: flag(context, "referrers"),
      format: formatOption(context),
      digestTags: flag(context, "digest-tags"),
      existing: flag(context, "no-clobber") ? "refuse" : "replace",
    } as const;
    if (flag(context, "dry-run")) {
      return await showPlan(context, await copyPlaces.plan(from, to, options));
    }
    await withThreads(context, async (threads) => {
      const operation = copyPlaces(from, to, { ...options, threads });
      await transfer(context, { operation, to, pin: to });
    });
  },
};
