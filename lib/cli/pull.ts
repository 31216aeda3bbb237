import { parsePlace } from "../model/place.ts";
import { parseReference } from "../model/reference.ts";
import { pullPlace } from "../runtime/copy_places.ts";
import { argument, type Command, UsageError } from "./_command.ts";
import { CREDENTIALS_OPTION } from "./_credentials_option.ts";
import { isPath } from "./_meant_place.ts";
import { jobsOption, openOptions, platformsOption } from "./_options.ts";
import { THREADS_OPTION, withThreads } from "./_threads.ts";
import { transfer, TRANSFER_OPTIONS } from "./_transfer.ts";

function defaultPlace(image: string): string {
  const place = parsePlace(image);
  if (place.transport !== "docker") {
    throw new UsageError(`name the place to pull ${JSON.stringify(image)} to, such as oci:./image`);
  }
  const name = parseReference(place.reference).repository.split("/").at(-1) ?? "image";
  return `oci:./${name}`;
}

/** Reads the place to pull to; a path is one of a layout, as for lading push. */
function placeOf(text: string): string {
  if (parsePlace(text).transport !== "docker" || text.startsWith("docker:")) return text;
  if (/\.(?:tar|tgz|tar\.gz)$/.test(text)) {
    throw new UsageError(
      `name the kind of archive: oci-archive:${text}, or docker-archive:${text} for docker load`,
    );
  }
  if (isPath(text)) return `oci:${text}`;
  throw new UsageError(
    `${text} would be a registry's; oci:./${text} is a layout, and lading copy copies to registries`,
  );
}

/** `lading pull IMAGE [PLACE]`. */
export const pullCommand: Command = {
  name: "pull",
  synopsis: "IMAGE [PLACE]",
  summary: "pull an image, verified, into an OCI layout",
  arity: [1, 2],
  options: { ...CREDENTIALS_OPTION, ...TRANSFER_OPTIONS, ...THREADS_OPTION },
  details:
    "PLACE is oci:./NAME by default; a path such as ./images is a layout too. --platform all takes\n" +
    "every platform. The answer is the digest-pinned reference.",
  examples: [
    "lading pull alpine:3.20",
    "lading pull alpine:3.20 oci:./images:alpine --platform linux/arm64",
    "lading pull alpine:3.20 docker-archive:alpine.tar && docker load -i alpine.tar",
    'image=$(lading pull ghcr.io/acme/app:1 --quiet) && echo "$image"',
  ],
  async run(context) {
    const image = argument(context, 0);
    const [, place] = context.args;
    const to = place === undefined ? defaultPlace(image) : placeOf(place);
    await withThreads(context, async (threads) => {
      const operation = pullPlace(image, to, {
        ...openOptions(context),
        platform: platformsOption(context),
        jobs: jobsOption(context),
        threads,
      });
      await transfer(context, { operation, to, pin: image });
    });
  },
};
