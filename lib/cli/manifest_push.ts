import { readAll } from "../bytes/read_all.ts";
import { MAX_MANIFEST_BYTES } from "../model/manifest.ts";
import { pushManifest } from "../ops/push_manifest.ts";
import { openTarget } from "../runtime/open.ts";
import { pinnedReference } from "../runtime/pinned_reference.ts";
import { argument, type Command, flag, text } from "./_command.ts";
import { inputStream } from "./_input.ts";
import { JSON_OPTION, openOptions, REGISTRY_OPTION } from "./_options.ts";

/** `lading manifest push PLACE FILE|-`. */
export const manifestPushCommand: Command = {
  name: "push",
  group: "manifest",
  synopsis: "PLACE FILE|-",
  summary: "store a manifest or an index as it is, byte for byte",
  arity: [2, 2],
  options: {
    "media-type": {
      type: "string",
      value: "TYPE",
      help: "the media type, where the document does not name its own",
    },
    ...JSON_OPTION,
    ...REGISTRY_OPTION,
  },
  details:
    "What it names has to be there: lading blob push stores it. With a digest in PLACE, other bytes\n" +
    "are refused. The answer is the digest-pinned reference.",
  examples: [
    "lading manifest push registry.acme.dev/app:1 ./manifest.json",
    "lading manifest alpine:3.20 | lading manifest push oci:./alpine:3.20 -",
  ],
  async run(context) {
    const { signal, output } = context;
    const [place, path] = [argument(context, 0), argument(context, 1)];
    const target = openTarget(place, openOptions(context));
    try {
      const limits = { maxBytes: MAX_MANIFEST_BYTES, what: "the manifest", signal };
      const raw = await readAll(await inputStream(path, signal), limits);
      const reference = target.reference === "" ? undefined : target.reference;
      const mediaType = text(context, "media-type");
      const descriptor = await pushManifest(target.content, raw, { reference, mediaType, signal });
      await target.commit({ signal });
      if (flag(context, "json")) return await output.json(descriptor);
      await output.line(pinnedReference(place, descriptor.digest));
    } finally {
      await target.close();
    }
  },
};
