import type { RootfsEntry } from "../image/rootfs_entry.ts";
import { encodeBase64 } from "../model/base64.ts";
import { CACHE_DETAILS, CACHE_OPTION, layerIndexesOption } from "./_cache_option.ts";
import { type Command, flag } from "./_command.ts";
import { imageArgument } from "./_image_argument.ts";
import { LongListing } from "./_long_listing.ts";
import { JSON_OPTION, PLATFORM_OPTION, REGISTRY_OPTION } from "./_options.ts";

/** `lading ls IMAGE`. */
export const lsCommand: Command = {
  name: "ls",
  synopsis: "IMAGE",
  summary: "list the files of an image",
  arity: [1, 1],
  options: {
    long: {
      type: "boolean",
      short: "l",
      help: "show mode, owner, size and time (UTC) too, as tar -tv",
    },
    ...CACHE_OPTION,
    ...PLATFORM_OPTION,
    ...JSON_OPTION,
    ...REGISTRY_OPTION,
  },
  details: "Control characters in names are escaped; --json has the names as they are.\n" +
    CACHE_DETAILS,
  examples: [
    "lading ls alpine:3.20 --long | head",
    "lading ls oci:./alpine --json | jq '.[] | select(.size > 1e6) | .path'",
  ],
  async run(context) {
    const { output, signal } = context;
    const image = await imageArgument(context);
    const files = image.files({ layerIndexes: layerIndexesOption(context), signal });
    if (flag(context, "json")) {
      const entries: unknown[] = [];
      for await (const entry of files) entries.push(jsonOf(entry));
      return await output.json(entries);
    }
    const long = flag(context, "long") ? new LongListing() : undefined;
    await output.lines(map(files, (entry) => long?.line(entry) ?? entry.path));
  },
};

async function* map<From, To>(
  items: AsyncIterable<From>,
  change: (item: From) => To,
): AsyncGenerator<To, void, undefined> {
  for await (const item of items) yield change(item);
}

function jsonOf(entry: RootfsEntry): unknown {
  const xattrs = [...entry.xattrs].map(([name, value]) => [name, encodeBase64(value)] as const);
  return { ...entry, xattrs: Object.fromEntries(xattrs) };
}
