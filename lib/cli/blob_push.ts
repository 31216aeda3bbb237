import { parsePlace } from "../model/place.ts";
import { parseReference } from "../model/reference.ts";
import { pushBlob } from "../ops/push_blob.ts";
import { openTarget } from "../runtime/open.ts";
import { pinnedReference } from "../runtime/pinned_reference.ts";
import { argument, type Command, flag, text, UsageError } from "./_command.ts";
import { openInput } from "./_input.ts";
import { JSON_OPTION, openOptions, REGISTRY_OPTION } from "./_options.ts";

/** Reads `PLACE[@DIGEST]`: the digest that the blob has to have, where there is one. */
function expectedDigest(given: string): string | undefined {
  const place = parsePlace(given);
  if (place.transport === "oci" && !hasName(place.reference)) return place.reference;
  if (place.transport === "docker") {
    const { tag, digest } = parseReference(place.reference);
    if (tag === undefined) return digest;
  }
  throw new UsageError(
    `${given} is no repository and no layout: name one without a tag, as registry.acme.dev/app or oci:DIR`,
  );
}

function hasName(reference: string | undefined): boolean {
  return reference !== undefined && !/^sha(?:256|512):/.test(reference);
}

/** `lading blob push PLACE[@DIGEST] FILE|-`. */
export const blobPushCommand: Command = {
  name: "push",
  group: "blob",
  synopsis: "PLACE[@DIGEST] FILE|-",
  summary: "store a file as a blob of a repository or a layout",
  arity: [2, 2],
  options: {
    "media-type": { type: "string", value: "TYPE", help: "the media type that --json tells" },
    ...JSON_OPTION,
    ...REGISTRY_OPTION,
  },
  details:
    "What is there already is not sent. With a DIGEST, another content is refused. Registries clean\n" +
    "blobs away that no manifest names: push one next. The answer is the digest-pinned reference,\n" +
    "with --json the descriptor for the manifest.",
  examples: [
    "lading blob push registry.acme.dev/app ./layer.tar.gz",
    "jq -c . config.json | lading blob push registry.acme.dev/app - --json",
  ],
  async run(context) {
    const { signal, output } = context;
    const [place, path] = [argument(context, 0), argument(context, 1)];
    const digest = expectedDigest(place);
    const target = openTarget(place, openOptions(context));
    try {
      const input = await openInput(path, signal);
      try {
        const mediaType = text(context, "media-type");
        const blob = await pushBlob(target.content, input.content, { digest, mediaType, signal });
        if (flag(context, "json")) return await output.json(blob);
        await output.line(pinnedReference(place, blob.digest));
      } finally {
        await input.close();
      }
    } finally {
      await target.close();
    }
  },
};
