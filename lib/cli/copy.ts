import { copyPlaces } from "../runtime/open.ts";
import { argument, type Command, flag, UsageError } from "./_command.ts";
import { jobsOption, openOptions, platformsOption } from "./_options.ts";
import { transfer, TRANSFER_OPTIONS } from "./_transfer.ts";

/** `lading copy FROM TO`. */
export const copyCommand: Command = {
  name: "copy",
  synopsis: "FROM TO",
  summary: "copy an image between any two places",
  arity: [2, 2],
  options: {
    all: { type: "boolean", short: "a", help: "copy every platform of an index, as by default" },
    ...TRANSFER_OPTIONS,
    platform: {
      type: "string",
      value: "OS/ARCH[/VARIANT]",
      help: "copy the image for this platform only",
    },
  },
  details: "What TO has is not moved. The answer is the digest-pinned reference.",
  examples: [
    "lading copy ghcr.io/acme/app:1 registry.acme.dev/app:1",
    "lading copy docker-archive:app.tar oci:./app:1",
    "lading copy alpine:3.20 oci:./alpine --platform linux/arm64 --jobs 5",
  ],
  async run(context) {
    const [from, to] = [argument(context, 0), argument(context, 1)];
    const platform = platformsOption(context);
    if (flag(context, "all") && platform !== undefined && platform !== "all") {
      throw new UsageError("--all and --platform cannot stand together");
    }
    const operation = copyPlaces(from, to, {
      ...openOptions(context),
      platform,
      jobs: jobsOption(context),
    });
    await transfer(context, { operation, to, pin: to });
  },
};
