import { parsePlace } from "../model/place.ts";
import { familiarReference, parseReference } from "../model/reference.ts";
import { pullPlace } from "../runtime/open.ts";
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
import { formatSize } from "./size.ts";

function defaultPlace(image: string): string {
  const place = parsePlace(image);
  if (place.transport !== "docker") {
    throw new UsageError(`name the place to pull "${image}" to, such as oci:./image`);
  }
  const name = parseReference(place.reference).repository.split("/").at(-1) ?? "image";
  return `oci:./${name}`;
}

/** `lading pull IMAGE [PLACE]`. */
export const pullCommand: Command = {
  name: "pull",
  synopsis: "IMAGE [PLACE]",
  summary: "pull an image, verified, into an OCI layout (default oci:./NAME)",
  arity: [1, 2],
  options: { ...PLATFORM_OPTION, ...JOBS_OPTION, ...JSON_OPTION },
  async run(context) {
    const image = argument(context, 0);
    const to = context.args[1] ?? defaultPlace(image);
    const started = Date.now();
    const result = await showProgress(
      pullPlace(image, to, {
        ...openOptions(context),
        platform: platformsOption(context),
        jobs: jobsOption(context),
      }),
      context.output,
    );
    const seconds = ((Date.now() - started) / 1000).toFixed(1);
    context.output.note(
      `fetched ${formatSize(result.bytesFetched)} in ${seconds} s, ${
        formatSize(result.bytesSkipped)
      } were there; ${to}`,
    );
    if (context.options["json"] === true) {
      return await context.output.json({ ...result, place: to });
    }
    await context.output.line(pinned(image, result.descriptor.digest));
  },
};

/** Writes the digest-pinned form of what was asked for. */
export function pinned(image: string, digest: string): string {
  const place = parsePlace(image);
  if (place.transport !== "docker") return digest;
  const { registry, repository } = parseReference(place.reference);
  return familiarReference({ registry, repository, digest });
}
