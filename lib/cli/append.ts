import { append } from "../image/append.ts";
import { emptyImage } from "../image/empty_image.ts";
import type { Image } from "../image/image.ts";
import type { LayerOptions } from "../image/layer_options.ts";
import { mutate } from "../image/mutate.ts";
import type { NewLayer } from "../image/new_layer.ts";
import { isConfigType } from "../model/media_types.ts";
import { parsePlace } from "../model/place.ts";
import { formatReference, parseReference, withDefaultTag } from "../model/reference.ts";
import { hostPlatform } from "../runtime/host_platform.ts";
import { isArchive, layerFromPath } from "../runtime/layer_from_path.ts";
import { nodeFileSystem } from "../runtime/node_file_system.ts";
import { openImage } from "../runtime/open.ts";
import { argument, type Command, type CommandContext, flag, text, UsageError } from "./_command.ts";
import { EDIT_OPTIONS, editOf, timeOption } from "./_edit_options.ts";
import { openOptions, PLATFORM_OPTION, platformOption } from "./_options.ts";
import { PUSH_OPTIONS, pushEdited, targetOption } from "./_push_edited.ts";

/** What stands for an image without layers, as in a Dockerfile. */
const SCRATCH = "scratch";

/** What stands for an archive on the standard input. */
const STANDARD_INPUT = "-";

/** Opens the image that something is made of. */
async function baseImage(context: CommandContext, name: string): Promise<Image> {
  const platform = platformOption(context);
  if (name === SCRATCH) return emptyImage(platform ?? hostPlatform());
  return await openImage(name, { ...openOptions(context), platform });
}

/** What is put on an image: `SOURCE[:PATH]`. */
interface Addend {
  /** A directory, a file or an archive; `-` is an archive on the standard input. */
  readonly path: string;
  /** Where it goes in the image. */
  readonly place: string;
}

function addendsOf(context: CommandContext): Addend[] {
  const addends = context.args.slice(1).map((given) => {
    const [, path = given, place = "/"] = /^(.+?):(\/.*)$/.exec(given) ?? [];
    return { path, place };
  });
  const piped = addends.filter(({ path }) => path === STANDARD_INPUT).length;
  if (piped > 1) throw new UsageError("the standard input is read once: name - once");
  if (piped === 1 && flag(context, "as-file")) {
    throw new UsageError("--as-file does not go with -, which is an archive");
  }
  return addends;
}

/** Tells whether a layer has to have the form that the base's operating system wants. */
async function systemOf(context: CommandContext, image: Image): Promise<string | undefined> {
  const { signal } = context;
  const { config } = await image.manifest({ signal });
  if (flag(context, "as-layer") || !isConfigType(config.mediaType)) return undefined;
  return (await image.platform({ signal })).os;
}

/** Makes a layer of a directory, of a file, or of a tar archive, which is unpacked. */
async function layerOf(
  context: CommandContext,
  { path, place }: Addend,
  os: string | undefined,
): Promise<NewLayer> {
  const options = { ...layerOptions(context), os, asFile: flag(context, "as-file") };
  const info = path === STANDARD_INPUT ? undefined : await nodeFileSystem().stat(path);
  const isFile = info?.type === "file" && !(isArchive(path) && !options.asFile);
  // A file goes to the place that is named; what ends with a slash is a directory.
  if (!isFile || place.endsWith("/")) {
    return await layerFromPath(path, { ...options, prefix: place });
  }
  return await layerFromPath(path, { ...options, name: place });
}

/** The name of the base that the annotations get, where they are to have one. */
function baseName(context: CommandContext, base: string): string | undefined {
  if (!flag(context, "base-annotations")) return undefined;
  const place = base === SCRATCH ? undefined : parsePlace(base);
  if (place?.transport !== "docker") {
    throw new UsageError("--base-annotations names a base in a registry, and this one is in none");
  }
  return formatReference(withDefaultTag(parseReference(place.reference)));
}

function layerOptions(context: CommandContext): LayerOptions {
  return {
    signal: context.signal,
    owner: ownerOption(context),
    mtime: mtimeOption(context),
    compression: flag(context, "uncompressed") ? "none" : undefined,
  };
}

/** The highest number of a user: what Linux has room for. */
const MAX_ID = 0xffff_fffe;

function ownerOption(context: CommandContext): string | undefined {
  const value = text(context, "owner");
  if (value === undefined || value === "keep") return value;
  const ids = /^(\d{1,10}):(\d{1,10})$/.exec(value)?.slice(1).map(Number) ?? [];
  if (ids.length === 2 && ids.every((id) => id <= MAX_ID)) return value;
  throw new UsageError(`--owner takes numbers, as 0:0, or keep, not ${JSON.stringify(value)}`);
}

function mtimeOption(context: CommandContext): LayerOptions["mtime"] {
  if (text(context, "mtime") === "keep") return "keep";
  const value = timeOption(context, "mtime");
  return typeof value === "string" ? new Date(value) : value;
}

/** `lading append BASE SOURCE[:PATH]…`. */
export const appendCommand: Command = {
  name: "append",
  synopsis: "BASE SOURCE[:PATH]...",
  summary: "put files on an image as new layers, without an engine",
  arity: [2, 100],
  options: {
    owner: {
      type: "string",
      value: "UID:GID|keep",
      help: "whom the files belong to (default 0:0)",
    },
    mtime: {
      type: "string",
      value: "TIME|keep",
      help: "the time of the files (default 1970, so that every day gives the same digest)",
    },
    "as-file": { type: "boolean", help: "take a tar archive as a file, and do not unpack it" },
    "as-layer": {
      type: "boolean",
      help: "take archives as the layers that they are, for Windows images too",
    },
    uncompressed: { type: "boolean", help: "do not compress the layers" },
    "base-annotations": {
      type: "boolean",
      help: "say in annotations what the base is, for lading check-base and rebase",
    },
    ...EDIT_OPTIONS,
    ...PLATFORM_OPTION,
    ...PUSH_OPTIONS,
  },
  details:
    "Each SOURCE becomes a layer: a directory, a file, or a tar archive, which is unpacked; - is an\n" +
    "archive on stdin. PATH is where it goes in the image: the content of a directory below it, a file\n" +
    "at it. BASE may be scratch. Layers on a Windows image get the form that Windows wants: PATH\n" +
    "counts from C:\\, and any user of the container may use the files. The answer is the\n" +
    "digest-pinned reference.",
  examples: [
    "lading append node:22-slim ./dist:/app --cmd 'node /app/main.js' --to registry.acme.dev/app:2",
    "lading append scratch ./server:/server --entrypoint /server --to oci:./image:1",
    "git archive HEAD | lading append node:22-slim -:/app --to registry.acme.dev/app:2",
  ],
  async run(context) {
    const base = argument(context, 0);
    // Wrong options are told before anything is read.
    const edit = editOf(context);
    targetOption(context);
    layerOptions(context);
    const addends = addendsOf(context);
    const name = baseName(context, base);
    const image = await baseImage(context, base);
    const os = await systemOf(context, image);
    const layers: NewLayer[] = [];
    try {
      for (const addend of addends) layers.push(await layerOf(context, addend, os));
      const appended = append(image, ...layers);
      const named = name === undefined ? undefined : { name, digest: await image.digest() };
      const edited = edit === undefined && named === undefined
        ? appended
        : mutate(appended, { ...edit, base: named });
      await pushEdited(context, edited, base === SCRATCH ? undefined : base);
    } finally {
      for (const layer of layers) await layer.close();
    }
  },
};
