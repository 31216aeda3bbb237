import { NotFoundError } from "../model/errors.ts";
import { detectPlace } from "../runtime/detect_place.ts";
import { copyPlaces } from "../runtime/copy_places.ts";
import { nodeFileSystem } from "../runtime/node_file_system.ts";
import { argument, type Command, flag, UsageError } from "./_command.ts";
import { CREDENTIALS_OPTION } from "./_credentials_option.ts";
import { jobsOption, openOptions, platformsOption } from "./_options.ts";
import { transfer, TRANSFER_OPTIONS } from "./_transfer.ts";
import { pushImageToV1, v1Argument } from "./_v1.ts";

/** `lading push PATH IMAGE`. */
export const pushCommand: Command = {
  name: "push",
  synopsis: "PATH IMAGE",
  summary: "push an OCI layout or an archive to a registry",
  arity: [2, 2],
  options: {
    ...CREDENTIALS_OPTION,
    ...TRANSFER_OPTIONS,
    referrers: { type: "boolean", help: "push signatures, SBOMs and whatever else refers to it" },
    platform: {
      type: "string",
      value: "OS/ARCH[/VARIANT]",
      help: "push the image for this platform only",
    },
  },
  details:
    "PATH is a directory with an OCI layout, or an archive of either kind, as docker save writes it;\n" +
    "or a place such as oci:DIR:NAME. The answer is the digest-pinned reference.",
  examples: [
    "lading push ./alpine registry.acme.dev/alpine:3.20",
    "lading push app.tar registry.acme.dev/app:1 --platform linux/amd64",
  ],
  async run(context) {
    const [given, to] = [argument(context, 0), argument(context, 1)];
    const from = await detectPlace(given);
    if (from === undefined) {
      const name = JSON.stringify(given);
      if (given !== "" && await nodeFileSystem().stat(given) === undefined) {
        throw new NotFoundError(
          `Cannot push ${name}: there is no such file; lading copy copies from other places`,
        );
      }
      throw new UsageError(
        `${name} is no directory with an OCI layout and no archive; lading copy copies from other ` +
          "places",
      );
    }
    const v1 = v1Argument(context, to);
    if (v1 !== undefined) return await pushImageToV1(context, from, v1, platformsOption(context));
    const operation = copyPlaces(from, to, {
      ...openOptions(context),
      platform: platformsOption(context),
      jobs: jobsOption(context),
      referrers: flag(context, "referrers"),
    });
    await transfer(context, { operation, to, pin: to });
  },
};
