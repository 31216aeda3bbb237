import type { Image } from "../image/image.ts";
import { mapIndex } from "../image/map_index.ts";
import { mutate } from "../image/mutate.ts";
import { rewriteLayers, type RewriteLayersOptions } from "../image/rewrite_layers.ts";
import {
  argument,
  type Command,
  type CommandContext,
  flag,
  list,
  text,
  UsageError,
} from "./_command.ts";
import { EDIT_OPTIONS, editOf, timeOption } from "./_edit_options.ts";
import { imageArgument } from "./_image_argument.ts";
import { indexNamed } from "./_open.ts";
import { platformsOption } from "./_options.ts";
import { PUSH_OPTIONS, pushEdited, targetOption } from "./_push_edited.ts";

/** How layers are to be written anew; `undefined` when they are not. */
function rewriteOf(context: CommandContext): RewriteLayersOptions | undefined {
  const strip = list(context, "strip");
  const compression = text(context, "compression");
  if (compression !== undefined && !isCompression(compression)) {
    const given = JSON.stringify(compression);
    throw new UsageError(`--compression takes gzip, zstd or none, not ${given}`);
  }
  return strip.length === 0 && compression === undefined ? undefined : { strip, compression };
}

function isCompression(text: string): text is "gzip" | "zstd" | "none" {
  return text === "gzip" || text === "zstd" || text === "none";
}

/** `lading mutate IMAGE`. */
export const mutateCommand: Command = {
  name: "mutate",
  synopsis: "IMAGE",
  summary: "change what an image says: its config, labels, annotations, times",
  arity: [1, 1],
  options: {
    ...EDIT_OPTIONS,
    time: {
      type: "string",
      value: "TIME",
      help: "set every time of the image: its own and those of its history",
    },
    "layer-times": { type: "boolean", help: "with --time: write the files of all layers anew too" },
    strip: {
      type: "string",
      isList: true,
      value: "PATH",
      help: "take this out of every layer, with what is below it; may be given several times",
    },
    compression: { type: "string", value: "gzip|zstd|none", help: "store every layer this way" },
    platform: {
      type: "string",
      value: "OS/ARCH[/VARIANT]|all",
      help:
        "of an index, take this platform's (default: the machine's, on Linux); all: each of them",
    },
    ...PUSH_OPTIONS,
  },
  details:
    "Layers keep their bytes, unless their files or the way they are stored are to change. The answer\n" +
    "is the digest-pinned reference.",
  examples: [
    "lading mutate app:1 --label version=1.2 --env LOG=info --remove label:debug --to app:1.2",
    "lading mutate acme/app:1 --platform all --annotation team=a --to acme/app:1",
    "lading mutate acme/app:1 --strip /var/cache --strip /tmp/build.log --to acme/app:1-small",
    "lading mutate oci:./app:1 --time 0 --layer-times --to oci:./app:reproducible",
  ],
  async run(context) {
    const edit = editOf(context);
    const time = timeOption(context, "time");
    const rewrite = rewriteOf(context);
    if (edit === undefined && time === undefined && rewrite === undefined) {
      throw new UsageError("say what is to be changed; see lading mutate --help");
    }
    if (flag(context, "layer-times") && time === undefined) {
      throw new UsageError("--layer-times goes with --time");
    }
    targetOption(context);
    const timestamps = time === undefined
      ? undefined
      : { time, layers: flag(context, "layer-times") };
    const change = (image: Image): Image => {
      // The format comes first: it decides which layers the image may have.
      const rewritten = rewrite === undefined
        ? image
        : rewriteLayers(mutate(image, { mediaTypes: edit?.mediaTypes }), rewrite);
      return mutate(rewritten, { ...edit, timestamps });
    };
    if (platformsOption(context) === "all") {
      const index = await indexNamed(context, argument(context, 0));
      return await pushEdited(context, mapIndex(index, change));
    }
    await pushEdited(context, change(await imageArgument(context)));
  },
};
