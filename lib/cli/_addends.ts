import type { LayerOptions } from "../image/layer_options.ts";
import type { NewLayer } from "../image/new_layer.ts";
import { isArchive, layerFromPath } from "../runtime/layer_from_path.ts";
import { nodeFileSystem } from "../runtime/node_file_system.ts";
import { type CommandContext, flag, type OptionSpecs, text, UsageError } from "./_command.ts";
import { timeOption } from "./_edit_options.ts";

/** What stands for an archive on the standard input. */
const STANDARD_INPUT = "-";

/** The options that say what layers are made like. */
export const LAYER_OPTIONS: OptionSpecs = {
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
    help: "leave archives that have the form of a Windows layer already as they are",
  },
  zstd: { type: "boolean", help: "compress the layers with zstd, not with gzip" },
  uncompressed: { type: "boolean", help: "do not compress the layers" },
};

/** What is put on an image: `SOURCE[:PATH]`. */
export interface Addend {
  /** A directory, a file or an archive; `-` is an archive on the standard input. */
  readonly path: string;
  /** Where it goes in the image. */
  readonly place: string;
}

/** Reads what is put on the image, and refuses what cannot be read. */
export function addendsOf(context: CommandContext): Addend[] {
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

/** Makes a layer of a directory, of a file, or of a tar archive, which is unpacked. */
export async function layerOf(
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

/** Reads what layers are made like. */
export function layerOptions(context: CommandContext): LayerOptions {
  return {
    signal: context.signal,
    owner: ownerOption(context),
    mtime: mtimeOption(context),
    compression: compressionOf(context),
  };
}

function compressionOf(context: CommandContext): "zstd" | "none" | undefined {
  const [isZstd, isPlain] = [flag(context, "zstd"), flag(context, "uncompressed")];
  if (isZstd && isPlain) throw new UsageError("--zstd does not go with --uncompressed");
  return isZstd ? "zstd" : isPlain ? "none" : undefined;
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
