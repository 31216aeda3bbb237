import type { Image } from "../image/image.ts";
import type { RootfsEntry } from "../image/rootfs_entry.ts";
import { encodeBase64 } from "../model/base64.ts";
import { CACHE_DETAILS, CACHE_OPTION, layerIndexesOption } from "./_cache_option.ts";
import { type Command, type CommandContext, flag } from "./_command.ts";
import { imageWithFiles } from "./_image_argument.ts";
import { LongListing } from "./_long_listing.ts";
import { realPath } from "./_real_path.ts";
import { JSON_OPTION, MIRROR_OPTION, PLATFORM_OPTION, REGISTRY_OPTION } from "./_options.ts";

/** The entries that are wanted: all, those below a directory, or one that is none. */
async function* wantedEntries(
  context: CommandContext,
  image: Image,
): AsyncGenerator<RootfsEntry, void, undefined> {
  const options = { layerIndexes: layerIndexesOption(context), signal: context.signal };
  const [, wanted] = context.args;
  if (wanted === undefined || /^[./]*$/.test(wanted)) return yield* image.files(options);
  const rootfs = await image.rootfs(options);
  // A path may lead through links, and be one: /bin often is.
  const path = realPath(rootfs, wanted);
  const isDirectory = rootfs.stat(path).type === "directory";
  for (const entry of rootfs.entries()) {
    if (isDirectory ? entry.path.startsWith(`${path}/`) : entry.path === path) yield entry;
  }
}

/** `lading ls IMAGE [PATH]`. */
export const lsCommand: Command = {
  name: "ls",
  synopsis: "IMAGE [PATH]",
  summary: "list the files of an image",
  arity: [1, 2],
  options: {
    long: {
      type: "boolean",
      short: "l",
      help: "show mode, owner, size and time (UTC) too, as tar -tv",
    },
    ...CACHE_OPTION,
    ...PLATFORM_OPTION,
    ...JSON_OPTION,
    ...MIRROR_OPTION,
    ...REGISTRY_OPTION,
  },
  details: "With the PATH of a directory, what is below it is listed, links followed. Control\n" +
    "characters in names are escaped; --json has the names as they are.\n" +
    CACHE_DETAILS,
  examples: [
    "lading ls alpine:3.20 --long | head",
    "lading ls alpine:3.20 /etc/apk",
    "lading ls oci:./alpine --json | jq '.[] | select(.size > 1e6) | .path'",
  ],
  async run(context) {
    const { output } = context;
    const files = wantedEntries(context, await imageWithFiles(context));
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
